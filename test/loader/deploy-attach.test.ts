import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics.js';
import {
  attachGates,
  takeBack,
  type AttachedGate,
  type Placement,
} from '../../src/loader/deploy/attach.js';
import type { Attachment, FirstProgram, Hook, Hooks } from '../../src/loader/deploy/hook.js';
import { KernelError } from '../../src/loader/kernel-error.js';
import type { ProgramHandle } from '../../src/loader/native.js';
import { isRoot } from '../support/netns.js';
import { returning } from '../support/raw-bpf.js';

/** Hooks in memory, whose n-th steps fail. */
class FakeHooks implements Hooks {
  readonly at = new Map<number, number>();
  #steps = 0;

  constructor(
    private readonly failing: readonly number[],
    private readonly stubborn?: FirstProgram,
  ) {}

  list = (): readonly Attachment[] => [];
  remove = (): void => undefined;
  recover = (): void => undefined;

  first = ({ interfaceIndex }: Hook): FirstProgram | undefined => {
    const programId = this.at.get(interfaceIndex);
    return this.stubborn ?? (programId === undefined ? undefined : { programId, name: 'gate' });
  };

  attach = ({ interfaceIndex }: Hook, given: ProgramHandle): ReturnType<Hooks['attach']> => {
    this.#step();
    this.at.set(interfaceIndex, given.facts().id);
    return {
      settle: () => undefined,
      undo: () => {
        this.#step();
        this.at.delete(interfaceIndex);
      },
    };
  };

  #step(): void {
    this.#steps += 1;
    if (this.failing.includes(this.#steps)) throw new KernelError('attach to a hook', 12, '');
  }
}

describe.runIf(isRoot)('attachGates', () => {
  const gate = returning(-1, 'gate');
  const placement = (interfaceIndex: number): Placement => ({
    hook: { pod: `shop/${interfaceIndex}`, direction: 'to_pod', interfaceIndex },
    device: `veth${interfaceIndex}`,
    gate,
  });
  const there = (interfaceIndex: number, changes: Partial<Attachment> = {}): Attachment => ({
    ...placement(interfaceIndex).hook,
    kind: 'tcx',
    programId: gate.facts().id,
    here: true,
    behind: 0,
    ...changes,
  });

  function attach(hooks: FakeHooks, before: readonly Attachment[] = []): readonly AttachedGate[] {
    const attached: AttachedGate[] = [];
    attachGates(hooks, before, [1, 2, 3].map(placement), attached);
    return attached;
  }

  it('attaches what is not there', () => {
    const hooks = new FakeHooks([]);
    expect(attach(hooks, [there(2)])).toHaveLength(2);
    expect([...hooks.at.keys()]).toEqual([1, 3]);
  });

  it.each([
    ['elsewhere', { here: false }],
    ['another program', { programId: 1 }],
    ['behind others', { behind: 1 }],
    ["another pod's", { pod: 'shop/other' }],
  ])('attaches again what is %s', (_, changes) => {
    const hooks = new FakeHooks([]);
    attach(hooks, [there(1), there(2, changes), there(3)]);
    expect([...hooks.at.keys()]).toEqual([2]);
  });

  it('refuses a hook where it cannot be first', () => {
    const hooks = new FakeHooks([], { programId: 7, name: 'stubborn, priority 1' });
    let thrown: unknown;
    try {
      attach(hooks);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof InputError)) throw new Error('it must be refused');
    expect(thrown.diagnostics.map(({ code, message }) => [code, message])).toEqual([
      [
        'deploy/not-first',
        '`stubborn, priority 1` sees what goes to `shop/1` at `veth1` before policyc could',
      ],
    ]);
  });

  it.each([1, 2, 3])('lets go of those before it when step %i fails', (step) => {
    const hooks = new FakeHooks([step]);
    const attached: AttachedGate[] = [];
    expect(() => attachGates(hooks, [], [1, 2, 3].map(placement), attached)).toThrow(KernelError);
    expect(attached).toHaveLength(step - 1);
    expect(takeBack('/root', attached)).toEqual([]);
    expect([...hooks.at.keys()]).toEqual([]);
  });

  it('says which interface it could not let go of, and lets go of the others', () => {
    // The third step fails, and so does the first of the way back.
    const hooks = new FakeHooks([3, 4]);
    const attached: AttachedGate[] = [];
    expect(() => attachGates(hooks, [], [1, 2, 3].map(placement), attached)).toThrow(KernelError);
    expect(takeBack('/root', attached).map(({ code, message }) => [code, message])).toEqual([
      ['deploy/kept-partly', 'interface `veth2` could not be released again (ENOMEM)'],
    ]);
    expect([...hooks.at.keys()]).toEqual([2]);
  });
});
