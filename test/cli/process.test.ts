/** The command line as a process of its own. */
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { transpileSources } from './transpile.js';

let folder = '';
beforeAll(() => {
  folder = transpileSources();
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function shell(script: string): Promise<Ended> {
  const child = spawn('bash', [
    '-c',
    `policyc() { node ${join(folder, 'bin/policyc.js')} "$@"; }; ${script}`,
  ]);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end();
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

describe('the process', () => {
  it('passes its exit code on', async () => {
    expect(await shell('policyc --version')).toMatchObject({ code: 0, stderr: '' });
    expect(await shell('policyc nothing')).toMatchObject({ code: 2, stdout: '' });
  });

  it('ends quietly when its reader goes away', async () => {
    const { code, stderr } = await shell(
      'set -o pipefail; for i in 1 2 3 4 5; do policyc help codes | true || exit 9; done',
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('works with closed standard streams', async () => {
    expect(await shell('policyc help codes <&- >/dev/null 2>&-')).toMatchObject({ code: 0 });
  });
});
