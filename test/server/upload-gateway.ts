/** A gateway before the Dify it is told of. Says where it is; when it is told to, by how many bytes its memory has grown at most. */
import { openGateway } from '../rig.ts';

const [url = ''] = process.argv.slice(2);
const app = { name: 'assistant', title: 'Assistant', description: '', mode: 'chat', key: 'app-fake', versions: [] };
const gateway = await openGateway({ url, apps: [app] });
let rest = 0;
let highest = 0;
setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 5);
process.on('message', (said) => {
  if (said === 'rest') highest = rest = process.memoryUsage.rss();
  process.send?.(said === 'rest' ? rest : highest - rest);
});
process.send?.(gateway.url);
