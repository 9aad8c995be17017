import { describe, expect, it } from 'vitest';
import type { Attachment, Hook, Hooks } from '../../src/loader/deploy-hook.js';
import { HalfSwitched, switchAll, type Placement } from '../../src/loader/deploy-switch.js';
import { KernelError } from '../../src/loader/kernel-error.js';
import { loadProgram } from '../../src/loader/native-calls.js';
import type { ProgramHandle } from '../../src/loader/native.js';
import { isRoot } from '../support/netns.js';

const EXIT = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);

function program(): ProgramHandle {
  return loadProgram({ type: 'sched-cls', name: 'switched', instructions: EXIT });
}

/** Hooks in memory, whose n-th steps fail. */
class FakeHooks implements Hooks {
  readonly at = new Map<number, number>();
  #steps = 0;

  constructor(private readonly failing: readonly number[]) {}

  list = (): readonly Attachment[] => [];
  remove = (): void => undefined;
  recover = (): void => undefined;

  replace = ({ interfaceIndex }: Hook, given: ProgramHandle): void => {
    this.#step();
    this.at.set(interfaceIndex, given.facts().id);
  };

  attach = (hook: Hook, given: ProgramHandle): ReturnType<Hooks['attach']> => {
    this.replace(hook, given);
    return { settle: () => undefined, undo: () => this.at.delete(hook.interfaceIndex) };
  };

  #step(): void {
    this.#steps += 1;
    if (this.failing.includes(this.#steps)) throw new KernelError('switch a hook', 12, '');
  }
}

describe.runIf(isRoot)('switchAll', () => {
  const hook = (interfaceIndex: number): Hook => ({
    pod: `shop/${interfaceIndex}`,
    direction: 'to_pod',
    interfaceIndex,
  });

  function attempt(failing: readonly number[]): {
    readonly hooks: FakeHooks;
    readonly before: readonly Attachment[];
    readonly run: () => unknown;
  } {
    const hooks = new FakeHooks(failing);
    const olds = [program(), program()];
    const before = olds.map((old, index): Attachment => {
      const programId = old.facts().id;
      hooks.at.set(index + 1, programId);
      return { ...hook(index + 1), kind: 'tcx', programId, here: true, behind: 0 };
    });
    const placements = [1, 2, 3].map((index): Placement => ({
      hook: hook(index),
      program: program(),
    }));
    const run = (): unknown => switchAll('/root', hooks, before, placements);
    return { hooks, before, run };
  }

  const idsOf = (before: readonly Attachment[]): ReadonlyMap<number, number> =>
    new Map(before.map(({ interfaceIndex, programId }) => [interfaceIndex, programId]));

  it('switches what is there and attaches what is new', () => {
    const { hooks, before, run } = attempt([]);
    expect(run()).toHaveLength(1);
    expect([...hooks.at.keys()]).toEqual([1, 2, 3]);
    expect(hooks.at.get(1)).not.toBe(before[0]?.programId);
  });

  it.each([[1], [2], [3]])('takes all back when step %i fails', (step) => {
    const { hooks, before, run } = attempt([step]);
    expect(run).toThrow(KernelError);
    expect(hooks.at).toEqual(idsOf(before));
  });

  it('says which hook it could not take back, and takes back the others', () => {
    // The third step fails, and so does the first of the way back.
    const { hooks, before, run } = attempt([3, 4]);
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof HalfSwitched)) throw new Error('it must be half switched');
    expect(thrown.diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ['kernel/refused', 'the kernel refused to switch a hook: ENOMEM'],
      [
        'deploy/kept-partly',
        'interface `shop/2 (2)` could not be given back its old program (ENOMEM): both generations stay under `/root`',
      ],
    ]);
    expect(hooks.at.get(1)).toBe(before[0]?.programId);
    expect(hooks.at.get(2)).not.toBe(before[1]?.programId);
  });
});
