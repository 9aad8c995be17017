/** Reading of files, folders, globs and standard input. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sourceCatalog } from '../src/catalog/source.js';
import { readSources } from '../src/read-sources.js';

const root = mkdtempSync(join(tmpdir(), 'policyc-sources-'));
const before = process.cwd();
const reached = new Set<string>();

const put = (path: string, content: string | Uint8Array): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), content);
};

beforeAll(() => {
  put('p/b.yaml', 'b');
  put('p/a.yml', 'a');
  put('p/sub/c.json', 'c');
  put('p/sub/d.pol', 'd');
  put('p/README.md', 'r');
  put('p/.hidden.yaml', 'h');
  put('p/.git/x.yaml', 'x');
  put('empty/README.md', 'r');
  put('odd[1].yaml', 'odd');
  put('bom.yaml', '\ufeffa: 1\r\n');
  put('latin.yaml', Uint8Array.of(0x61, 0x3a, 0x20, 0xe9, 0x0a));
  put('old.bundle', Buffer.concat([Buffer.alloc(257), Buffer.from('ustar')]));
  put('cut.yaml', Uint8Array.of(0x61, 0xc3));
  put('zip.yaml', 'a\0b');
  put('big.yaml', 'x'.repeat(3_000_000));
  symlinkSync('..', join(root, 'p/sub/up'));
  symlinkSync('nowhere', join(root, 'p/dangling.yaml'));
  symlinkSync('circle', join(root, 'circle'));
  process.chdir(root);
});

afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true, force: true });
});

const pathsOf = (...paths: readonly string[]): readonly string[] => {
  const { value, diagnostics } = readSources(paths);
  if (value === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return value.map(({ path }) => path);
};

const refusal = (path: string, maxBytes?: number): string => {
  const { value, diagnostics } = readSources([path], maxBytes === undefined ? {} : { maxBytes });
  expect(value).toBeUndefined();
  for (const { code } of diagnostics) reached.add(code);
  return diagnostics.map(({ code, message }) => `${code}: ${message}`).join('\n');
};

describe('paths', () => {
  it('a file, whatever its ending, as it was written', () => {
    expect(pathsOf('p/README.md', './p/b.yaml')).toEqual(['p/README.md', './p/b.yaml']);
    expect(pathsOf(join(root, 'p/b.yaml'))).toEqual([join(root, 'p/b.yaml')]);
  });

  it('a folder, sorted, without hidden files, links back up and other endings', () => {
    rmSync(join(root, 'p/dangling.yaml'));
    expect(pathsOf('p')).toEqual(['p/a.yml', 'p/b.yaml', 'p/sub/c.json', 'p/sub/d.pol']);
    expect(pathsOf('p/')).toEqual(pathsOf('p'));
  });

  it.each([
    ['p/*.yaml', ['p/b.yaml']],
    ['p/*', ['p/a.yml', 'p/b.yaml', 'p/sub/c.json', 'p/sub/d.pol']],
    ['p/**/*.{json,pol}', ['p/sub/c.json', 'p/sub/d.pol']],
    ['**/[a-b].y*ml', ['p/a.yml', 'p/b.yaml']],
    ['p/[!a].yaml', ['p/b.yaml']],
    ['p/?.yml', ['p/a.yml']],
    ['p/.h*', ['p/.hidden.yaml']],
    ['odd[1].yaml', ['odd[1].yaml']],
    ['*/sub', ['p/sub/c.json', 'p/sub/d.pol', 'p/sub/up/a.yml', 'p/sub/up/b.yaml']],
  ])('the glob %s', (glob, expected) => {
    expect(pathsOf(glob)).toEqual(expected);
  });

  it('an absolute glob', () => {
    expect(pathsOf(join(root, 'p/*.yaml'))).toEqual([join(root, 'p/b.yaml')]);
  });

  it('a file once, however often it is named', () => {
    expect(pathsOf('p/b.yaml', 'p', './p/b.yaml', 'p/*.yaml')).toEqual([
      'p/b.yaml',
      'p/a.yml',
      'p/sub/c.json',
      'p/sub/d.pol',
    ]);
  });
});

describe('texts', () => {
  it('lose their byte order mark and keep their line ends', () => {
    expect(readSources(['bom.yaml']).value?.[0]?.text).toBe('a: 1\r\n');
  });

  it('come from standard input once', () => {
    const descriptor = openSync(join(root, 'p/b.yaml'), 'r');
    try {
      const { value } = readSources(['-', '-'], { standardInput: descriptor });
      expect(value?.map(({ path, text }) => [path, text])).toEqual([['-', 'b']]);
    } finally {
      closeSync(descriptor);
    }
  });

  it('come from a named pipe', () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const descriptor = openSync(join(root, 'pipe'), 'r+');
    writeFileSync(descriptor, 'piped');
    try {
      const { diagnostics } = readSources(['-'], { standardInput: descriptor, maxBytes: 3 });
      expect(diagnostics.map(({ code }) => code)).toEqual(['source/too-large']);
    } finally {
      closeSync(descriptor);
    }
  });
});

describe('refusals', () => {
  afterEach(() => rmSync(join(root, 'p/dangling.yaml'), { force: true }));

  it.each([
    ['nowhere.yaml', 'source/not-found: no file or folder matches `nowhere.yaml`'],
    ['p/*.toml', 'source/not-found: no file or folder matches `p/*.toml`'],
    ['p/[z-a].yaml', 'source/not-found: no file or folder matches `p/[z-a].yaml`'],
    ['latin.yaml', 'source/not-utf8: `latin.yaml` is not UTF-8: bad byte at offset 4'],
    ['cut.yaml', 'source/not-utf8: `cut.yaml` is not UTF-8: bad byte at offset 2'],
    ['old.bundle', 'source/bundle: `old.bundle` is a bundle, and files of text are wanted here'],
    ['zip.yaml', 'source/binary: `zip.yaml` is no text: zero byte at offset 1'],
    ['empty', 'source/empty-folder: the folder `empty` holds no file to read'],
    [
      'bom.yaml/x',
      'source/unreadable: cannot read `bom.yaml/x`: what should be a folder on its way is a file',
    ],
    ['circle', 'source/unreadable: cannot read `circle`: its links form a circle'],
  ])('%s', (path, expected) => {
    expect(refusal(path)).toBe(expected);
  });

  it('a file that is too large, without reading it all', () => {
    expect(refusal('big.yaml', 1000)).toBe(
      'source/too-large: `big.yaml` has 3000000 bytes; a file may have 1000 at most',
    );
    expect(refusal('/dev/zero', 1000)).toMatch(/source\/too-large/);
  });

  it('a link to nothing inside a folder', () => {
    symlinkSync('nowhere', join(root, 'p/dangling.yaml'));
    expect(refusal('p')).toBe(
      'source/unreadable: cannot read `p/dangling.yaml`: it is gone, or a link to nothing',
    );
  });

  it('a name that no file can have', () => {
    const path = 'x'.repeat(5000);
    expect(refusal(path)).toBe(`source/unreadable: cannot read \`${path}\`: the name is too long`);
  });

  it.each(['odd', 'odd/*', 'od?'])('a pipe and a circle of links that %s comes upon', (path) => {
    mkdirSync(join(root, 'odd'));
    execFileSync('mkfifo', [join(root, 'odd/pipe.yaml')]);
    symlinkSync('circle.yaml', join(root, 'odd/circle.yaml'));
    symlinkSync('circle', join(root, 'odd/circle'));
    try {
      expect(refusal(path).split('\n')).toEqual([
        'source/unreadable: cannot read `odd/circle.yaml`: its links form a circle',
        'source/unreadable: cannot read `odd/pipe.yaml`: it is a pipe, a socket or a device; such a file must be named itself',
      ]);
    } finally {
      rmSync(join(root, 'odd'), { recursive: true });
    }
  });

  it('reach every entry of the catalog', () => {
    expect(Object.keys(sourceCatalog).filter((code) => !reached.has(code))).toEqual([]);
  });
});
