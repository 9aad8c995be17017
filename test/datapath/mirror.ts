/** Mirrors a case: what the pod sent comes to it instead, and the other way round. */
import { ETHER } from '../support/frames.js';
import type { PacketCase, SendStep, Step } from './case.js';
import {
  CLIENT,
  CLIENT_OF_ALL,
  NOTHING_SELECTED,
  SERVER_ALIKE,
  SERVER_OF_ALL,
} from './policies.js';

/** @param policies mean for ingress what the case's mean for egress, and the other way round */
export function mirrored(one: PacketCase, policies: string): PacketCase {
  const steps = one.steps.flatMap(mirrorStep);
  return { name: `${one.name}, mirrored`, policies, steps };
}

const MIRRORS = new Map([
  [CLIENT, SERVER_ALIKE],
  [CLIENT_OF_ALL, SERVER_OF_ALL],
  [NOTHING_SELECTED, NOTHING_SELECTED],
]);

/** The cases, and those mirrored whose policies have a counterpart. */
export function withMirrors(cases: readonly PacketCase[]): readonly PacketCase[] {
  const mirrors = cases.flatMap((one) => {
    const policies = MIRRORS.get(one.policies);
    return policies === undefined ? [] : [mirrored(one, policies)];
  });
  return [...cases, ...mirrors];
}

/** Nobody watches the source of what comes to a pod. */
function mirrorStep(step: Step): readonly Step[] {
  switch (step.kind) {
    case 'send': {
      if (step.expected === 'drop spoofed') return [];
      return [mirrorSend(step)];
    }
    case 'connections':
      return [{ ...step, out: step.in, in: step.out }];
    case 'age':
      return [step];
    case 'bind':
      throw new Error('the policies of a mirrored case do not change');
  }
}

export function mirrorSend(step: SendStep): SendStep {
  const way = step.way === 'from' ? 'to' : 'from';
  return { ...step, way, packet: swapAddresses(step.packet) };
}

function swapAddresses(packet: Uint8Array): Uint8Array {
  const swapped = packet.slice();
  const typeAt = (offset: number): number =>
    ((packet[offset] ?? 0) << 8) | (packet[offset + 1] ?? 0);
  let at = 12;
  while (typeAt(at) === ETHER.vlan || typeAt(at) === ETHER.qinq) at += 4;
  const [offset, size] = typeAt(at) === ETHER.ipv6 ? [8, 16] : [12, 4];
  const first = at + 2 + offset;
  const isIp = typeAt(at) === ETHER.ipv6 || typeAt(at) === ETHER.ipv4;
  if (!isIp || first + 2 * size > packet.length) return swapped;
  const second = first + size;
  swapped.set(packet.slice(second, second + size), first);
  swapped.set(packet.slice(first, second), second);
  return swapped;
}
