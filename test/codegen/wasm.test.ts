/** The wasm engine against the VM: random programs, and every packet of the packet path's cases. */
import { describe, expect, it } from 'vitest';
import {
  Assembler,
  r0,
  r1,
  r2,
  r6,
  r7,
  type Register,
} from '../../src/codegen/assembly/assembler.js';
import { PROGRAMS, SUBJECT_TABLE, type MapContents } from '../../src/codegen/contents.js';
import { disassembleFunction } from '../../src/codegen/object/disassemble.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { link } from '../../src/codegen/assembly/link.js';
import type {
  AluOperation,
  FunctionListing,
  Reg,
  Test,
} from '../../src/codegen/assembly/listing.js';
import type { ObjectImage } from '../../src/codegen/object/object-image.js';
import { createVm, type Vm } from '../../src/codegen/vm.js';
import { mapsOf } from '../../src/codegen/vm/maps.js';
import { createWasmRunner, type WasmRunner } from '../../src/codegen/wasm-engine.js';
import { CASES } from '../datapath/cases.js';
import { CLUSTER, type PacketCase } from '../datapath/case.js';
import { JIFFIES_PER_SECOND, LAYOUTS, prepare, type Layout } from '../datapath/engines.js';
import { Dice, imageOf } from './objects.js';

const OPERATIONS = [
  ...(['mov', 'add', 'sub', 'mul', 'div', 'mod'] as const),
  ...(['or', 'and', 'xor', 'lsh', 'rsh', 'arsh'] as const),
] satisfies readonly AluOperation[];
const TESTS: readonly Test[] = [
  ...(['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'set'] as const),
  ...(['sgt', 'sge', 'slt', 'sle'] as const),
];
const AWKWARD = [0, 1, -1, 2, 31, 32, 63, 64, 0x7fff_ffff, -0x8000_0000, 0xffff, 0x8000, -2];
const REGISTERS: readonly Register[] = [0, 1, 2, 3, 4, 5, 8].map((reg) => ({ reg: reg as Reg }));
const WORDS_AT = 16;
const PACKET_BYTES = WORDS_AT + 8 * REGISTERS.length;
const NOTHING: MapContents = {
  variant: 'test',
  tables: [],
  maps: [],
  subjects: [{ namespace: 't', name: 'x', addresses: [], subject: new Uint8Array() }],
};

/** Registers from the packet, random instructions with jumps ahead and one loop, and back into the packet. */
function randomProgram(name: string, dice: Dice, length: number): FunctionListing {
  const asm = new Assembler(name, 'program');
  asm.load(4, r6, r1, 76).load(4, r7, r1, 80);
  asm.mov(r2, r6).add(r2, PACKET_BYTES).branch('gt', r2, r7, 'short');
  REGISTERS.forEach((one, i) => asm.load(8, one, r6, WORDS_AT + 8 * i));
  asm.mov(r7, 0);
  asm.label('again');
  const open: { readonly label: string; readonly until: number }[] = [];
  for (let i = 0; i < length; i += 1) {
    for (const { label } of open.filter(({ until }) => until === i)) asm.label(label);
    randomInstruction(asm, dice, i, length, open);
  }
  for (const { label } of open.filter(({ until }) => until >= length)) asm.label(label);
  asm.add(r7, 1).branch('lt', r7, 3, 'again');
  REGISTERS.forEach((one, i) => asm.store(8, r6, WORDS_AT + 8 * i, one));
  asm.mov(r0, 7).exit();
  asm.label('short').mov(r0, 0).exit();
  return asm.finish();
}

function randomInstruction(
  asm: Assembler,
  dice: Dice,
  i: number,
  length: number,
  open: { readonly label: string; readonly until: number }[],
): void {
  const d = dice.pick(REGISTERS);
  const s = dice.pick(REGISTERS);
  const width = dice.pick([32, 64] as const);
  const imm = dice.below(2) === 0 ? dice.pick(AWKWARD) : dice.word();
  switch (dice.below(6)) {
    case 0: {
      const label = `label_${i}`;
      open.push({ label, until: Math.min(length, i + 1 + dice.below(5)) });
      asm.branch(dice.pick(TESTS), d, dice.below(2) === 0 ? s : imm, label, { width });
      return;
    }
    case 1:
      asm.toBigEndian(d, dice.pick([16, 32, 64] as const));
      return;
    case 2:
      asm.negate(d, width);
      return;
    default: {
      const operation = dice.pick(OPERATIONS);
      const shifts = operation === 'lsh' || operation === 'rsh' || operation === 'arsh';
      const divides = operation === 'div' || operation === 'mod';
      const fits = shifts ? Math.abs(imm) % width : divides && imm === 0 ? 3 : imm;
      const src = dice.below(2) === 0 ? { reg: s.reg } : { imm: fits };
      asm.instruction({ kind: 'alu', operation, width, dst: d.reg, src });
    }
  }
}

describe('random programs', () => {
  it('leave the same numbers', () => {
    const dice = new Dice(20_260_103);
    for (let round = 0; round < 150; round += 1) {
      const functions = [
        randomProgram(PROGRAMS.ingress, dice, 24),
        randomProgram(PROGRAMS.egress, dice, 24),
      ];
      const image = imageOf({ functions });
      const vm = createVm(image);
      const wasm = createWasmRunner(image, NOTHING);
      for (let i = 0; i < 8; i += 1) {
        const packet = Uint8Array.from({ length: PACKET_BYTES }, () => dice.below(256));
        packet.set([8, 0], 12);
        const expected = vm.run(PROGRAMS.ingress, packet, { ingressIfindex: 1 });
        const found = wasm.run(0, 'ingress', packet, { ingressIfindex: 1 });
        const [first] = image.functions;
        const text = first === undefined ? '' : disassembleFunction(first);
        expect({ result: found.result, packet: wasm.packet() }, text).toEqual({
          result: expected.result,
          packet: expected.packet,
        });
      }
    }
  });
});

describe.each(LAYOUTS)('the cases of the packet path with %s', (layout) => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s', (_, one) => {
    expect(firstDifference(one, layout)).toBeUndefined();
  });
});

/** Cases that bind again go on with the connections of before: they are compared up to there. */
function firstDifference({ policies, steps }: PacketCase, layout: Layout): string | undefined {
  const { plan, contents } = prepare(policies, CLUSTER, layout);
  const engines = startBoth(link(emitDatapath(plan)), contents);
  let jiffies = 0x2_0000_0000n;
  for (const [i, step] of steps.entries()) {
    if (step.kind === 'bind') return undefined;
    if (step.kind === 'age') jiffies += BigInt(step.seconds * JIFFIES_PER_SECOND);
    if (step.kind !== 'send') continue;
    const subject = contents.subjects.findIndex(({ name }) => name === step.pod);
    const direction = step.way === 'to' ? 'ingress' : 'egress';
    const { ingressIfindex = 0, ...others } = step.context;
    // What a context says beside the interface, this engine does not take.
    if (Object.keys(others).length > 0) return undefined;
    const expected = engines.runVm(subject, direction, step.packet, ingressIfindex, jiffies);
    engines.wasm.setClock(jiffies, 0n);
    const run = engines.wasm.run(subject, direction, step.packet, { ingressIfindex });
    const found = [run.result, ...run.cb.slice(0, 2), ...engines.wasm.packet()].join();
    const wanted = [expected.result, ...expected.cb.slice(0, 2), ...expected.packet].join();
    if (found !== wanted) return `step ${i + 1}: ${found}, not ${wanted}`;
  }
  return undefined;
}

interface Both {
  readonly wasm: WasmRunner;
  readonly runVm: (
    subject: number,
    direction: keyof typeof PROGRAMS,
    packet: Uint8Array,
    ingressIfindex: number,
    jiffies: bigint,
  ) => ReturnType<Vm['run']>;
}

function startBoth(image: ObjectImage, contents: MapContents): Both {
  const maps = mapsOf(contents);
  const shared = contents.tables.map(({ name, bytes }) => [name, bytes] as const);
  const vms = new Map<number, Vm>();
  let now = 0n;
  return {
    wasm: createWasmRunner(image, contents),
    runVm: (subject, direction, packet, ingressIfindex, jiffies) => {
      now = jiffies;
      let vm = vms.get(subject);
      if (vm === undefined) {
        const own = contents.subjects[subject]?.subject ?? new Uint8Array();
        const tables = new Map([...shared, [SUBJECT_TABLE, own]]);
        vm = createVm(
          image,
          { tables, maps },
          { clock: () => ({ jiffies: now, nanoseconds: 0n }) },
        );
        vms.set(subject, vm);
      }
      return vm.run(PROGRAMS[direction], packet, { ingressIfindex });
    },
  };
}
