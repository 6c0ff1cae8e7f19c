export interface DifyAppOptions {
  readonly name: string;
  /** With its path: `https://host/v1`. */
  readonly baseUrl: string;
  /** What comes before `/files/` where Dify serves files by signed addresses: its `FILES_URL`. Default: the origin of `baseUrl`, and the address's own path. */
  readonly filesUrl?: string;
  readonly key: string;
  /** How many reads go to the server at once; the others wait. Default 0: as many as there are. */
  readonly maxReads?: number;
  /** Default 10,000. */
  readonly connectMs?: number;
  /** Default 60,000: chat and agent apps send nothing before the first token. */
  readonly headersMs?: number;
  /** Silence after which a stream is dead. Default 35,000: pings are due every 10 s. */
  readonly idleMs?: number;
  /** Total for one read. Default 15,000. */
  readonly readMs?: number;
  /** Longest event of a stream, and longest reply to a read; a stream may be 16 times as long. Default 16 MiB. */
  readonly maxEventBytes?: number;
  /** How long `info`, `parameters`, `meta` and `site` are kept. Default 300,000. */
  readonly cacheMs?: number;
}
