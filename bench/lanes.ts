/** Lanes: each a sender, a node that forwards and a pod, in namespaces of their own, joined by veths. */
import { execFileSync, spawnSync } from 'node:child_process';
import type { Endpoint } from '../src/loader/endpoints.js';
import { nativeDoor } from '../src/loader/native.js';
import { OWN_ADDRESS } from './packets.js';

/** Where frames are sent to: the node's end of the sender's veth. */
export const NODE_MAC = [0x02, 0, 0, 0, 0, 0x02];
/** Not the pod's own, so that its side throws every frame away at once, and the same in every lane. */
const POD_MAC = '02:00:00:00:00:99';

/** The host side of the pod's veth: where policyc's hooks are. */
export const POD_DEVICE = 'pod';
/** Where the sender sends. */
export const SENDER_DEVICE = 'sender';

/** Debian keeps administrators' commands out of other users' PATH. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

export interface Lane {
  readonly sender: string;
  readonly node: string;
  readonly pod: string;
}

let made = 0;

export function makeLane(): Lane {
  made += 1;
  const run = `pb-${process.pid.toString(36)}-${made}`;
  const lane = { sender: `${run}-s`, node: `${run}-n`, pod: `${run}-p` };
  try {
    joinUp(lane);
  } catch (error) {
    removeLane(lane);
    throw error;
  }
  return lane;
}

function joinUp({ sender, node, pod }: Lane): void {
  const namespaces = [sender, node, pod];
  ip(namespaces.map((name) => `netns add ${name}`));
  for (const name of namespaces) {
    runIn(name, [
      'sh',
      '-c',
      'for f in all default; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done',
    ]);
  }
  const mac = NODE_MAC.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  ip([
    `-n ${sender} link add ${SENDER_DEVICE} type veth peer name uplink netns ${node}`,
    `-n ${node} link add ${POD_DEVICE} type veth peer name eth0 netns ${pod}`,
    `-n ${node} link set uplink address ${mac} up`,
    `-n ${node} link set ${POD_DEVICE} up`,
    `-n ${sender} link set ${SENDER_DEVICE} up`,
    `-n ${pod} link set eth0 up`,
    `-n ${node} route add ${OWN_ADDRESS[4]} dev ${POD_DEVICE}`,
    `-n ${node} neigh add ${OWN_ADDRESS[4]} lladdr ${POD_MAC} dev ${POD_DEVICE} nud permanent`,
  ]);
  runIn(node, [
    'sh',
    '-c',
    'cd /proc/sys/net/ipv4; echo 1 >ip_forward; for f in conf/*/rp_filter; do echo 0 >$f; done',
  ]);
}

export function removeLane({ sender, node, pod }: Lane): void {
  for (const name of [sender, node, pod]) {
    spawnSync('ip', ['netns', 'del', name], { env });
  }
}

/** Frames that have come to the pod. */
export function arrivedAt({ pod }: Lane): number {
  const line = /eth0:\s*\d+\s+(\d+)/.exec(runIn(pod, ['cat', '/proc/net/dev']));
  return Number(line?.[1]);
}

/** Unlike `ip netns exec`, /sys stays as it is, and bpffs with it. */
export function runIn(netns: string, command: readonly string[], input = ''): string {
  const argv = [`--net=/run/netns/${netns}`, '--', ...command];
  return execFileSync('nsenter', argv, { input, env, encoding: 'utf8', maxBuffer: 1 << 28 });
}

/** Whether a command is installed. */
export function has(command: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', command], { env }).status === 0;
}

/** Moves this thread for as long as `work` takes. */
export function inNetns<Value>(netns: string, work: () => Value): Value {
  const leave = nativeDoor().joinNetworkNamespace(`/run/netns/${netns}`);
  try {
    return work();
  } finally {
    leave();
  }
}

/** The bench's pod, in the namespace of a lane's node. */
export function endpointOf(): Endpoint {
  const interfaceIndex = nativeDoor().interfaceIndex(POD_DEVICE);
  if (interfaceIndex === undefined) throw new Error(`no interface ${POD_DEVICE}`);
  return { namespace: 'default', name: 'bench', device: POD_DEVICE, interfaceIndex };
}

function ip(commands: readonly string[]): void {
  for (const command of commands) execFileSync('ip', command.split(' '), { env });
}
