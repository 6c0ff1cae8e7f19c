import type { DifyApp } from '../dify/dify-app.ts';
import { GatewayError, type Problem } from '../errors.ts';
import { inputProblems } from './input-check.ts';
import type { Question } from './question.ts';
import type { RunKind } from './run-state.ts';
import { elapsed } from './wait.ts';

/** How long a question may wait for the app's mode and form, in ms; they are asked for once in a while and then known. */
const TELL_MS = 2_000;

/** A question that does not fit the form is held to one of this age at most, in ms: the app may have been published anew. */
const FORM_MS = 5_000;

/**
 * Refuses what can be refused before there is a run. If Dify does not tell soon what the app is, the question itself will.
 * `inputs`: whether it is held to the app's form, too.
 */
export async function checkQuestion(app: DifyApp, question: Question, inputs: boolean): Promise<void> {
  const told: { mode?: string; problems?: readonly Problem[] } = {};
  const asked: Promise<unknown>[] = [app.info().then((info) => (told.mode = info.mode))];
  // A pinned version may have a form of its own, which Dify does not tell.
  if (inputs && question.workflowId === null)
    asked.push(problemsOf(app, question).then((problems) => (told.problems = problems)));
  await elapsed(TELL_MS, Promise.allSettled(asked));
  const { mode, problems = [] } = told;
  if (mode !== undefined && !suits(mode, question.kind)) throw wrongMode(app, mode);
  if (problems.length === 0) return;
  const all = problems.map(({ path, message }) => `\`${path}\` ${message}`).join('; ');
  throw new GatewayError('BAD_USER_INPUT', `This does not fit the app’s form: ${all}.`, { problems });
}

async function problemsOf(app: DifyApp, question: Question): Promise<readonly Problem[]> {
  const problems = inputProblems(question, await app.parameters());
  return problems.length === 0 ? problems : inputProblems(question, await app.parameters(FORM_MS));
}

function wrongMode(app: DifyApp, mode: string): GatewayError {
  const how =
    mode === 'workflow'
      ? 'run it with runWorkflow'
      : mode === 'completion'
        ? 'it takes no questions'
        : 'ask it with chat';
  return new GatewayError('WRONG_APP_MODE', `The app “${app.name}” is of mode ${mode}: ${how}.`);
}

function suits(mode: string, kind: RunKind): boolean {
  return kind === (mode === 'workflow' ? 'WORKFLOW' : mode === 'completion' ? 'COMPLETION' : 'CHAT');
}
