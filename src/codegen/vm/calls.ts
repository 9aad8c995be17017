/** The VM's kernel functions: what BPF programs call by number (net/core/filter.c, kernel/bpf). */
import type { HelperName } from '../assembly/listing.js';
import { adjustRoom, changeTail, csumDiff, replaceL3, replaceL4 } from './packet-calls.js';
import type { Machine } from './machine.js';
import { ERRNO, ProgramArray, RingBuffer, type VmMap } from './maps.js';
import {
  bigOf,
  type Cell,
  NUMBER,
  readThrough,
  setBig,
  setNumber,
  setPointer,
  UNSET,
  violate,
  writeThrough,
} from './memory.js';

/** Arguments are in r1 to r5; the result goes to r0. */
export type Call = (machine: Machine) => void;

const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;
const BPF_F_INGRESS = 1;

/** Tail calls change where the program goes on: vm.ts makes them with {@link tailCallTarget}. */
export const CALLS: Readonly<Record<Exclude<HelperName, 'tail_call'>, Call>> = {
  map_lookup_elem: (machine) => {
    const map = keyedMap(machine);
    const value = map.lookup(readThrough(machine.cell(2), map.declaration.keySize));
    const result = machine.cell(0);
    if (value === undefined) setNumber(result, 0);
    else setPointer(result, machine.valueRegion(map, value), 0);
  },
  map_update_elem: (machine) => {
    const map = keyedMap(machine);
    const key = readThrough(machine.cell(2), map.declaration.keySize);
    const value = readThrough(machine.cell(3), map.declaration.valueSize);
    const flags = numberIn(machine.cell(4));
    setNumber(machine.cell(0), flags > 2n ? ERRNO.EINVAL : map.update(key, value, Number(flags)));
  },
  map_delete_elem: (machine) => {
    const map = keyedMap(machine);
    const key = readThrough(machine.cell(2), map.declaration.keySize);
    setNumber(machine.cell(0), map.delete(key));
  },
  ktime_get_ns: (machine) => setBig(machine.cell(0), machine.clock().nanoseconds),
  jiffies64: (machine) => setBig(machine.cell(0), machine.clock().jiffies),
  skb_load_bytes: (machine) => {
    checkContext(machine);
    const { packet } = machine.buffer;
    const offset = unsigned32(machine.cell(2));
    const size = sizeIn(machine.cell(4));
    const inside = offset + size <= packet.length;
    const bytes = inside ? packet.slice(offset, offset + size) : new Uint8Array(size);
    writeThrough(machine.cell(3), bytes);
    setNumber(machine.cell(0), inside ? 0 : ERRNO.EFAULT);
  },
  skb_pull_data: (machine) => {
    checkContext(machine);
    const { buffer } = machine;
    const size = unsigned32(machine.cell(2));
    const linear = buffer.linear.size;
    const fits = size <= buffer.packet.length;
    buffer.replacePacket(buffer.packet, fits ? Math.max(size, linear) : linear);
    setNumber(machine.cell(0), fits ? 0 : ERRNO.ENOMEM);
  },
  skb_store_bytes: (machine) => {
    checkContext(machine);
    const { buffer } = machine;
    const offset = unsigned32(machine.cell(2));
    const size = sizeIn(machine.cell(4));
    const flags = numberIn(machine.cell(5));
    const bytes = readThrough(machine.cell(3), size).slice();
    const error =
      flags > 3n ? ERRNO.EINVAL : offset + size > buffer.packet.length ? ERRNO.EFAULT : 0;
    if (error === 0) buffer.packet.set(bytes, offset);
    const linear = error === 0 ? Math.max(buffer.linear.size, offset + size) : buffer.linear.size;
    buffer.replacePacket(buffer.packet, linear);
    setNumber(machine.cell(0), error);
  },
  l3_csum_replace: (machine) => {
    checkContext(machine);
    const [offset, from, to, flags] = numbers(machine);
    setNumber(machine.cell(0), replaceL3(machine.buffer, offset, from, to, flags));
  },
  l4_csum_replace: (machine) => {
    checkContext(machine);
    const [offset, from, to, flags] = numbers(machine);
    setNumber(machine.cell(0), replaceL4(machine.buffer, offset, from, to, flags));
  },
  csum_diff: (machine) => {
    const from = optionalBytes(machine.cell(1), machine.cell(2));
    const to = optionalBytes(machine.cell(3), machine.cell(4));
    setNumber(machine.cell(0), csumDiff(from, to, unsigned32(machine.cell(5))));
  },
  skb_change_tail: (machine) => {
    checkContext(machine);
    const size = unsigned32(machine.cell(2));
    setNumber(machine.cell(0), changeTail(machine.buffer, size, numberIn(machine.cell(3))));
  },
  skb_adjust_room: (machine) => {
    checkContext(machine);
    const difference = unsigned32(machine.cell(2)) | 0;
    const mode = unsigned32(machine.cell(3));
    const flags = numberIn(machine.cell(4));
    setNumber(machine.cell(0), adjustRoom(machine.buffer, difference, mode, flags));
  },
  redirect: (machine) => {
    const ifindex = unsigned32(machine.cell(1));
    const flags = numberIn(machine.cell(2));
    if ((flags & ~BigInt(BPF_F_INGRESS)) !== 0n) {
      setNumber(machine.cell(0), TC_ACT_SHOT);
      return;
    }
    machine.redirect = { ifindex, flags: Number(flags) };
    setNumber(machine.cell(0), TC_ACT_REDIRECT);
  },
  ringbuf_output: (machine) => {
    const map = machine.mapIn(machine.cell(1));
    if (!(map instanceof RingBuffer)) violate('a record goes to a map that is no ring buffer');
    const record = readThrough(machine.cell(2), sizeIn(machine.cell(3)));
    const flags = numberIn(machine.cell(4));
    setNumber(machine.cell(0), flags > 3n ? ERRNO.EINVAL : map.output(record));
  },
};

/** The program that a tail call goes to; undefined where it fails and the program goes on. */
export function tailCallTarget(machine: Machine): string | undefined {
  checkContext(machine);
  const map = machine.mapIn(machine.cell(2));
  if (!(map instanceof ProgramArray)) violate('a tail call into a map that holds no programs');
  const index = unsigned32(machine.cell(3));
  return map.programs.get(index);
}

/** The map in r1, if it is one that has keys. */
function keyedMap(machine: Machine): VmMap {
  const map = machine.mapIn(machine.cell(1));
  if (map instanceof RingBuffer || map instanceof ProgramArray) {
    violate(`the map \`${map.declaration.name}\` has no values that programs may use`);
  }
  return map;
}

function checkContext(machine: Machine): void {
  const first = machine.cell(1);
  if (first.region !== machine.buffer.context) violate(`r1 holds ${first.region.name}`);
}

function numberIn(cell: Cell): bigint {
  if (cell.region === UNSET) violate('an argument holds nothing');
  if (cell.region !== NUMBER) violate(`an argument holds a pointer to ${cell.region.name}`);
  return bigOf(cell);
}

function unsigned32(cell: Cell): number {
  numberIn(cell);
  return cell.lo >>> 0;
}

/** A size that the verifier knows to be positive and small. */
function sizeIn(cell: Cell): number {
  const size = numberIn(cell);
  if (size === 0n || size > 0x1fff_ffffn) violate(`${size.toString()} is no size of a memory`);
  return Number(size);
}

function numbers(machine: Machine): readonly [number, bigint, bigint, bigint] {
  const offset = unsigned32(machine.cell(2));
  return [offset, numberIn(machine.cell(3)), numberIn(machine.cell(4)), numberIn(machine.cell(5))];
}

function optionalBytes(pointer: Cell, size: Cell): Uint8Array {
  if (numberIn(size) === 0n) return new Uint8Array();
  return readThrough(pointer, sizeIn(size));
}
