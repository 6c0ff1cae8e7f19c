import { MemoryLog } from '../../src/runs/memory-log.ts';
import { runLogSuite } from './run-log.suite.ts';

runLogSuite('MemoryLog', () => new MemoryLog());
