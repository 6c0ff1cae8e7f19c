/** A gateway as it comes, before the sandbox it is told of. Says where it is; when it is asked, what its memory holds after a collection. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openGateway } from '../rig.ts';

const [url = '', apps = '[]', bounds = '{}'] = process.argv.slice(2);
const logged: string[] = [];
const sandbox = { url, apps: JSON.parse(apps) as never };
const gateway = await openGateway(sandbox, { bounds: JSON.parse(bounds) as object }, logged);
process.on('message', () => void told());

async function told(): Promise<void> {
  globalThis.gc?.();
  await sleep(50); // What a collection frees is given back a moment later.
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  const defects = logged.splice(0).filter((line) => /"level":(50|60)/.test(line));
  process.send?.({ held: heapUsed + external, rss, defects });
}
process.send?.(gateway.url);
