import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const executablePath = '/usr/bin/chromium';

/** Quiet: no service of its maker's is asked for anything. */
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** False, and loudly so, where there is no browser; where everything has to hold, that is a failure. */
export function hasBrowser(what: string): boolean {
  if (existsSync(executablePath) || process.env['CI'] === 'true') return true;
  process.stderr.write(`\n*** ${what} NOT TESTED: no ${executablePath} (Debian: apt-get install chromium) ***\n\n`);
  return false;
}

/** A browser of its own, with more arguments. */
export function openBrowser(...more: readonly string[]): Promise<Browser> {
  return chromium.launch({ executablePath, args: [...args, ...more] });
}
