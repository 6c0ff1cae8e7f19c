import { openFakeApp } from './graphql/fake-app.ts';
import { openSse } from './dify/fake-server.ts';
import { once } from 'node:events';
const [, , kind, n] = process.argv; const N = Number(n);
const data = (i: number) => ({
  node: { event: 'node_started', data: { id: `${i}`, node_id: `n${i}`, node_type: 'code', title: 'x', index: i } },
  loop: { event: 'iteration_next', data: { node_id: `n${i}`, title: 'x', index: i } },
  thought: { event: 'agent_thought', id: `${i}`, position: i, thought: 'a' },
  file: { event: 'message_file', id: `${i}`, type: 'image', belongs_to: 'assistant', url: `/files/${i}/file-preview?sign=1` },
  log: { event: 'agent_log', data: { id: `${i}`, node_id: 'n', label: 'x', status: 'start', data: {} } },
  reason: { event: 'reasoning_chunk', data: { node_id: `n${i}`, reasoning: 'x' } },
  replace: { event: 'message_replace', answer: `x${i}` },
  tts: { event: 'tts_message', audio: 'AAAA' },
  unknown: { event: `odd${i}`, a: i },
  text: { event: 'message', answer: 'word ' },
  form: { event: 'human_input_required', data: { form_id: `${i}`, form_token: `${i}`, node_id: `n${i}`, node_title: 'x', inputs: [], actions: [] } },
}[kind as 'node']);
const app = await openFakeApp({ '/info': { name: 'C', mode: 'advanced-chat' }, '/parameters': {}, '/chat-messages': async (exchange) => {
  const r = openSse(exchange);
  for (let i = 0; i < N; i++) { if (!r.write(`data: ${JSON.stringify({ task_id: 't', message_id: 'm', conversation_id: 'c', workflow_run_id: 'w', ...data(i) })}\n\n`)) await Promise.race([once(r, 'drain'), once(r, 'close')]); if (r.destroyed) return; }
  r.write('data: {"event":"message_end","task_id":"t","message_id":"m","conversation_id":"c","metadata":{}}\n\n'); r.end();
} }, { waits: { settleMs: 1, quietMs: 50, lingerMs: 1 } });
const t = performance.now();
let max = 0; let lag = 0, last = performance.now(); setInterval(() => { const now = performance.now(); lag = Math.max(lag, now - last - 50); last = now; max = Math.max(max, process.memoryUsage.rss()); }, 50).unref();
const res = await app.query('mutation { chat(input: { query: "a", autoGenerateName: false }) { run { id status  error { code message } } } }');
console.log(kind, N, Math.round(performance.now() - t), 'ms; rss', Math.round(max / 1e6), 'lag', Math.round(lag), JSON.stringify(res).slice(0, 160));
process.exit();
