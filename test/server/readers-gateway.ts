/** A gateway before the sandbox it is told of. Says where it is; when it is asked, how many bytes its memory holds after a collection. */
import { openGateway } from '../rig.ts';

const [url = '', apps = '[]'] = process.argv.slice(2);
const gateway = await openGateway({ url, apps: JSON.parse(apps) }, { nodeData: true });
process.on('message', () => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  process.send?.(heapUsed + arrayBuffers);
});
process.send?.(gateway.url);
