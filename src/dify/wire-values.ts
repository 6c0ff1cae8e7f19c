/** The ids that any event may carry; each family of apps sends others of them (§2.3). */
export interface Envelope {
  readonly taskId: string | null;
  readonly conversationId: string | null;
  readonly messageId: string | null;
  readonly workflowRunId: string | null;
}

export interface WireUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number;
  /** Exact decimal without exponent: "0.0000006", never "6E-7". */
  readonly totalPrice: string | null;
  readonly currency: string | null;
  /** Seconds. */
  readonly latency: number | null;
}

/** A retrieved passage (§2.5, `retriever_resources`); every member may be missing. */
export interface WireCitation {
  readonly position: number;
  readonly datasetId: string | null;
  readonly datasetName: string | null;
  readonly documentId: string | null;
  readonly documentName: string | null;
  readonly segmentId: string | null;
  readonly score: number | null;
  readonly content: string | null;
}

/** A file of a message or an output (§7.4). */
export interface WireFile {
  readonly id: string | null;
  readonly type: string;
  readonly name: string | null;
  readonly mimeType: string | null;
  readonly size: number | null;
  readonly belongsTo: string | null;
  /** `local_file`, `tool_file`, `remote_url`, `datasource_file`; an open set. */
  readonly transferMethod: string | null;
  /** Of the upload that it is; null for a file that is none. */
  readonly uploadId: string | null;
  readonly url: string | null;
}
