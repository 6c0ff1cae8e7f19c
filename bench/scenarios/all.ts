import type { Scenario } from '../scenario.ts';
import { fanOut } from './fan-out.ts';
import { hour } from './hour.ts';
import { http } from './http.ts';
import { first, latency } from './latency.ts';
import { letGo } from './let-go.ts';
import { memory } from './memory.ts';
import { processes } from './processes.ts';
import { redis } from './redis.ts';
import { slowReader } from './slow-reader.ts';
import { startUp } from './start-up.ts';
import { storm } from './storm.ts';
import { flood, paced } from './streams.ts';

/** In the order in which they are played. */
export const scenarios: readonly Scenario[] = [
  flood,
  paced,
  latency,
  first,
  letGo,
  memory,
  fanOut,
  slowReader,
  storm,
  startUp,
  http,
  redis,
  processes,
  hour,
];
