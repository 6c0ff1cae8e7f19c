import { piece } from './pieces.ts';

// A recorded stream of a chat app (Dify 1.12.1), with another text.
export const taskId = 'b2dd8a66-c8c0-4000-ad77-1a68b5456376';
export const ids =
  '"conversation_id":"a529aa50-1b4f-43a7-a081-3a83c46bc510","message_id":"d2424220-6377-44da-95e2-d4b50c1a0c7f","created_at":1795329892,' +
  `"task_id":"${taskId}",` +
  '"id":"d2424220-6377-44da-95e2-d4b50c1a0c7f"';

const metadata =
  '{"annotation_reply":null,"retriever_resources":[],"usage":{"prompt_tokens":15,"prompt_unit_price":"0.15","prompt_price_unit":"0.000001","prompt_price":"0.0000022","completion_tokens":22,"completion_unit_price":"0.60","completion_price_unit":"0.000001","completion_price":"0.0000132","total_tokens":37,"total_price":"0.0000154","currency":"USD","latency":1.042928492000101,"time_to_first_token":0.0,"time_to_generate":0.328}}';

export const messageEnd = `data: {"event":"message_end",${ids},"metadata":${metadata},"files":null}\n\n`;

/** Of a blocking question. */
export const wholeAnswer = `{"event":"message",${ids},"mode":"chat","answer":"${piece(0, 0)}","metadata":${metadata}}`;

const pages = new Map<number, string>();

/** The newest messages of some conversation, as many as were asked for. */
export function messagesPage(limit: number): string {
  const known = pages.get(limit);
  if (known !== undefined) return known;
  const page = JSON.stringify({ limit, has_more: true, data: Array.from({ length: limit }, (_, at) => record(at)) });
  pages.set(limit, page);
  return page;
}

function record(at: number): object {
  return {
    id: `d2424220-6377-44da-95e2-${at.toString(16).padStart(12, '0')}`,
    conversation_id: 'a529aa50-1b4f-43a7-a081-3a83c46bc510',
    parent_message_id: '00000000-0000-0000-0000-000000000000',
    inputs: {},
    query: `What is question number ${at} about?`,
    answer: `Answer number ${at}. `.repeat(20),
    message_files: [],
    feedback: null,
    retriever_resources: [],
    created_at: 1_795_329_892 + at,
    agent_thoughts: [],
    status: 'normal',
    error: null,
  };
}
