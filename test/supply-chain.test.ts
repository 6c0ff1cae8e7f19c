import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Package {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (path: string) => JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')) as unknown;
const asked = read('package.json') as Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
const { packages } = read('package-lock.json') as { readonly packages: Readonly<Record<string, Package>> };
const locked = Object.entries(packages).filter(([path]) => path !== '');
const named = (some: readonly (readonly [string, Package])[]) => some.map(([path]) => path);

/** Those that ask for no more than to be named. */
const permissive = /^(MIT|ISC|0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|Python-2\.0)$/;

const registry = 'https://registry.npmjs.org/';

describe('what this depends on', () => {
  test('is asked for in exact versions', () => {
    const all = ['dependencies', 'devDependencies', 'optionalDependencies', 'overrides'].flatMap((kind) =>
      Object.entries(asked[kind] ?? {}),
    );
    expect(all.length).toBeGreaterThan(20);
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test('comes from the registry, byte for byte as it was locked', () => {
    const strange = locked.filter(
      ([, { resolved, integrity }]) =>
        !integrity?.startsWith('sha512-') || !(resolved ?? registry).startsWith(registry),
    );
    expect(named(strange)).toEqual([]);
  });

  test('runs nothing when it is installed', () => {
    expect(named(locked.filter(([, { hasInstallScript }]) => hasInstallScript))).toEqual([]);
  });

  test('may be used in what others keep to themselves, as far as it is delivered', () => {
    const delivered = locked.filter(([, { dev }]) => !dev);
    expect(named(delivered.filter(([, { license }]) => !permissive.test(license ?? '')))).toEqual([]);
  });
});
