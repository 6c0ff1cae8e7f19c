import { openSandbox, type Sandbox, type SandboxRequest } from '../../src/sandbox/sandbox.ts';
import type { Ledger } from './ledger.ts';
import { numberIn } from './question.ts';
import type { Random } from './random.ts';
import { Wire } from './wire.ts';

/** The oldest Dify that lets graphs be followed again, and one that goes on with answers that nobody reads. */
const VERSION = '1.14.2';

const generating = /^\/v1\/(chat-messages|workflows\/run)$/;

/** A stand-in Dify that notes what it is asked, behind a wire that breaks. */
export interface Upstream extends AsyncDisposable {
  readonly baseUrl: string;
  readonly apps: Sandbox['apps'];
  readonly wire: Wire;
  /** From now on nothing is cut. */
  calm(): void;
}

export async function openUpstream(ledger: Ledger, random: Random): Promise<Upstream> {
  const sandbox = await openSandbox({ version: VERSION, onRequest: (request) => note(request, ledger) });
  const port = Number(new URL(sandbox.url).port);
  let isCalm = false;
  const wire = await Wire.open(() => {
    const sent = !isCalm && random.chance(0.01) ? random.whole(0, 2_500) : Infinity;
    const received = !isCalm && random.chance(0.08) ? random.whole(0, 12_000) : Infinity;
    let number: number | null = null;
    return {
      port,
      cutAfterSent: sent,
      cutAfterReceived: received,
      onSent: (chunk) => (number ??= numberIn(chunk.toString())),
      onCut: () => {
        const account = ledger.accounts.get(number ?? 0);
        if (account) account.upstreamCut = true;
        else ledger.namelessCuts.push(Date.now());
      },
    };
  });
  return {
    baseUrl: `${wire.url}/v1`,
    apps: sandbox.apps,
    wire,
    calm: () => (isCalm = true),
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      await sandbox.close();
    },
  };
}

function note({ method, path, body, done }: SandboxRequest, ledger: Ledger): void {
  if (method !== 'POST' || !generating.test(path)) return;
  ledger.count('asked of Dify');
  const { user } = body as { readonly user: string };
  const number = numberIn(JSON.stringify(body));
  const account = ledger.accounts.get(number ?? 0);
  if (!account) throw new Error(`Dify was asked what nobody asked: ${JSON.stringify(body)}`);
  const post: (typeof account.posts)[number] = { at: Date.now(), viewer: user, ended: null };
  account.posts.push(post);
  void done.then((how) => (post.ended = how));
  if (account.posts.length > 1) ledger.violate('asked twice', account, `Dify was asked ${account.posts.length} times`);
  if (user !== account.question.viewer) ledger.violate('asked as another', account, user);
}
