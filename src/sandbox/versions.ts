/** The version to show the demo apps with: all of them work, and no run is stopped for having waited. */
export const defaultShowcaseVersion = '1.16.2';

/** What a Dify of some version does on the wire, where versions differ (§10 of the Service API). */
export interface Features {
  /** From 1.13 graphs run in a worker and the reply relays a topic, which closes on two events only (§2.2). */
  readonly relay: boolean;
  /** From 1.13 `/end-users/{id}` is there, and files have a `reference` instead of a tenant. */
  readonly endUsers: boolean;
  /** Up to 1.12 asking for a variable by its name fails (observed). */
  readonly namedVariables: boolean;
  /** Up to 1.12 an unknown run is a reply of nulls, and the outputs of a known one are JSON in a string (observed). */
  readonly runRecords: boolean;
  /** From 1.14 runs can wait for a person, and their events can be followed afterwards. */
  readonly humanInput: boolean;
  /** In 1.13 and 1.14 a stopped graph may say `failed`, with an error that begins `Aborted` (§8.1). */
  readonly stopsAsFailed: boolean;
  /** From 1.15 models may send their reasoning apart, forms may ask for files, and what was filled in is told. */
  readonly separatedReasoning: boolean;
  readonly formFiles: boolean;
  /** From 1.16: empty lists instead of null, no null in the metadata of easy-UI apps, reasoning by node. */
  readonly tidy: boolean;
  /** From 1.16 `/messages` tells tokens and prices. */
  readonly messagePrices: boolean;
  readonly newAgent: boolean;
  /** From 1.16 a conversation is looked up before a graph's stream begins. */
  readonly eagerConversations: boolean;
  /** From 1.13 to 1.15 an easy-UI answer that nobody reads to its end is kept all the same; before, it stays empty (observed). */
  readonly keepsUnread: boolean;
  /** From 1.16 an easy-UI run is aborted when nobody reads it any more, and a stopped agent's answer is not kept. */
  readonly abortsUnread: boolean;
  /** 1.16.0 and 1.16.1 tell nobody that a form was filled in, and stop resumed workflows (§8.3). */
  readonly brokenResume: boolean;
}

/** The features of a version such as `1.14.2`. */
export function featuresOf(version: string): Features {
  const number = numberOf(version);
  const since = (first: string) => number >= numberOf(first);
  return {
    relay: since('1.13.0'),
    endUsers: since('1.13.0'),
    namedVariables: since('1.13.0'),
    runRecords: since('1.13.0'),
    humanInput: since('1.14.0'),
    stopsAsFailed: since('1.13.0') && !since('1.15.0'),
    separatedReasoning: since('1.15.0'),
    formFiles: since('1.15.0'),
    tidy: since('1.16.0'),
    messagePrices: since('1.16.0'),
    newAgent: since('1.16.0'),
    eagerConversations: since('1.16.0'),
    keepsUnread: since('1.13.0') && !since('1.16.0'),
    abortsUnread: since('1.16.0'),
    brokenResume: since('1.16.0') && !since('1.16.2'),
  };
}

/** Versions in their order: 1.14.2 is 1,014,002. */
function numberOf(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return (major * 1_000 + minor) * 1_000 + patch;
}
