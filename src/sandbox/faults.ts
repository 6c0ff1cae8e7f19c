/** The model provider, or a chatflow as a whole, failed: an `error` event in a stream, HTTP 400 without one. */
export class ModelFault extends Error {
  override readonly name = 'ModelFault';
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** A node of a graph failed, and with it the run. */
export class NodeFailure extends Error {
  override readonly name = 'NodeFailure';
}

/** The run was stopped: nodes that are under way are not told to have finished. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}
