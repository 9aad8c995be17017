/** docs/portability.md says what the differences say, and the differences say it in order. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { portabilityReference } from '../../src/cli/portability/reference.js';
import { IMPLEMENTATIONS, readEdition } from '../../src/ir/implementations.js';

it('docs/portability.md is up to date', async () => {
  const path = fileURLToPath(new URL('../../docs/portability.md', import.meta.url));
  await expect(portabilityReference()).toMatchFileSnapshot(path);
});

describe.each(IMPLEMENTATIONS.filter(({ differences }) => differences.length > 0))(
  '$name',
  ({ name, differences, settings }) => {
    it('numbers its differences from 1, each once, each with a source', () => {
      const numbers = differences.map(({ id }) => Number(id.slice(name.length + 1)));
      expect([...numbers].sort((a, b) => a - b)).toEqual(differences.map((_, i) => i + 1));
      for (const { sources, apply, model } of differences) {
        expect(sources.length).toBeGreaterThan(0);
        for (const url of sources) expect(new URL(url).protocol).toBe('https:');
        expect(model.startsWith('not modelled')).toBe(apply === undefined);
      }
    });

    it('knows every setting that takes a difference away', () => {
      const needed = differences.flatMap(({ unless }) => unless ?? []);
      expect([...new Set(needed)].sort()).toEqual(Object.keys(settings).sort());
    });
  },
);

describe('names', () => {
  const idsOf = (text: string): readonly string[] => {
    const edition = readEdition(text);
    if ('kind' in edition) throw new Error(edition.kind);
    return edition.differences.map(({ id }) => id);
  };

  it('choose differences by version and settings', () => {
    expect(idsOf('cilium')).not.toContain('cilium-5');
    expect(idsOf('cilium@1.15.9')).toContain('cilium-5');
    expect(idsOf('cilium@v1.9')).toContain('cilium-5');
    expect(idsOf('cilium+sctp')).not.toContain('cilium-4');
    expect(idsOf('calico@3.29')).not.toContain('calico-6');
    expect(idsOf('calico@3.28.3')).toContain('calico-6');
    expect(idsOf('policyc')).toEqual([]);
  });

  it.each([
    ['flannel', 'name'],
    ['', 'name'],
    ['cilium@new', 'version'],
    ['cilium@', 'version'],
    ['policyc@1', 'version'],
    ['cilium+ipv7', 'setting'],
    ['calico+sctp', 'setting'],
  ])('refuse `%s`', (text, kind) => {
    expect(readEdition(text)).toMatchObject({ kind });
  });
});
