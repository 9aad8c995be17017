import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics.js';
import { openHistory, removeHistory, type BundleHistory } from '../../src/loader/deploy/history.js';

const ROOT = '/sys/fs/bpf/policyc';

describe('bundle history', () => {
  let stateDir: string;
  let history: BundleHistory;
  let folder: string;

  beforeEach(() => {
    stateDir = mkdtempSync(join(tmpdir(), 'policyc-history-'));
    history = openHistory(stateDir, ROOT);
    folder = join(stateDir, '%2fsys%2ffs%2fbpf%2fpolicyc');
  });
  afterEach(() => {
    rmSync(stateDir, { recursive: true });
  });

  const bytesOf = (digest: string): Uint8Array => Buffer.from(`bundle ${digest}`);
  /** The bundle that is in force after it. */
  function apply(digest: string, inForce?: string): string {
    history.begin({ digest, bytes: bytesOf(digest) }, inForce);
    history.settle(digest);
    return digest;
  }
  const before = (inForce: string | undefined): string => history.previous(inForce).digest;
  function codeOf(work: () => unknown): string | undefined {
    try {
      work();
    } catch (error) {
      if (error instanceof InputError) return error.diagnostics[0]?.code;
      throw error;
    }
    return undefined;
  }

  it('knows the bundle before the one in force, with its bytes', () => {
    apply('bb', apply('aa'));
    const { digest, bytes, path } = history.previous('bb');
    expect([digest, bytes, path]).toEqual(['aa', bytesOf('aa'), join(folder, 'aa.bundle')]);
    expect(codeOf(() => before('aa'))).toBe('deploy/no-previous');
    expect(codeOf(() => before(undefined))).toBe('deploy/no-previous');
    expect(codeOf(() => before('unknown'))).toBe('deploy/no-previous');
  });

  it('takes the same bundle again for no step', () => {
    apply('bb', apply('bb', apply('bb', apply('aa'))));
    expect(before('bb')).toBe('aa');
  });

  it('goes back step by step, and forgets what it has gone back from', () => {
    apply('cc', apply('bb', apply('aa')));
    expect(before('cc')).toBe('bb');
    history.settle('bb');
    expect(before('bb')).toBe('aa');
    expect(readdirSync(folder).sort()).toEqual(['aa.bundle', 'bb.bundle', 'history.json']);
    apply('dd', 'bb');
    expect(before('dd')).toBe('bb');
  });

  it('is right whenever the process is killed', () => {
    apply('bb', apply('aa'));
    // Killed before the swap: the old one is in force still.
    history.begin({ digest: 'cc', bytes: bytesOf('cc') }, 'bb');
    expect(before('bb')).toBe('aa');
    // Killed after it, with nothing settled.
    expect(before('cc')).toBe('bb');
    // Killed after going back to bb.
    expect(before('bb')).toBe('aa');
    apply('dd', 'bb');
    expect(readdirSync(folder).sort()).toEqual([
      'aa.bundle',
      'bb.bundle',
      'dd.bundle',
      'history.json',
    ]);
  });

  it('keeps the last ten', () => {
    let inForce: string | undefined;
    for (let i = 10; i < 30; i += 1) inForce = apply(String(i), inForce);
    expect(readdirSync(folder)).toHaveLength(11);
    expect(before('21')).toBe('20');
    expect(codeOf(() => before('20'))).toBe('deploy/no-previous');
  });

  it('begins anew where what is in force was applied without it', () => {
    apply('bb', apply('aa'));
    apply('cc', 'elsewhere');
    expect(codeOf(() => before('cc'))).toBe('deploy/no-previous');
  });

  it.each(['no json', '{}', '{"digests": [1]}', '{"digests": ["../../etc/passwd"]}'])(
    'refuses a list that it has not written: %s',
    (text) => {
      apply('bb', apply('aa'));
      writeFileSync(join(folder, 'history.json'), text);
      expect(codeOf(() => before('bb'))).toBe('deploy/history-damaged');
    },
  );

  it('says what the file system refuses', () => {
    const file = join(stateDir, 'file');
    writeFileSync(file, '');
    const under = openHistory(file, ROOT);
    expect(codeOf(() => under.begin({ digest: 'aa', bytes: bytesOf('aa') }, undefined))).toBe(
      'deploy/state-refused',
    );
    apply('bb', apply('aa'));
    rmSync(join(folder, 'aa.bundle'));
    expect(codeOf(() => before('bb'))).toBe('deploy/state-refused');
  });

  it('is one of each root, and goes as a whole', () => {
    apply('bb', apply('aa'));
    const other = openHistory(stateDir, `${ROOT}_2`);
    expect(codeOf(() => other.previous('bb'))).toBe('deploy/no-previous');
    expect(JSON.parse(readFileSync(join(folder, 'history.json'), 'utf8'))).toEqual({
      format: 1,
      digests: ['aa', 'bb'],
    });
    removeHistory(stateDir, ROOT);
    removeHistory(stateDir, ROOT);
    expect(codeOf(() => before('bb'))).toBe('deploy/no-previous');
  });
});
