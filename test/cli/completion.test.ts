/** Completion scripts: bash's is run, the others are compared with the command table. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/base/command-table.js';
import { completionScript } from '../../src/cli/base/completion.js';
import { longName } from '../../src/cli/base/spec.js';

function complete(...words: readonly string[]): string[] {
  const script = `${completionScript('bash', commands)}
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _policyc; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', script, 'bash', 'policyc', ...words], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  });
  return output.split('\n').filter((line) => line !== '');
}

describe('completionScript', () => {
  it('completes commands in bash', () => {
    expect(complete('comp')).toContain('completion');
    expect(complete('')).toEqual(expect.arrayContaining(commands.map(({ name }) => name)));
  });

  it("completes a command's options and their values in bash", () => {
    expect(complete('help', '--col')).toEqual(['--color']);
    expect(complete('help', '--color', '')).toEqual(['auto', 'always', 'never']);
    expect(complete('completion', 'f')).toEqual(['fish']);
  });

  it('completes paths in bash where paths are meant', () => {
    expect(complete('help', '--color', 'always', 'invo')).toEqual(['invoke.ts']);
  });

  it.each(['zsh', 'fish'])('names every command and option in %s', (shell) => {
    const script = completionScript(shell, commands);
    for (const { name, options } of commands) {
      expect(script).toContain(name);
      for (const option of options) expect(script).toContain(longName(option));
    }
  });
});
