import { describe, expect, it } from 'vitest';
import type { MapContents } from '../../src/codegen/contents.js';
import { readElf } from '../../src/codegen/object/elf-read.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { GATE } from '../../src/codegen/layout.js';
import { link } from '../../src/codegen/assembly/link.js';
import { memoryOf, type NodeMemory } from '../../src/codegen/layout/memory.js';
import { closeGate, loadGate, loadShut } from '../../src/loader/deploy/gates.js';
import { accountsRealSizes, kernelSizes, readAccount } from '../../src/loader/kernel-memory.js';
import { createMap } from '../../src/loader/native-calls.js';
import { nativeDoor, type ProgramHandle } from '../../src/loader/native.js';
import { loadContents, type SharedMaps } from '../../src/loader/pod-programs.js';
import { mapFlag } from '../../src/loader/uapi.js';
import { CLUSTER } from '../datapath/case.js';
import { LAYOUTS, prepare } from '../datapath/engines.js';
import { policiesAtTheLimits } from '../datapath/limits.js';
import { BY_ADDRESS } from '../datapath/policies.js';
import { worldOf } from '../events/world.js';
import { lacks } from '../support/requires.js';

const LOGS = `
group web = pods where app == "web"
policy guard tier admin priority 5 {
  subject web
  ingress { deny from pods in namespace ops port 80/tcp log }
}`;

interface Case {
  readonly name: string;
  readonly contents: MapContents;
  readonly object: Uint8Array;
}

const cases = (): readonly Case[] => [
  ...LAYOUTS.map((layout): Case => {
    const { plan, contents } = prepare(BY_ADDRESS, CLUSTER, layout);
    return { name: layout, contents, object: writeElf(link(emitDatapath(plan))) };
  }),
  largest(),
  { name: 'logs', ...worldOf(LOGS) },
];

/** The longest programs, whose functions take several pages. */
function largest(): Case {
  const { plan, contents } = prepare(policiesAtTheLimits(), CLUSTER, 'code');
  return { name: 'limits', contents, object: writeElf(link(emitDatapath(plan))) };
}

/** `memlock` of each program, of each map that they lead to, and of those that all pods share. */
function accountOf(
  { tables, maps }: SharedMaps,
  programs: readonly ProgramHandle[],
): Readonly<Record<string, number | undefined>> {
  const door = nativeDoor();
  const shared = [...tables.values(), ...maps.values()].map((map) => map.shape().id);
  const ids = new Set([...shared, ...programs.flatMap((program) => program.reach().mapIds)]);
  const opened = [...ids].map((id) => door.openMapById(id));
  try {
    const account = readAccount();
    return Object.fromEntries([
      ...opened.map((map): [string, number | undefined] => {
        const { id, name } = map.shape();
        // libbpf puts the beginning of the object's name before those of sections.
        return [name.replace(/^.*\./, ''), account.maps.get(id)];
      }),
      ...programs.map((program): [string, number | undefined] => {
        const { id, name } = program.facts();
        return [name, account.programs.get(id)];
      }),
    ]);
  } finally {
    for (const map of opened) map.close();
  }
}

function foretold({ items }: NodeMemory): Readonly<Record<string, number>> {
  return Object.fromEntries(items.map(({ name, bytes }) => [name, bytes]));
}

// Earlier kernels' account is not of what maps take.
describe.skipIf(lacks('root') !== undefined || !accountsRealSizes())('memory on the node', () => {
  it.each(cases())('is what was foretold, without gates: $name', ({ contents, object }) => {
    const memory = memoryOf(contents, readElf(object), kernelSizes(), false);
    const loaded = loadContents(object, contents);
    try {
      for (const { programs } of loaded.pods) {
        expect(accountOf(loaded.shared, Object.values(programs))).toEqual(foretold(memory));
      }
    } finally {
      loaded.close();
    }
  });

  it.each(cases())('is what was foretold, behind gates: $name', ({ contents, object }) => {
    const memory = memoryOf(contents, readElf(object), kernelSizes(), true);
    const control = createMap({
      type: 'array',
      name: GATE.controlTable,
      keySize: 4,
      valueSize: 4,
      maxEntries: 1,
      flags: mapFlag.mappable,
    });
    const gate = loadGate('a/a', control);
    const shut = loadShut();
    const loaded = loadContents(object, contents, undefined, {
      half: 0,
      halvesOf: () => gate.halves,
    });
    try {
      const [pod] = loaded.pods;
      const behind = Object.values(pod?.programs ?? {});
      const programs = [...behind, ...Object.values(gate.programs), shut];
      expect(accountOf(loaded.shared, programs)).toEqual(foretold(memory));
    } finally {
      loaded.close();
      shut.close();
      closeGate(gate);
      control.close();
    }
  });
});
