import { inner, name, string, type Frame } from './wire-frames.ts';

export interface ToldText {
  readonly text: string;
  readonly reasoning: string;
  /** As the app sent it, where that is not the text. */
  readonly rawText: string | null;
}

/** What was said since the text was last replaced. */
interface Stretch {
  /** What it was replaced with; empty for the first. */
  readonly base: string;
  raw: string;
}

/** The folding rules of §2.7 that are about text, applied to all frames at once; then the tags are looked for. */
export function textOf(frames: readonly Frame[]): ToldText {
  const stretches: Stretch[] = [{ base: '', raw: '' }];
  let preview = '';
  let separated = '';
  let lastNode: unknown;
  for (const frame of frames) {
    const last = stretches.at(-1) as Stretch;
    const { answer } = frame as { answer?: string | null };
    switch (name(frame)) {
      case 'agent_message':
        last.raw += answer ?? '';
        preview += answer ?? '';
        break;
      case 'message':
      case 'message_file':
        if (!answer) break;
        // The whole answer once more, as New Agent apps close with.
        if (preview !== '' && answer.startsWith(preview)) last.raw = last.raw.slice(0, -preview.length) + answer;
        else if (preview === '' || preview.trim() !== answer.trim()) last.raw += answer;
        preview = '';
        break;
      case 'text_chunk':
        last.raw += string(inner(frame)['text']) ?? '';
        break;
      case 'message_replace':
      case 'text_replace':
        stretches.push({
          base: (name(frame) === 'message_replace' ? answer : string(inner(frame)['text'])) ?? '',
          raw: '',
        });
        preview = '';
        break;
      case 'reasoning_chunk': {
        const { reasoning, node_id: node } = inner(frame) as { reasoning?: string; node_id?: string };
        if (!reasoning) break;
        separated += (separated !== '' && node !== lastNode ? '\n\n' : '') + reasoning;
        lastNode = node;
      }
    }
  }
  return split(stretches, separated);
}

function split(stretches: readonly Stretch[], separated: string): ToldText {
  let text = '';
  let thoughts: string[] = separated === '' ? [] : [separated];
  for (const [index, { base, raw }] of stretches.entries()) {
    const shown = withoutThoughts(base).text;
    const view = withoutThoughts(raw);
    text = view.retracts ? view.text : shown + view.text;
    if (view.retracts) view.thoughts[0] = (shown + view.thoughts[0]).trim();
    const replaced = index < stretches.length - 1;
    // Of a thought that was never finished, what might have been its closing tag was never shown.
    if (replaced && view.open !== null) view.thoughts[view.thoughts.length - 1] = withoutCutTag(view.open).trim();
    thoughts = [...thoughts, ...view.thoughts.filter((thought) => thought !== '')];
  }
  const { base, raw } = stretches.at(-1) as Stretch;
  return { text, reasoning: thoughts.join('\n\n'), rawText: base + raw === text ? null : base + raw };
}

interface View {
  text: string;
  readonly thoughts: string[];
  /** A lone `</think>`: all before it was thinking, the first of `thoughts`. */
  readonly retracts: boolean;
  /** The last thought, where it was not closed. */
  open: string | null;
}

function withoutThoughts(raw: string): View {
  const [open, close] = [raw.indexOf('<think>'), raw.indexOf('</think>')];
  const retracts = close !== -1 && (open === -1 || close < open);
  const view: View = { text: '', thoughts: retracts ? [raw.slice(0, close)] : [], retracts, open: null };
  const blocks = (retracts ? raw.slice(close + '</think>'.length).trimStart() : raw).split('<think>');
  view.text = blocks[0] ?? '';
  if (blocks.length > 1 && view.text.trim() === '') view.text = '';
  let body = blocks.slice(1).join('<think>');
  let isLast = blocks.length === 1;
  while (!isLast) {
    const end = body.indexOf('</think>');
    view.thoughts.push((end === -1 ? body : body.slice(0, end)).trim());
    view.open = end === -1 ? body : null;
    const after = end === -1 ? '' : body.slice(end + '</think>'.length).trimStart();
    const next = after.indexOf('<think>');
    view.text += next === -1 ? after : after.slice(0, next);
    body = next === -1 ? '' : after.slice(next + '<think>'.length);
    isLast = next === -1;
  }
  if (view.retracts) view.thoughts[0] = (view.thoughts[0] ?? '').trimEnd();
  return view;
}

function withoutCutTag(thought: string): string {
  for (let length = Math.min(thought.length, '</think>'.length - 1); length > 0; length -= 1) {
    if ('</think>'.startsWith(thought.slice(-length))) return thought.slice(0, -length);
  }
  return thought;
}
