import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SignedUrls } from '../../src/runs/signed-urls.ts';

const id = '7001f11e-0003-4000-8000-000000000001';
const tool = `/files/tools/${id}.png`;
const signature = 'timestamp=1785466811&nonce=4c1f0a7f9a0f4e60b7d8d1c2e3f4a5b6&sign=bW9jay1z_aWdu-YXR1cmU=';
const routes = [tool, `/files/tools/${id}`, `/files/${id}/file-preview`, `/files/${id}/image-preview`];
const hosts = [
  '',
  'https://dify.example.test',
  'http://10.0.0.7:5001',
  '/dify',
  'https://example.com/a/b',
  'http://u:p@h/',
];

const ours = '/ours';

/** What comes out of a text in these pieces, and which addresses were replaced. */
function out(...pieces: readonly string[]): { text: string; urls: string[]; longest: number } {
  const urls: string[] = [];
  const reader = new SignedUrls((url) => {
    urls.push(url);
    return ours;
  });
  let longest = 0;
  let text = '';
  for (const piece of pieces) {
    text += reader.feed(piece);
    longest = Math.max(longest, reader.held.length);
  }
  return { text: text + reader.end(), urls, longest };
}

describe('an address that Dify has signed', () => {
  test.each(hosts.flatMap((host) => routes.map((route) => `${host}${route}`)))('is replaced whole: %s', (address) => {
    expect(out(`![a](${address}?${signature}) and more`)).toMatchObject({ text: `![a](${ours}) and more` });
    expect(out(`${address}?${signature}`).text).toBe(ours);
  });

  test.each<[string, string, string]>([
    ['HTML', `<img src="${tool}?${signature.replaceAll('&', '&amp;')}">`, `<img src="${ours}">`],
    [
      'JSON within JSON',
      JSON.stringify({ a: `${tool}?${signature}` }).replaceAll('&', String.raw`\u0026`),
      `{"a":"${ours}"}`,
    ],
    ['a list', `${tool}?${signature},https://dify.test${tool}?${signature}; end`, `${ours},${ours}; end`],
    ['the end of a sentence', `See https://dify.test${tool}?${signature}.`, `See ${ours}.`],
    ['a table', `|${tool}?${signature}|`, `|${ours}|`],
    ['another address', `https://x.test/go?to=${tool}?${signature}`, `https://x.test/go?to=${ours}`],
    ['a word that is no scheme', `sandbox:${tool}?${signature}`, `sandbox:${ours}`],
    ['Chinese', `图片：https://dify.test${tool}?${signature}。好`, `图片：${ours}。好`],
  ])('is found in %s', (_, text, expected) => {
    expect(out(text).text).toBe(expected);
    expect(out(...text).text).toBe(expected);
  });

  test('is told as Dify wrote it, without what HTML, JSON and a base with a slash at its end made of it', () => {
    const url = `https://dify.test${tool}?${signature}`;
    const doubled = url.replace('/files', '//files');
    const written = [url, url.replaceAll('&', '&amp;'), url.replaceAll('&', String.raw`\u0026`), doubled];
    expect(out(written.join(' ')).urls).toEqual([url, url, url, url]);
  });

  test('is replaced behind any number of folders', () => {
    const text = `${'/folder'.repeat(500)}${tool}?${signature} x`;
    expect(out(text).text).toBe(`${'/folder'.repeat(500)}${ours} x`);
    expect(out(...text)).toMatchObject({ text: out(text).text });
  });
});

test('an address that is longer than any of Dify’s is replaced up to there', () => {
  const long = `${tool}?${signature}${'a'.repeat(5_000)}`;
  const kept = signature.length + 5_000 - 1_024;
  expect(out(`${long} x`).text).toBe(`${ours}${'a'.repeat(kept)} x`);
  expect(out(...`${long} x`).text).toBe(`${ours}${'a'.repeat(kept)} x`);
});

describe('nothing else', () => {
  test.each([
    'and/or, 1/2, src/runs/x.ts, https://example.com/a?b=c&sign=1, http://, https:/x, h, ht, with',
    `https://example.com${tool}`,
    `${tool}?timestamp=1&nonce=2`,
    `/files/tools/x.png?${signature}`,
    `/files/icons/${id}.png?${signature}`,
    `https://example.com/pictures/${id}.png?${signature}`,
    `${tool} ?${signature}`,
    '/'.repeat(5_000),
    `${tool}?${'a'.repeat(5_000)}`,
  ])('is changed: %.60s', (text) => {
    expect(out(text)).toMatchObject({ text, urls: [] });
    expect(out(...text)).toMatchObject({ text, urls: [] });
  });

  test('is held back once it cannot become one', () => {
    const urls = new SignedUrls(() => ours);
    const passes = (text: string) => expect(urls.feed(text)).toBe(text);
    for (const text of ['Hello, wort', 'h and much', ' more (see above). ', 'half/ ', 'HTTP: a://b?', '# 1/2,'])
      passes(text);
    for (const end of [' ', '"', ')', '<', '\n', '%', '?x=1', '，']) {
      expect(urls.feed(`(https://example.com/files/tools`)).toBe('(');
      expect(urls.feed(end)).toBe(`https://example.com/files/tools${end}`);
      expect(urls.held).toBe('');
    }
  });

  test('is held back beyond 2 KB', () => {
    for (const text of [
      '/'.repeat(9_000),
      `/${'a'.repeat(9_000)}`,
      `${tool}?${'a'.repeat(9_000)}`,
      'https://'.repeat(999),
    ])
      expect(out(...text).longest).toBeLessThanOrEqual(2_300);
  });
});

/** Text in which addresses begin, go on and end in every way. */
const scraps = fc.constantFrom(
  ...hosts,
  ...routes,
  ...signature.split(/(?=[&=])/),
  ...'? & &amp; \\u0026 \\u00 \\ / // h http s:// : files/ tools/ .png sign= ( ) " a Z _ . , 👋 好 %3D'.split(' '),
  id,
  ' ',
  '\n',
  'x'.repeat(600),
  '/y'.repeat(300),
);
const whole = fc
  .tuple(fc.constantFrom(...hosts), fc.constantFrom(...routes))
  .map(([host, route]) => `${host}${route}?${signature}`);
const texts = fc
  .array(fc.oneof({ weight: 3, arbitrary: scraps }, { weight: 2, arbitrary: whole }, fc.string({ unit: 'binary' })), {
    maxLength: 40,
  })
  .map((parts) => parts.join(''));

function cut(text: string, at: readonly number[]): string[] {
  const places = [...new Set(at.map((one) => one % (text.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((from, nth) => text.slice(from, places[nth]));
}

describe('any text', () => {
  test('comes out the same however it is cut, and its addresses do not', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 30 }), (text, at) => {
        const { text: said, urls } = out(text);
        expect(out(...cut(text, at))).toMatchObject({ text: said, urls });
        expect(out(...text)).toMatchObject({ text: said, urls });
        // What comes out has nothing more to find.
        expect(out(said).urls).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test('in which addresses stand apart loses no more than these', () => {
    const apart = fc.constantFrom(' ', '(', '"', '\n', ' 好 ', '<', ' a b ', '>[');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(apart, whole, apart), { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (parts, at) => {
          const text = parts.flat().join('');
          const expected = parts.map(([before, , after]) => before + ours + after).join('');
          expect(out(...cut(text, at)).text).toBe(expected);
          expect(expected).not.toContain('sign=');
        },
      ),
      { numRuns: 300 },
    );
  });
});
