import { describe, expect, test } from 'vitest';
import type { AgentThoughtEvent } from '../../src/dify/wire-event.ts';
import { AgentSteps, parsedOrText } from '../../src/runs/agent-steps.ts';
import { agentThought, wire, type DifyFrame } from './dify-frames.ts';

/** What each frame changes, if anything. */
function steps(...frames: readonly DifyFrame[]) {
  const seen = new AgentSteps();
  return wire(...frames).map((event) => seen.see(event as AgentThoughtEvent));
}

const called = { thought: 'I draw.', tool: 'draw', tool_input: '{"draw": {"size": 1}}' };

describe('a step of an agent', () => {
  test('C31 is not there before it says anything, and then once', () => {
    const blank = agentThought('1');
    const nulls = agentThought('1', {
      thought: null,
      observation: null,
      tool: null,
      tool_input: null,
      message_files: null,
    });
    const [first, second, filled, again] = steps(blank, nulls, agentThought('1', called), agentThought('1', called));
    expect([first, second, again]).toEqual([null, null, null]);
    expect(filled).toEqual({
      id: '1',
      position: 1,
      thought: 'I draw.',
      tool: 'draw',
      toolLabels: {},
      toolInput: { draw: { size: 1 } },
      observation: null,
      files: [],
    });
  });

  test('C30 fills up: what a later snapshot leaves empty stays', () => {
    const observed = { observation: '{"draw": "done"}', message_files: ['f1'] };
    const [, second, third] = steps(agentThought('1', called), agentThought('1', observed), agentThought('1'));
    expect(second).toMatchObject({
      thought: 'I draw.',
      tool: 'draw',
      toolLabels: {},
      toolInput: { draw: { size: 1 } },
      observation: '{"draw": "done"}',
      files: ['f1'],
    });
    expect(third).toBeNull();
  });

  test('is replaced where a later snapshot says something else', () => {
    const [, second] = steps(
      agentThought('1', { thought: 'I d', tool: 'a' }),
      agentThought('1', { thought: 'I draw.', tool: 'a;b' }),
    );
    expect(second).toMatchObject({ thought: 'I draw.', tool: 'a;b' });
  });

  test('C30 is one for each id, in its position', () => {
    const [first, second] = steps(agentThought('1', called), agentThought('2', { thought: 'Done.', position: 2 }));
    expect([first, second].map((step) => [step?.id, step?.position, step?.tool])).toEqual([
      ['1', 1, 'draw'],
      ['2', 2, null],
    ]);
  });

  test('is there as soon as it has nothing but a file, a tool or an observation', () => {
    const found = steps(
      agentThought('1', { message_files: ['f1'] }),
      agentThought('2', { tool: 'draw' }),
      agentThought('3', { observation: 'seen' }),
    );
    expect(found).not.toContain(null);
  });

  test('shows no tags of its thinking, and keeps what was said after it', () => {
    const thoughts = ['<think>\nHm.\n</think>\n\nI draw.', 'Hm.</think>I draw.', '<think>Hm.', '<think>\n</think>'];
    const [both, lone, open, empty] = thoughts.map((thought, i) => steps(agentThought(`${i}`, { thought }))[0]);
    expect([both?.thought, lone?.thought, open?.thought]).toEqual(['Hm.\n\nI draw.', 'Hm.\n\nI draw.', 'Hm.']);
    expect(empty).toBeNull();
  });
});

test.each([
  ['{"a": {"b": 1}}', { a: { b: 1 } }],
  ['{}', {}],
  ['plain text', 'plain text'],
  ['{"cut": "of', '{"cut": "of'],
  ['42', 42],
])('tool input %s is JSON if it can be, else text', (json, value) => {
  expect(parsedOrText(json)).toEqual(value);
});
