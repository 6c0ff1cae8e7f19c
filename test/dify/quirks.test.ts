import { describe, expect, it } from 'vitest';
import { capabilities, type Capabilities } from '../../src/dify/quirks.ts';

/** The presence matrix of §10. */
const matrix: Readonly<Record<string, Partial<Capabilities>>> = {
  '0.15.3': { annotations: false, variables: false, filePreview: false, pinnedWorkflow: false, resumeStream: false },
  '1.2.0': { annotations: true, variables: false, variableUpdate: false, filePreview: false, humanInput: false },
  '1.8.1': { annotations: true, variables: true, variableUpdate: true, filePreview: true, pinnedWorkflow: true },
  '1.12.1': { pinnedWorkflow: true, graphSurvivesLeaving: false, resumeStream: false, humanInput: false },
  '1.14.2': {
    graphSurvivesLeaving: true,
    resumeStream: true,
    humanInput: true,
    formFilledEvents: true,
    newAgent: false,
  },
  '1.16.0': {
    resumeStream: true,
    humanInput: true,
    workflowResumeBroken: true,
    newAgent: true,
    separatedReasoning: true,
  },
};

describe('capabilities', () => {
  it.each(Object.entries(matrix))('of %s are %j', (version, expected) => {
    expect(capabilities(version)).toMatchObject(expected);
  });

  it.each([
    ['annotations', '1.1.3', '1.2.0'],
    ['site', '1.3.1', '1.4.0'],
    ['logFilters', '1.4.3', '1.5.0'],
    ['filePreview', '1.7.1', '1.7.2'],
    ['variableUpdate', '1.7.1', '1.7.2'],
    ['pinnedWorkflow', '1.7.1', '1.7.2'],
    ['variableName', '1.12.1', '1.13.0'],
    ['endUsers', '1.12.1', '1.13.0'],
    ['graphRelay', '1.12.1', '1.13.0'],
    ['humanInput', '1.13.3', '1.14.0'],
    ['resumeStream', '1.13.3', '1.14.0'],
    ['separatedReasoning', '1.14.2', '1.15.0'],
    ['newAgent', '1.15.0', '1.16.0'],
    ['leavingStopsChat', '1.15.0', '1.16.0'],
  ] as const)('have %s not in %s but in %s', (name, before, since) => {
    expect([capabilities(before)[name], capabilities(since)[name]]).toEqual([false, true]);
  });

  it.each([
    ['1.15.0', true, false],
    ['1.16.0', false, true],
    ['1.16.1', false, true],
    ['1.16.2', true, false],
    ['1.17.0', true, false],
  ])('know of %s what happens to forms: filled %s, resume broken %s', (version, filled, broken) => {
    expect(capabilities(version)).toMatchObject({ formFilledEvents: filled, workflowResumeBroken: broken });
  });

  it.each([null, '', 'main', 'v2'])('expect of the unknown version %j what the newest does', (version) => {
    expect(capabilities(version)).toEqual(capabilities('99.0.0'));
  });

  it.each([
    ['1.14.0-rc1', '1.14.0'],
    ['1.14', '1.14.0'],
    ['1.14.0+fork.3', '1.14.0'],
  ])('read %s as %s', (version, plain) => {
    expect(capabilities(version)).toEqual(capabilities(plain));
  });
});
