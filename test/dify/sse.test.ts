import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SseReader } from '../../src/dify/sse.ts';
import type { WireEvent } from '../../src/dify/wire-event.ts';
import { frame, message, recorded, recordedStreams } from './fake-server.ts';

const MiB = 1024 * 1024;

interface Read {
  readonly events: readonly WireEvent[];
  readonly text: string;
  readonly malformed: number;
  readonly overflowed: boolean;
}

/** Within a buffer that was used before, and is used again, as those of sockets are. */
function take(reader: SseReader, piece: Buffer): readonly WireEvent[] {
  const used = Buffer.alloc(piece.length + 60, '"}\n\ndata: {"event":"message"}\n\n');
  piece.copy(used, 7);
  const events = reader.read(used, 7, 7 + piece.length);
  used.fill('x');
  return events;
}

/** Reads the pieces and the end. */
function read(pieces: readonly (string | Buffer)[], maxEventBytes = 16 * MiB): Read {
  const reader = new SseReader(maxEventBytes);
  const events: WireEvent[] = [];
  for (const piece of pieces) events.push(...take(reader, Buffer.from(piece)));
  events.push(...reader.end());
  const text = events.map((event) => (event.event === 'message' ? event.answer : '')).join('');
  return { events, text, malformed: reader.malformed, overflowed: reader.overflowed };
}

function bytewise(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

const ping = 'event: ping\n\n';
const end = frame({ event: 'message_end', task_id: 't', message_id: 'm', metadata: {} });

describe('SseReader', () => {
  it('C1 reads pings, text and the end', () => {
    const { events, text, malformed } = read([ping + message('a') + message('b') + end]);
    expect(events.map((event) => event.event)).toEqual(['message', 'message', 'message_end']);
    expect(text).toBe('ab');
    expect(malformed).toBe(0);
  });

  describe.each(recordedStreams)('the recording %s', (name) => {
    const bytes = recorded(name);
    const whole = read([bytes]);

    it('holds no frame that is unknown or malformed', () => {
      expect(whole.events.length).toBeGreaterThan(0);
      expect(whole.events.filter((event) => event.event === 'unknown')).toEqual([]);
      expect(whole.malformed).toBe(0);
    });

    it('C2 reads the same byte by byte', () => {
      expect(read(bytewise(bytes))).toEqual(whole);
    });
  });

  it.each(['\n', '\r\n', '\r'])('reads the same at every pair of cuts, with lines that end in %j', (newline) => {
    const stream = `\uFEFFevent: ping\n\n: hi\n\n${message('Köln 😀')}data:{"event":"message",\ndata: "answer":"中"}\n\n`;
    const bytes = Buffer.from(stream.replaceAll('\n', newline));
    const whole = read([bytes]);
    expect(whole.text).toBe('Köln 😀中');
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second++) {
        const pieces = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
        // Cheaper than `toEqual` 10,000 times over.
        const { events, malformed } = read(pieces);
        if (malformed !== 0 || JSON.stringify(events) !== JSON.stringify(whole.events)) {
          expect.fail(`cut at ${first} and ${second}`);
        }
      }
    }
  });

  it.each([
    ['C3 ö', 'schön', 'ö'],
    ['C4 an emoji', 'a😀b', '😀'],
  ])('%s cut inside stays whole', (_, answer, character) => {
    const bytes = Buffer.from(message(answer));
    const at = bytes.indexOf(character);
    for (let inside = 1; inside < Buffer.byteLength(character); inside++) {
      expect(read([bytes.subarray(0, at + inside), bytes.subarray(at + inside)]).text).toBe(answer);
    }
  });

  it('C5 delivers a frame once when its last two newlines come apart', () => {
    const reader = new SseReader(MiB);
    const bytes = Buffer.from(message('a'));
    expect(reader.read(bytes.subarray(0, -1))).toEqual([]);
    expect(reader.read(bytes.subarray(-1))).toHaveLength(1);
    expect(reader.end()).toEqual([]);
  });

  it('C6 reads two frames of one piece in their order', () => {
    const events = new SseReader(MiB).read(Buffer.from(message('a') + message('b')));
    expect(events).toMatchObject([{ answer: 'a' }, { answer: 'b' }]);
  });

  it.each([
    ['C7 CRLF', message('a').replaceAll('\n', '\r\n')],
    ['C8 no space after the colon', message('a').replace('data: ', 'data:')],
    ['C9 comments', `: keep-alive\n\n${message('a')}`],
    ['C10 id and retry', `id: 7\nretry: 10\n${message('a')}`],
    ['C11 several data lines', 'data: {"event":"message",\ndata: "answer":"a"}\n\n'],
    ['C12 another name in the event field', `event: ping_pong\n${message('a')}`],
    ['C14 [DONE]', `data: [DONE]\n\n${message('a')}data: 5\n\n`],
    ['C16 a BOM', `\uFEFF${message('a')}`],
    ['lone CR', message('a').replaceAll('\n', '\r')],
    ['unknown fields', `foo: bar\n${message('a')}`],
  ])('%s is accepted', (name, stream) => {
    const { text, events, malformed } = read([stream]);
    expect(text).toBe('a');
    expect(events).toHaveLength(1);
    expect(malformed).toBe(name.startsWith('C14') ? 2 : 0);
  });

  it('takes the name from the event field when the JSON has none', () => {
    const { events } = read(['event: text_chunk\ndata: {"data":{"text":"a"}}\n\nevent: ping\ndata: {}\n\n']);
    expect(events).toMatchObject([{ event: 'text_chunk', text: 'a' }]);
  });

  it('C13 makes no events of pings', () => {
    expect(read([ping.repeat(100) + message('a') + end]).events).toHaveLength(2);
  });

  it('C15 reads NaN as nothing and goes on', () => {
    const { events, malformed } = read([`data: {"event":"message","answer":NaN}\n\n${message('b')}`]);
    expect(events).toMatchObject([{ answer: '' }, { answer: 'b' }]);
    expect(malformed).toBe(0);
  });

  it('C17 keeps a raw U+2028', () => {
    expect(read([message('a\u2028b\u2029c')]).text).toBe('a\u2028b\u2029c');
  });

  it('C18 reads escaped surrogate pairs', () => {
    expect(read([String.raw`data: {"event": "message", "answer": "\ud83d\ude00"}` + '\n\n']).text).toBe('😀');
  });

  it('C19 accepts a frame of 12 MiB', () => {
    const big = frame({ event: 'node_finished', data: { id: 'n', outputs: { text: 'x'.repeat(12 * MiB) } } });
    const bytes = Buffer.from(big);
    const pieces = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, at) =>
      bytes.subarray(at * 65_536, (at + 1) * 65_536),
    );
    expect(read(pieces).events).toMatchObject([{ event: 'node_finished', id: 'n' }]);
  });

  it.each([
    ['in one piece', [message('a'), message('x'.repeat(2000)), message('b')]],
    ['in many pieces', [message('a'), ...message('x'.repeat(2000)), message('b')]],
    ['in many lines', [message('a'), 'data: "\n'.repeat(2000), message('b')]],
  ])('C20 stops at a frame that is too long, %s', (_, pieces) => {
    const { text, overflowed } = read(pieces, 1000);
    expect(text).toBe('a');
    expect(overflowed).toBe(true);
  });

  it('C20 keeps no more than the limit of a frame that never ends', () => {
    const reader = new SseReader(MiB);
    const piece = Buffer.alloc(65_536, 'x');
    reader.read(Buffer.from('data: '));
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 2000; i++) reader.read(piece);
    expect(reader.overflowed).toBe(true);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * MiB);
  });

  it.each(['', '\n', '\r', '\r\n'])('C21 parses a last frame that ends in %j and not in a blank line', (ending) => {
    expect(read([message('a'), `data: {"event":"message_end","message_id":"m"}${ending}`]).events).toMatchObject([
      { event: 'message' },
      { event: 'message_end', messageId: 'm' },
    ]);
  });

  it('C22 drops a last frame that is cut inside a character', () => {
    const bytes = Buffer.from(message('Viele ') + message('Grüße') + message(' aus Köln'));
    const cut = bytes.subarray(0, bytes.lastIndexOf('ö') + 1);
    const { text, events, malformed } = read([cut]);
    expect(text).toBe('Viele Grüße');
    expect(JSON.stringify(events)).not.toContain('\uFFFD');
    expect(malformed).toBe(0);
  });

  describe('knows the text events of a stream by the first', () => {
    /** A secret that is no key's: with it each frame is read by itself. */
    const oneByOne = '"nobody says this"';

    function readAll(pieces: readonly Buffer[], secret: string | null, maxEventBytes = MiB) {
      const reader = new SseReader(maxEventBytes, secret);
      const events = pieces.flatMap((piece) => take(reader, piece));
      return { events: [...events, ...reader.end()], malformed: reader.malformed, overflowed: reader.overflowed };
    }

    const text = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(
        '',
        '"',
        '\\',
        '\\"',
        '\n',
        'app-secret',
        '\ufeff',
        '\ud83d',
        '\u2028',
        'x'.repeat(3_000),
        '"answer": "',
      ),
    );
    const ascii = (json: string) =>
      json.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    const member = fc.constantFrom({}, { id: 'm' }, { answer: 'twice' }, { from_variable_selector: ['llm', 'text'] });
    const told = fc.oneof(
      fc.record({ event: fc.constantFrom('message', 'agent_message', 'message_file'), answer: text, more: member }),
      fc.record({
        event: fc.constantFrom('message', 'message_replace'),
        answer: fc.constantFrom(1, null, text) as fc.Arbitrary<unknown>,
        more: member,
      }),
      fc.record({ event: fc.constant('text_chunk'), data: fc.record({ text, more: member }) }),
    );
    const frame = fc
      .tuple(
        told,
        fc.constantFrom('data: ', 'data:', 'event: ping\ndata: '),
        fc.boolean(),
        fc.constantFrom('\n\n', '\n\n', '\r\n\r\n', '\n'),
      )
      .map(([{ more, ...event }, before, isAscii, after]: any) => {
        const json = JSON.stringify({ task_id: 't', ...event, ...more });
        return Buffer.from(`${before}${isAscii ? ascii(json) : json}${after}`);
      });
    const noise = fc
      .constantFrom(
        ping,
        ': hi\n\n',
        'data: {"task_id":"t","event":"message","answer":"\x01"}\n\n',
        '\n',
        'data: [DONE]\n\n',
      )
      .map((one) => Buffer.from(one));
    const broken = fc.constant(
      Buffer.concat([
        Buffer.from('data: {"task_id":"t","event":"message","answer":"'),
        Buffer.from([0xff, 0xe4, 0xb8]),
        Buffer.from('"}\n\n'),
      ]),
    );
    const frames = fc.array(
      fc.oneof({ weight: 12, arbitrary: frame }, { weight: 2, arbitrary: noise }, { weight: 1, arbitrary: broken }),
      { maxLength: 30 },
    );

    it('and reads of all what it would of each by itself, however it is cut', () => {
      fc.assert(
        fc.property(
          frames,
          fc.array(fc.nat(4_000), { maxLength: 12 }),
          fc.constantFrom(MiB, 2_000),
          (written, cuts, most) => {
            const bytes = Buffer.concat(written);
            const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
            const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
            expect(readAll(pieces, null, most)).toEqual(readAll(pieces, oneByOne, most));
          },
        ),
        { numRuns: 2_000 },
      );
    });

    it('and lets none pass that echoes the secret', () => {
      const said = ['a', 'the key is app-secret', 'b'].map((answer) => Buffer.from(message(answer)));
      const { events } = readAll([Buffer.concat(said)], 'app-secret');
      expect(events).toMatchObject([{ answer: 'a' }, { answer: 'the key is [hidden]' }, { answer: 'b' }]);
    });
  });
});
