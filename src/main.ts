#!/usr/bin/env node
import { enableCompileCache, flushCompileCache } from 'node:module';
import type { Sandbox } from './sandbox/sandbox.ts';

// Starting is mostly loading code: keep what was compiled.
enableCompileCache();
const { ConfigError, loadConfig, usage } = await import('./config.ts');
const { createGateway } = await import('./gateway.ts');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The process: configuration, gateway, and a clean end. Returns the exit code. */
async function main(): Promise<number | undefined> {
  const argv = process.argv.slice(2);
  if (argv.includes('--help') || argv.includes('-h')) {
    say(usage);
    return 0;
  }
  let config = loadConfig({ argv, env: process.env, cwd: process.cwd() });
  let sandbox: Sandbox | undefined;
  if (config.apps.length === 0) {
    const { defaultShowcaseVersion, openSandbox } = await import('./sandbox/sandbox.ts');
    const { recordings, version = defaultShowcaseVersion, ...options } = config.sandbox;
    sandbox = await openSandbox({ ...options, version, ...(recordings === undefined ? {} : { recordings }) });
    const { pageUser } = await import('./server/graphiql.ts');
    // Nothing is anybody's here but the demo's: whoever opens the page may see what admins see.
    const admins = config.server.admins.length > 0 ? config.server.admins : [pageUser];
    config = { ...config, server: { ...config.server, admins }, ...appsOf(sandbox) };
    say(`No app is configured: serving the demo apps of a built-in stand-in for Dify at ${sandbox.url}.`);
  }
  const gateway = await createGateway(config).catch(async (error: unknown) => {
    await sandbox?.close();
    throw error;
  });
  say(`GraphQL${config.server.graphiql ? ' and GraphiQL' : ''}: ${gateway.url}`);
  if (gateway.metricsUrl) say(`Metrics: ${gateway.metricsUrl}`);
  say(`Apps: ${config.apps.map(({ name }) => name).join(', ')}`);
  const { provesUsers } = await import('./server/auth/identify.ts');
  if (!provesUsers(config.auth))
    say('Anyone can be anyone: users are believed by their `x-user` header. Do not expose this to untrusted clients.');

  // By itself it would be written at the end, which a server may never see.
  flushCompileCache();

  let since: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Ctrl-C may arrive twice, from the terminal and through npm: only one that comes later is impatience.
      if (since !== undefined && Date.now() - since > 1_000) process.exit(1);
      if (since !== undefined) return;
      since = Date.now();
      void gateway
        .close()
        .then(() => sandbox?.close())
        .then(() => process.exit(0));
    });
  }
  return undefined;
}

/** The sandbox's apps as if they had been configured. */
function appsOf(sandbox: Sandbox) {
  const timeouts = { connectMs: 10_000, headersMs: 60_000, idleMs: 35_000, runMs: 1_500_000 };
  return {
    apps: sandbox.apps.map(({ name, description, key }) => ({
      name,
      description,
      key,
      baseUrl: sandbox.url,
      filesUrl: undefined,
      nodeData: true,
      checkInputs: true,
      maxRuns: 0,
      maxQueued: 100,
      queueMs: 300_000,
      maxReads: 0,
      timeouts,
    })),
    defaultApp: sandbox.apps[0]?.name,
  };
}

try {
  const code = await main();
  if (code !== undefined) process.exitCode = code;
} catch (error) {
  if (error instanceof ConfigError) complain(error.message);
  else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
    complain(`${error.message}. Choose another port, for GraphQL with PORT=8001 npm start`);
  else throw error;
  process.exitCode = 1;
}
