import { EventSourceParserStream } from 'eventsource-parser/stream';
import { request } from 'undici';

let upstream = '';

export function useUpstream(url) {
  upstream = url;
}

function post(query, mode) {
  return request(`${upstream}/chat-messages`, {
    method: 'POST',
    headers: { authorization: 'Bearer app-bench', 'content-type': 'application/json' },
    body: JSON.stringify({ query, inputs: {}, user: 'bench', response_mode: mode, auto_generate_name: false }),
  });
}

/** A question's events as they come. */
export async function* ask(query, runId) {
  yield { __typename: 'RunAttached', seq: 0, runId };
  const { body } = await post(query, 'streaming');
  const events = ReadableStream.from(body)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  let seq = 0;
  let offset = 0;
  for await (const { data } of events) {
    const event = JSON.parse(data);
    if (event.event === 'message') {
      yield { __typename: 'TextDelta', seq: ++seq, runId, offset, text: event.answer };
      offset += event.answer.length;
    } else if (event.event === 'message_end') {
      yield { __typename: 'RunFinished', seq: ++seq, runId, status: 'SUCCEEDED' };
    }
  }
}

export async function askAndWait(query) {
  const { body } = await post(query, 'blocking');
  return body.json();
}

export async function readMessages(conversationId, limit) {
  const { body } = await request(
    `${upstream}/messages?conversation_id=${encodeURIComponent(conversationId)}&user=bench&limit=${limit}`,
    { headers: { authorization: 'Bearer app-bench' } },
  );
  return body.json();
}
