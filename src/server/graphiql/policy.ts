import { randomBytes } from 'node:crypto';

/**
 * What GraphiQL may do: run the scripts that were sent with it, and talk to this server. Its editor writes styles of its own, brings
 * its font along, and works in the background from scripts that it makes itself.
 */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    'worker-src data: blob:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Of one page: nobody can know it before. */
export function newNonce(): string {
  return randomBytes(18).toString('base64');
}

/** Marks our scripts, and GraphiQL’s own, which is the first of its body. */
export function withNonce(html: string, ours: string, nonce: string): string {
  const script = `<script nonce="${nonce}">`;
  const head = html.indexOf('</head>');
  const own = html.indexOf('<script>', head);
  return `${html.slice(0, head)}${ours.replaceAll('<script>', () => script)}${html.slice(head, own)}${script}${html.slice(own + '<script>'.length)}`;
}
