import { describe, expect, test } from 'vitest';
import type { ContainerEvent, NodeEvent, RoundEvent } from '../../src/dify/wire-event.ts';
import { NodeTimeline } from '../../src/runs/node-timeline.ts';
import type { NodeRun, Progress } from '../../src/runs/run-event.ts';
import { container, node, round, wire, type DifyFrame } from './dify-frames.ts';

/** A timeline that has seen these frames, and what readers were told of it. */
function after(...frames: readonly DifyFrame[]) {
  const timeline = new NodeTimeline();
  const nodes = new Map<string, NodeRun>();
  const progress: Progress[] = [];
  const rounds: string[] = [];
  /** What changed, in order: `id STATUS`, or `id #round` for a round that begins. */
  const told: string[] = [];
  for (const event of wire(...frames)) {
    for (const change of timeline.see(event as NodeEvent | ContainerEvent | RoundEvent)) {
      if (change.type === 'NodeChanged') {
        nodes.set(change.node.id, change.node);
        progress.push(change.progress);
        told.push(`${change.node.id} ${change.node.status}`);
      } else {
        rounds.push(`${change.title} #${change.round}`);
        told.push(`${change.nodeId} #${change.round}`);
      }
    }
  }
  return { timeline, nodes, progress, rounds, told, get: (id: string) => nodes.get(id)! };
}

const inIteration = { iteration_id: 'each' };
const inLoop = { loop_id: 'until' };
const item = (index: number) => ({
  ...inIteration,
  execution_metadata: { iteration_id: 'each', iteration_index: index },
});
const turn = (index: number) => ({ ...inLoop, execution_metadata: { loop_id: 'until', loop_index: index } });

describe('a node', () => {
  test('runs, then has its end, its duration and its figures', () => {
    const metadata = { total_tokens: 50, total_price: '1.16E-5', currency: 'USD' };
    const { get, told } = after(
      node('started', '1', { created_at: 100, title: 'Summarise', node_type: 'llm' }),
      node('finished', '1', { title: 'Summarise', node_type: 'llm', execution_metadata: metadata, created_at: 100.5 }),
    );
    expect(told).toEqual(['1 RUNNING', '1 SUCCEEDED']);
    expect(get('1')).toEqual({
      id: '1',
      nodeId: 'node-1',
      type: 'llm',
      title: 'Summarise',
      index: 1,
      status: 'SUCCEEDED',
      startedAt: 100,
      finishedAt: 101,
      elapsedSeconds: 0.5,
      error: null,
      usage: {
        promptTokens: null,
        completionTokens: null,
        totalTokens: 50,
        totalPrice: '0.0000116',
        currency: 'USD',
        latencySeconds: null,
        source: 'FINAL_EVENT',
      },
      parentNodeId: null,
      round: null,
      retries: 0,
      inputs: null,
      outputs: null,
    });
  });

  test('is one execution for each time it runs', () => {
    const again = { node_id: 'same' };
    const { nodes } = after(node('started', '1', again), node('finished', '1', again), node('started', '2', again));
    expect([...nodes.values()].map(({ id, nodeId, status }) => [id, nodeId, status])).toEqual([
      ['1', 'same', 'SUCCEEDED'],
      ['2', 'same', 'RUNNING'],
    ]);
  });

  test('counts its retries and loses the error of a try once it succeeds', () => {
    const busy = { status: 'retry', error: 'HTTP 503' };
    const frames = [
      node('started', '1', { created_at: 90 }),
      node('retry', '1', { ...busy, retry_index: 1 }),
      node('retry', '1', { ...busy, retry_index: 2 }),
      node('finished', '1'),
    ];
    const { told, get, progress } = after(...frames);
    expect(told).toEqual(['1 RUNNING', '1 RETRYING', '1 RETRYING', '1 SUCCEEDED']);
    expect(get('1')).toMatchObject({ retries: 2, error: null, startedAt: 90 });
    expect(progress.map(({ current }) => current.length)).toEqual([1, 1, 1, 0]);
    expect(after(...frames.slice(0, 3)).get('1')).toMatchObject({ retries: 2, error: 'HTTP 503', finishedAt: null });
  });

  test.each([
    ['failed', 'FAILED', 'node-1'],
    ['exception', 'EXCEPTION', null],
    ['stopped', 'STOPPED', null],
    ['never heard of', 'FAILED', 'node-1'],
  ])('that ended as “%s” is %s', (status, told, lastFailed) => {
    const { get, progress, timeline } = after(node('finished', '1', { status, error: 'why' }));
    expect(get('1')).toMatchObject({ status: told, error: 'why' });
    expect(progress.at(-1)).toMatchObject({ finished: 1, failed: told === 'STOPPED' ? 0 : 1 });
    expect(timeline.lastFailed).toBe(lastFailed);
  });

  test('C62 is there although its start was lost', () => {
    const { get, progress } = after(node('finished', '1', { created_at: null }));
    expect(get('1')).toMatchObject({ status: 'SUCCEEDED', startedAt: null, finishedAt: 101 });
    expect(progress).toEqual([{ started: 1, finished: 1, failed: 0, current: [] }]);
  });

  test('C63 is closed as stopped when the run ends before it', () => {
    const { timeline } = after(
      node('started', '1'),
      node('started', '2'),
      node('finished', '1'),
      container('loop_started', 'until'),
      node('retry', '3', { status: 'retry', retry_index: 1 }),
    );
    expect(timeline.closeOpen().map(({ id, status }) => [id, status])).toEqual([
      ['2', 'STOPPED'],
      ['until', 'STOPPED'],
      ['3', 'STOPPED'],
    ]);
    expect(timeline.progress()).toEqual({ started: 4, finished: 4, failed: 0, current: [] });
    expect(timeline.closeOpen()).toEqual([]);
  });

  test('C64 needs no workflow_started and no run id', () => {
    const { get } = after({ ...node('started', '1'), workflow_run_id: null });
    expect(get('1').status).toBe('RUNNING');
  });

  test('C74 may carry the fields of old versions', () => {
    const old = { parallel_id: 'p', parallel_start_node_id: 's', index: 7 };
    expect(after(node('started', '1', old)).get('1')).toMatchObject({ index: 7, parentNodeId: null });
  });
});

describe('progress', () => {
  test('says what runs now, by title, whatever the order of events', () => {
    const { progress } = after(
      node('started', '1', { title: 'A' }),
      node('started', '2', { title: 'B' }),
      node('finished', '1', { title: 'A' }),
      node('finished', '2', { title: 'B', status: 'exception' }),
      node('finished', '2', { title: 'B', status: 'succeeded' }),
    );
    expect(progress).toEqual([
      { started: 1, finished: 0, failed: 0, current: ['A'] },
      { started: 2, finished: 0, failed: 0, current: ['A', 'B'] },
      { started: 2, finished: 1, failed: 0, current: ['B'] },
      { started: 2, finished: 2, failed: 1, current: [] },
      { started: 2, finished: 2, failed: 0, current: [] },
    ]);
  });
});

describe('an iteration', () => {
  test('is a node of its own, its items are rounds and its nodes know theirs', () => {
    const { told, rounds, get } = after(
      container('iteration_started', 'each', { title: 'Each URL' }),
      round('iteration', 'each', 0),
      node('started', 'a', { ...inIteration, node_id: 'get' }),
      node('finished', 'a', { ...item(0), node_id: 'get' }),
      round('iteration', 'each', 1),
      node('started', 'b', { ...inIteration, node_id: 'get' }),
      node('finished', 'b', { ...item(1), node_id: 'get' }),
      container('iteration_completed', 'each', { title: 'Each URL', total_tokens: 7 }),
    );
    expect(told).toEqual([
      'each RUNNING',
      'each #0',
      'a RUNNING',
      'a SUCCEEDED',
      'each #1',
      'b RUNNING',
      'b SUCCEEDED',
      'each SUCCEEDED',
    ]);
    expect(rounds).toEqual(['Title of each #0', 'Title of each #1']);
    expect(['a', 'b'].map((id) => [get(id).nodeId, get(id).parentNodeId, get(id).round])).toEqual([
      ['get', 'each', 0],
      ['get', 'each', 1],
    ]);
    expect(get('each')).toMatchObject({
      type: 'iteration',
      title: 'Each URL',
      startedAt: 100,
      finishedAt: 103,
      elapsedSeconds: 2.5,
      usage: { totalTokens: 7 },
      round: null,
    });
  });

  test('says the round of a node while it runs', () => {
    const { get } = after(
      container('iteration_started', 'each'),
      round('iteration', 'each', 0),
      node('started', 'a', inIteration),
      node('finished', 'a', item(0)),
      round('iteration', 'each', 1),
      node('started', 'b', inIteration),
    );
    expect(get('b')).toMatchObject({ round: 1, status: 'RUNNING' });
  });

  test('C66 that runs its items side by side leaves a round open until a node knows it', () => {
    const frames = [
      container('iteration_started', 'each'),
      ...[0, 1, 2].map((index) => round('iteration', 'each', index)),
      node('started', 'c', inIteration),
      node('finished', 'c', item(2)),
      node('started', 'a', inIteration),
      node('finished', 'a', item(0)),
      node('started', 'b', inIteration),
    ];
    const { rounds, get } = after(...frames);
    expect(rounds).toHaveLength(3);
    expect(['c', 'a', 'b'].map((id) => get(id).round)).toEqual([2, 0, null]);
    expect(after(...frames, node('finished', 'b', item(1))).get('b').round).toBe(1);
  });

  test('C65 that failed has the error of the node inside', () => {
    const { get, progress } = after(
      container('iteration_started', 'each'),
      round('iteration', 'each', 0),
      node('finished', 'a', { ...item(0), status: 'failed', error: 'HTTP 500' }),
      node('finished', 'outside', { status: 'failed', error: 'not this one' }),
      container('iteration_completed', 'each', { status: 'failed', error: null }),
    );
    expect(get('each')).toMatchObject({ status: 'FAILED', error: 'HTTP 500' });
    expect(progress.at(-1)).toMatchObject({ finished: 3, failed: 3 });
  });

  test('that failed without a node inside has no error to tell', () => {
    expect(after(container('iteration_completed', 'each', { status: 'failed' })).get('each')).toMatchObject({
      status: 'FAILED',
      error: null,
      startedAt: 100,
    });
  });
});

describe('a loop', () => {
  const rounds = (...indexes: readonly number[]) =>
    indexes.flatMap((index) => [
      ...(index === 0 ? [] : [round('loop', 'until', index)]),
      node('started', `n${index}`, inLoop),
      node('finished', `n${index}`, turn(index)),
    ]);

  test('C61 that breaks has the rounds that ran', () => {
    const { told, get } = after(
      container('loop_started', 'until'),
      ...rounds(0, 1),
      container('loop_completed', 'until', { outputs: { loop_round: 2 }, steps: 5 }),
    );
    expect(told).toEqual([
      'until RUNNING',
      'until #0',
      'n0 RUNNING',
      'n0 SUCCEEDED',
      'until #1',
      'n1 RUNNING',
      'n1 SUCCEEDED',
      'until SUCCEEDED',
    ]);
    expect(['n0', 'n1'].map((id) => get(id).round)).toEqual([0, 1]);
  });

  test('C61 that runs out begins no round after its last, although Dify announces one', () => {
    const { told } = after(
      container('loop_started', 'until'),
      ...rounds(0, 1),
      round('loop', 'until', 2),
      container('loop_completed', 'until', { steps: 2 }),
    );
    expect(told.filter((line) => line.includes('#'))).toEqual(['until #0', 'until #1']);
  });

  test('says the round of a node while it runs', () => {
    expect(
      after(
        container('loop_started', 'until'),
        ...rounds(0),
        round('loop', 'until', 1),
        node('started', 'x', inLoop),
      ).get('x'),
    ).toMatchObject({ round: 1, parentNodeId: 'until' });
  });

  test('announces a round once, with the title of the loop, however many nodes it has', () => {
    const { rounds: told } = after(
      container('loop_started', 'until', { title: 'Until two' }),
      node('started', 'a', inLoop),
      node('started', 'b', inLoop),
      node('finished', 'a', turn(0)),
      node('finished', 'b', turn(0)),
    );
    expect(told).toEqual(['Until two #0']);
  });

  test('that is over before its first round has none', () => {
    const { told } = after(container('loop_started', 'until'), container('loop_completed', 'until', { steps: 0 }));
    expect(told).toEqual(['until RUNNING', 'until SUCCEEDED']);
  });

  test('does without its start, which may be lost', () => {
    const { told, get } = after(...rounds(0, 1));
    expect(told).toEqual(['n0 RUNNING', 'n0 SUCCEEDED', 'until #1', 'n1 RUNNING', 'n1 SUCCEEDED']);
    expect(get('n0')).toMatchObject({ round: 0, parentNodeId: 'until' });
  });
});

describe('containers in one another', () => {
  test('begin anew in each round of the outer one', () => {
    const inner = (run: string) => [
      container('iteration_started', 'each', { created_at: run === 'x' ? 100 : 200 }),
      round('iteration', 'each', 0),
      node('started', run, inIteration),
      node('finished', run, item(0)),
      container('iteration_completed', 'each', { created_at: 300 }),
    ];
    const { told, get, progress } = after(
      container('loop_started', 'until'),
      node('started', 'n0', inLoop),
      node('finished', 'n0', turn(0)),
      ...inner('x'),
      round('loop', 'until', 1),
      node('started', 'n1', inLoop),
      node('finished', 'n1', turn(1)),
      ...inner('y'),
      container('loop_completed', 'until'),
    );
    expect(told.filter((line) => line.includes('#'))).toEqual(['until #0', 'each #0', 'until #1', 'each #0']);
    expect(['n0', 'x', 'n1', 'y'].map((id) => [get(id).parentNodeId, get(id).round])).toEqual([
      ['until', 0],
      ['each', 0],
      ['until', 1],
      ['each', 0],
    ]);
    expect(get('each').startedAt).toBe(200);
    expect(progress.at(-1)).toEqual({ started: 6, finished: 6, failed: 0, current: [] });
  });

  test('give a node that is in both to the inner one', () => {
    const { get } = after(
      node('finished', 'a', {
        iteration_id: 'each',
        loop_id: 'until',
        execution_metadata: { iteration_id: 'each', iteration_index: 3, loop_id: 'until', loop_index: 1 },
      }),
    );
    expect(get('a')).toMatchObject({ parentNodeId: 'each', round: 3 });
  });
});

test('C61 a whole run: six executions, one retry, an iteration of two and a loop of two', () => {
  const get = { node_id: 'get', title: 'GET', ...inIteration };
  const increment = { node_id: 'increment', ...inLoop };
  const {
    nodes,
    rounds,
    progress,
    get: of,
  } = after(
    node('started', '1', { node_type: 'start' }),
    node('finished', '1', { node_type: 'start' }),
    container('iteration_started', 'each'),
    round('iteration', 'each', 0),
    node('started', '2', get),
    node('retry', '2', { ...get, ...item(0), status: 'retry', error: 'HTTP 503', retry_index: 1 }),
    node('finished', '2', { ...get, ...item(0) }),
    round('iteration', 'each', 1),
    node('started', '3', get),
    node('finished', '3', { ...get, ...item(1) }),
    container('iteration_completed', 'each', { steps: 2 }),
    container('loop_started', 'until'),
    node('started', '4', increment),
    node('finished', '4', { ...increment, ...turn(0) }),
    round('loop', 'until', 1),
    node('started', '5', increment),
    node('finished', '5', { ...increment, ...turn(1) }),
    container('loop_completed', 'until', { steps: 5, outputs: { loop_round: 2 } }),
    node('started', '6', { node_type: 'end' }),
    node('finished', '6', { node_type: 'end' }),
  );
  const executions = [...nodes.values()].filter(({ type }) => type !== 'iteration' && type !== 'loop');
  expect(executions.map(({ id, round: index, retries }) => [id, index, retries])).toEqual([
    ['1', null, 0],
    ['2', 0, 1],
    ['3', 1, 0],
    ['4', 0, 0],
    ['5', 1, 0],
    ['6', null, 0],
  ]);
  expect([of('2').nodeId, of('3').nodeId]).toEqual(['get', 'get']);
  expect(rounds).toEqual(['Title of each #0', 'Title of each #1', 'Title of until #0', 'Title of until #1']);
  expect(progress.at(-1)).toEqual({ started: 8, finished: 8, failed: 0, current: [] });
});
