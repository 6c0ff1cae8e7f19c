import { expect, test } from 'vitest';
import { openSse, sendJson, serve, type Exchange } from '../dify/fake-server.ts';
import { openFakeApp } from '../graphql/fake-app.ts';
import { ask, formWith, picture } from './carrying.ts';

const chat = `mutation ($input: ChatInput!) { chat(input: $input) {
  messageId message { files { url } } run { id error { code message } ... on ChatRun { answer } }
} }`;

/** A page that pretends to be inside: nobody but whoever this server asks would ask it. */
test('nobody is asked but Dify, whatever users, apps and redirects name', async () => {
  await using trap = await serve((exchange) => sendJson(exchange, 200, { mode: 'chat', id: 'stolen' }));
  const inside = `${new URL(trap.baseUrl).origin}/latest/meta-data`;
  const file = { type: 'image', transfer_method: 'remote_url', url: inside, remote_url: inside, upload_file_id: 'f' };
  const events = [
    { event: 'message', answer: `![a](${inside}) ![b](/files/f/file-preview?timestamp=1&nonce=n&sign=${inside})` },
    { event: 'message_file', id: 'f', type: 'image', belongs_to: 'assistant', url: inside },
    { event: 'unheard_of', url: inside, callback: inside },
    { event: 'message_end', files: [file], metadata: { retriever_resources: [{ position: 1, url: inside }] } },
  ];
  const redirect = ({ response }: Exchange) => response.writeHead(307, { location: inside }).end(inside);
  await using app = await openFakeApp(
    {
      '/info': { name: 'Chat', mode: 'chat', icon_url: inside },
      '/parameters': { file_upload: { enabled: true }, text_to_speech: { enabled: true } },
      '/site': redirect,
      '/meta': redirect,
      '/conversations': redirect,
      '/messages': { data: [{ id: 'm', conversation_id: 'c', answer: inside, message_files: [{ id: 'f', ...file }] }] },
      '/files/upload': redirect,
      '/files/f/preview': redirect,
      '/text-to-audio': redirect,
      '/chat-messages': (exchange) => {
        const response = openSse(exchange);
        for (const event of events)
          response.write(
            `data: ${JSON.stringify({ task_id: 't', message_id: 'm', conversation_id: 'c', ...event })}\n\n`,
          );
        response.end();
      },
    },
    { publicUrl: inside },
  );
  const input = {
    query: `What is at ${inside}?`,
    inputs: { picture: file, pictures: [file] },
    files: [{ remote: { url: inside, type: 'IMAGE' } }],
    autoGenerateName: false,
  };
  const { data } = await app.query(chat, { input });
  expect(data?.['chat'].run).toMatchObject({ error: null });
  const shown = '{ app(name: "assistant") { title site { title } } conversations { nodes { id } } }';
  const described = await app.query(shown);
  expect(JSON.stringify(described)).toContain('redirect');
  for (const request of [
    ask(app, '/files/assistant', { method: 'POST', body: formWith(['file', picture()]) }),
    ask(app, '/files/assistant/f'),
    ask(app, `/files/assistant/${encodeURIComponent(inside)}`),
    ask(app, `/files?app=${encodeURIComponent(inside)}`, { method: 'POST', body: formWith(['file', picture()]) }),
    ask(app, '/graphql', { headers: { 'x-forwarded-host': new URL(inside).host, 'x-forwarded-for': inside } }),
  ])
    expect((await request).ok).toBe(false);
  const { speak } = (await app.query('mutation { speak(input: { text: "a" }) { url } }')).data ?? {};
  if (speak) expect((await ask(app, new URL(speak.url).pathname.replace(/^.*(?=\/speech)/, ''))).ok).toBe(false);
  // Dify was told of the addresses, and asked for everything.
  const chats = app.requests.filter(({ url }) => url.endsWith('/chat-messages'));
  expect(chats[0]?.body).toContain(inside);
  for (const path of ['/site', '/conversations', '/files/upload', '/text-to-audio'])
    expect(app.requests.map(({ url }) => url)).toContainEqual(expect.stringContaining(path));
  expect(trap.connections).toBe(0);
});
