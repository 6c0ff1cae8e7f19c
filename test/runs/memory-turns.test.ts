import { MemoryTurns } from '../../src/runs/memory-turns.ts';
import { turnsSuite } from './turns.suite.ts';

turnsSuite('MemoryTurns', async () => ({ turns: new MemoryTurns(), [Symbol.asyncDispose]: async () => {} }));
