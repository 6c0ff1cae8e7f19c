import { z } from 'zod';

/** The address of Dify's API, without the slash at its end. */
export const baseUrl = z
  .string({
    error: ({ input }) =>
      input == null
        ? 'is missing: write the address of Dify’s API, https://api.dify.ai/v1 for Dify’s cloud'
        : 'write a text, such as https://dify.example.com/v1',
  })
  .transform((text, context) => {
    const refuse = (message: string) => {
      context.issues.push({ code: 'custom', input: text, message });
      return z.NEVER;
    };
    const url = URL.parse(text);
    if (!url || !/^https?:\/\//i.test(text)) return refuse('write a URL that starts with https:// or http://');
    if (url.username || url.password) return refuse('has a user or password in it: write the URL without them');
    if (/[?#]/.test(url.href)) return refuse('has a ? or # in it: write the URL up to there');
    const path = url.pathname.replace(/\/+$/, '');
    if (path === '') return refuse(`Dify’s API lives under /v1: write ${url.origin}/v1`);
    return url.origin + path;
  });

/** An address to which paths are added, without the slash at its end. */
export function address(example: string) {
  return z.string(`write a text, such as ${example}`).transform((text, context) => {
    const url = URL.parse(text);
    if (url && /^https?:\/\//i.test(text) && !url.username && !url.password && !/[?#]/.test(url.href))
      return url.origin + url.pathname.replace(/\/+$/, '');
    const message = 'write a URL that starts with https:// or http://, without user, ? or #';
    context.issues.push({ code: 'custom', input: text, message });
    return z.NEVER;
  });
}

/** Of a page: scheme, host and port, or `*` for any. */
export const origin = z.string('write a text, such as https://app.example.com').transform((text, context) => {
  if (text === '*') return text;
  const url = URL.parse(text);
  const isOne = url && /^https?:\/\/[^*]+$/i.test(text) && url.pathname === '/' && !url.username && !url.password;
  if (isOne && !/[?#]/.test(text)) return url.origin;
  const message = 'write scheme, host and port alone, such as https://app.example.com, or "*" for any origin';
  context.issues.push({ code: 'custom', input: text, message });
  return z.NEVER;
});
