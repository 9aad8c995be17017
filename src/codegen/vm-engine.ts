/** The VM as a judge: bound programs, run in user space on the bytes that the bundle holds. */
import { bug } from '../diagnostics.js';
import { PROGRAMS, SUBJECT_TABLE, withoutRecent, type MapContents } from './contents.js';
import { readElf } from './object/elf-read.js';
import { MEMORY_MAPS } from './layout/state.js';
import type { PacketRunner } from './packet-judge.js';
import { createVm, type Vm, type VmResult } from './vm.js';
import { mapsOf } from './vm/maps.js';

/** The VM says more of a run than a judge asks for. */
export interface VmRunner extends PacketRunner {
  readonly run: (...args: Parameters<PacketRunner['run']>) => VmResult;
  readonly trace: (...args: Parameters<PacketRunner['run']>) => ReturnType<Vm['trace']>;
}

/** Time goes on when connections are forgotten, by more than a second: places that they had are given again. */
export const FORGETTING_JIFFIES = 1n << 20n;

/**
 * Subjects share all maps and tables but their own. A subject's VM is made when it first runs.
 * @param object the ELF bytes of the contents' variant
 */
export function createVmRunner(object: Uint8Array, contents: MapContents): VmRunner {
  const image = readElf(object);
  const maps = mapsOf(withoutRecent(contents));
  const shared = contents.tables.map(({ name, bytes }) => [name, bytes] as const);
  const vms = new Map<number, Vm>();
  let jiffies = 0n;
  const vmOf = (subject: number): Vm => {
    let vm = vms.get(subject);
    if (vm === undefined) {
      const own = contents.subjects[subject]?.subject;
      const tables = new Map(own === undefined ? shared : [...shared, [SUBJECT_TABLE, own]]);
      vm = createVm(image, { tables, maps }, { clock: () => ({ jiffies, nanoseconds: 0n }) });
      vms.set(subject, vm);
    }
    return vm;
  };
  const connections = contents.maps
    .filter(({ name }) => MEMORY_MAPS.includes(name))
    .map(({ name }) => maps.get(name) ?? bug(`no map ${name}`));
  return {
    run: (subject, direction, packet, context) =>
      vmOf(subject).run(PROGRAMS[direction], packet, context),
    trace: (subject, direction, packet, context) =>
      vmOf(subject).trace(PROGRAMS[direction], packet, context),
    forget: () => {
      jiffies += FORGETTING_JIFFIES;
      for (const map of connections) for (const [key] of map.entries()) map.delete(key);
    },
  };
}
