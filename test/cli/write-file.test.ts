/** Files are written whole or not at all. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics.js';
import { writeWhole } from '../../src/cli/base/write-file.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policyc-write-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('writeWhole', () => {
  it('replaces a file and keeps its permissions', () => {
    writeFileSync(join(folder, 'a'), 'old');
    chmodSync(join(folder, 'a'), 0o600);
    writeWhole(join(folder, 'a'), 'new');
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('new');
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('writes through a symbolic link', () => {
    writeFileSync(join(folder, 'a'), 'old');
    symlinkSync('a', join(folder, 'link'));
    writeWhole(join(folder, 'link'), new Uint8Array([65]));
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('A');
  });

  it('does not replace a device', () => {
    writeWhole('/dev/null', 'x');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it.each(['missing/a', 'folder', 'file/a'])('refuses %s and leaves nothing behind', (path) => {
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'file'), 'old');
    expect(() => {
      writeWhole(join(folder, path), 'new');
    }).toThrow(InputError);
    expect(readdirSync(folder)).toEqual(['file', 'folder']);
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('old');
  });
});
