import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../figures.ts';
import { inTurn, pick } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import type { Measured, Stage } from '../stage.ts';

const streams = 20;
/** Longer is not waited for. */
const patienceMs = 3_000;

/** A client leaves while the model is silent: when does the server let go of the upstream? Asked to cancel, the product. */
export const letGo: Scenario = {
  name: 'let-go',
  short: true,
  async *play(stage, size) {
    const rounds = size === 'full' ? 5 : 1;
    const openings = stage.everybody.map((opening) =>
      opening.subject === 'gateway' ? { ...opening, setting: { runs: { abandonMs: 1 } } } : opening,
    );
    await using crew = await stage.crew(openings);
    const completed = await inTurn(crew, rounds, (measured) => leave(stage, measured, 'complete'));
    const cut = await inTurn(crew, rounds, (measured) => leave(stage, measured, 'cut'));
    yield {
      key: 'let-go',
      title: `let go: ${streams} clients leave while the upstream is silent, with abandonMs: 1; ${rounds} rounds`,
      rows: [
        {
          key: 'complete',
          label: 'until the upstream is let go after `complete`, most, ms',
          values: pick(completed, Number),
        },
        { key: 'cut', label: 'the same after a cut, most, ms', values: pick(cut, Number) },
      ],
      notes: [`${patienceMs} ms: not within that time. The relay knows no \`complete\`: it is cut.`],
    };
  },
};

let cues = 0;

async function leave(stage: Stage, { url }: Measured, how: 'complete' | 'cut'): Promise<number> {
  const { load, upstream } = stage;
  const group = 'leaving';
  const cue = `leaving ${(cues += 1)}`;
  await load.call('open', { group, urls: [url], count: streams });
  await load.call('ask', { group, script: { mode: 'silent', events: 0, cue }, cancel: url.includes('graphql') });
  const start = await load.call<number>('leave', { group, how });
  const patient = performance.now() + patienceMs;
  let left: readonly number[] = [];
  while (left.length < streams && performance.now() < patient) {
    await sleep(50);
    left = await upstream.call<readonly number[]>('left', cue);
  }
  await load.call('count', group);
  return left.length < streams ? patienceMs : (quantile(left, 1) - start) / 1_000;
}
