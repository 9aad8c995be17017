/** Arguments, help, exit codes and the boundary that no error crosses. */
import { describe, expect, it } from 'vitest';
import { commands, commandGroups } from '../../src/cli/base/command-table.js';
import { run } from '../../src/cli/run.js';
import { longName } from '../../src/cli/base/spec.js';
import { invoke } from './invoke.js';

describe('arguments', () => {
  it.each([
    [['chek-nothing'], 'cli/unknown-command', 'there is no command `chek-nothing`'],
    [['hepl'], 'cli/unknown-command', 'did you mean `help`?'],
    [['--fromat'], 'cli/unknown-option', '`policyc` has no option `--fromat`'],
    [['help', '--colour'], 'cli/unknown-option', 'did you mean `--color`?'],
    [['help', 'a', 'b'], 'cli/extra-argument', 'takes no further argument `b`'],
    [['completion'], 'cli/missing-argument', '`policyc completion` needs SHELL'],
    [['check'], 'cli/missing-argument', '`policyc check` needs at least one PATH'],
    [
      ['check', '--cluster', 'c.yaml', 'p.yaml'],
      'cli/missing-argument',
      '`--cluster` takes all paths that follow it',
    ],
    [['eval', '--flows', 'f'], 'cli/missing-argument', '`policyc eval` needs `--policies`'],
    [['completion', 'fihs'], 'cli/bad-choice', 'did you mean `fish`?'],
    [['help', '--color', 'mauve'], 'cli/bad-choice', 'one of auto, always, never'],
    [['help', '--color'], 'cli/missing-value', '`--color` needs a value'],
    [['status', '--root', ''], 'cli/missing-value', '`--root` needs a value'],
    [['check', 'a', '--cluster', 'b', ''], 'cli/missing-value', '`--cluster` needs a value'],
    [['compile', 'a', '--emit', 'plan', '-o', '-'], 'cli/two-outputs', 'standard output'],
    [['help', 'cli/bad-chioce'], 'cli/unknown-topic', 'did you mean `cli/bad-choice`?'],
  ])('%j is bad input', async (argv, code, text) => {
    const result = await invoke(argv);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(`error[${code}]`);
    expect(result.stderr).toContain(text);
  });

  it('answers in JSON where that was asked for, even if the arguments are wrong', async () => {
    const { code, stderr } = await invoke(['help', '--colour', '--format', 'json']);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      errors: 1,
      diagnostics: [{ code: 'cli/unknown-option' }],
    });
  });

  it('makes escapes in arguments harmless', async () => {
    const { stderr } = await invoke(['\u001b[2Jx']);
    expect(stderr).not.toContain('\u001b');
  });
});

describe('help', () => {
  it('lists every command', async () => {
    for (const argv of [[], ['--help'], ['-h'], ['help']]) {
      const { code, stdout } = await invoke(argv);
      expect(code).toBe(0);
      for (const { name, summary } of commands)
        expect(stdout).toMatch(new RegExp(`^  ${name} +${summary}`, 'm'));
      for (const { title } of commandGroups) expect(stdout).toContain(title.toUpperCase());
    }
  });

  it.each(commands.map(({ name }) => name))('%s has complete help', async (name) => {
    const { code, stdout } = await invoke([name, '--help']);
    expect(code).toBe(0);
    for (const section of ['USAGE', 'OPTIONS', 'EXAMPLES', 'EXIT CODES']) {
      expect(stdout).toContain(`\n${section}\n`);
    }
    const spec = commands.find((one) => one.name === name);
    for (const option of spec?.options ?? []) expect(stdout).toContain(`--${longName(option)}`);
    expect(await invoke(['help', name])).toMatchObject({ code: 0, stdout });
  });

  it('explains a code, and lists them all', async () => {
    const one = await invoke(['help', 'source/not-found']);
    expect(one.stdout).toContain('A path on the command line names nothing that exists.');
    const all = await invoke(['help', 'codes']);
    expect(all.stdout).toMatch(/^cli\/bad-choice +error$/m);
  });

  it('prints the version', async () => {
    const { stdout } = await invoke(['--version']);
    expect(stdout).toMatch(/^policyc \d+\.\d+\.\d+\n$/);
  });
});

describe('colours', () => {
  const escape = '\u001b[';
  it.each([
    [{ terminal: true }, [], true],
    [{ terminal: false }, [], false],
    [{ terminal: true, env: { NO_COLOR: '1' } }, [], false],
    [{ terminal: true, env: { NO_COLOR: '' } }, [], true],
    [{ terminal: true, env: { TERM: 'dumb' } }, [], false],
    [{ terminal: false, env: { FORCE_COLOR: '1' } }, [], true],
    [{ terminal: true, env: { FORCE_COLOR: '0' } }, [], false],
    [{ terminal: false, env: { NO_COLOR: '1' } }, ['--color', 'always'], true],
    [{ terminal: true, env: { FORCE_COLOR: '1' } }, ['--color=never'], false],
  ] as const)('%j %j', async (options, more, colored) => {
    const out = await invoke(['help', 'source/not-found', ...more], options);
    expect(out.stdout.includes(escape)).toBe(colored);
    const error = await invoke(['help', 'nothing-such', ...more], options);
    expect(error.stderr.includes(escape)).toBe(colored);
  });
});

describe('the error boundary', () => {
  const broken = new Error('boom');
  const failing = (env: Readonly<Record<string, string>>): Promise<[number, string]> => {
    let stderr = '';
    const output = { isTerminal: false, columns: undefined };
    return run(['help'], {
      stdout: {
        ...output,
        write: () => {
          throw broken;
        },
      },
      stderr: { ...output, write: (text) => (stderr += String(text)) },
      stdin: 0,
      env,
      now: () => 0,
    }).then((code) => [code, stderr]);
  };

  it('calls what nobody expected a bug, without a stack trace', async () => {
    const [code, stderr] = await failing({});
    expect(code).toBe(70);
    expect(stderr).toContain('this is a bug in policyc, please report it: Error: boom');
    expect(stderr).not.toContain('    at ');
  });

  it('shows the stack where POLICYC_DEBUG is set', async () => {
    const [, stderr] = await failing({ POLICYC_DEBUG: '1' });
    expect(stderr).toContain('    at ');
  });
});
