/**
 * Cilium's Hubble: what `hubble observe -o json` (jsonpb) prints and what its exporter writes to files.
 * Source: api/v1/flow/flow.proto of cilium/cilium, and "Configuring Hubble exporter" of its documentation.
 */
import { isObject, type JsonObject, type JsonValue } from '../yaml/value.js';
import {
  bad,
  countOf,
  icmpRole,
  looksLikeReply,
  numberOf,
  objectOf,
  portOf,
  skip,
  textOf,
  textsOf,
  timeOf,
  type LogLine,
  type SeenEnd,
  type SeenFlow,
  type SeenProtocol,
} from './record.js';

/** By number in what old versions print. */
const VERDICTS = ['VERDICT_UNKNOWN', 'FORWARDED', 'DROPPED', 'ERROR', 'AUDIT', 'REDIRECTED'];
const DIRECTIONS = ['TRAFFIC_DIRECTION_UNKNOWN', 'INGRESS', 'EGRESS'];

/** DropReason: no rule allows it; a rule denies it. */
const POLICY_DROPS: ReadonlySet<string> = new Set(['POLICY_DENIED', 'POLICY_DENY', '133', '181']);

/** CiliumEventType.type of policy verdicts (MessageTypePolicyVerdict of pkg/monitor/api). */
const POLICY_VERDICT_EVENT = 5;

const PROTOCOLS: readonly (readonly [string, SeenProtocol])[] = [
  ['TCP', 'TCP'],
  ['UDP', 'UDP'],
  ['SCTP', 'SCTP'],
  ['ICMPv4', 'ICMP'],
  ['ICMPv6', 'ICMPv6'],
];

const OTHER_MESSAGES = ['node_status', 'agent_event', 'debug_event'];

export function looksLikeHubble(value: JsonObject): boolean {
  if (isObject(value['flow']) || isObject(value['lost_events'])) return true;
  if (OTHER_MESSAGES.some((name) => name in value)) return true;
  return 'verdict' in value && (isObject(value['IP']) || isObject(value['l4']));
}

export function readHubble(value: JsonObject): LogLine {
  const lost = value['lost_events'];
  if (isObject(lost)) return skip('lost', undefined, countOf(lost['num_events_lost']));
  const flow = isObject(value['flow']) ? value['flow'] : value;
  if (!isObject(flow['IP']) && flow['verdict'] === undefined) {
    return OTHER_MESSAGES.some((name) => name in value) ? skip('other') : bad('it has no `flow`');
  }
  if (flow['Type'] === 'SOCK') return skip('socket');
  const isLayer7 = flow['Type'] === 'L7' || isObject(flow['l7']);
  const verdict = verdictOf(flow, isLayer7);
  if (typeof verdict === 'object') return verdict;
  const packet = packetOf(flow);
  if (packet === undefined) return withoutPorts(flow);
  return connectionOf(flow, value, verdict, packet);
}

interface Packet {
  readonly protocol: SeenProtocol;
  readonly sourcePort: number;
  readonly port: number;
  readonly role: ReturnType<typeof icmpRole>;
  /** Of a TCP segment that opens or answers; undefined where flags do not tell. */
  readonly answersSyn: boolean | undefined;
}

function connectionOf(
  flow: JsonObject,
  wrapper: JsonObject,
  verdict: 'allow' | 'deny',
  packet: Packet,
): LogLine {
  const { role } = packet;
  if (role === 'icmp-error' || role === 'neighbours') return skip(role);
  const node = nodeName(textOf(flow['node_name']) ?? textOf(wrapper['node_name']));
  const source = endOf(flow['source'], textOf(objectOf(flow['IP'])['source']), node);
  const destination = endOf(flow['destination'], textOf(objectOf(flow['IP'])['destination']), node);
  if (source === 'health' || destination === 'health') return skip('health');
  const told = isReply(flow, packet);
  const isAnswer = told ?? (verdict === 'allow' && looksLikeReply(packet.sourcePort, packet.port));
  if (isAnswer && verdict === 'deny') return skip('denied-reply');
  const time = timeOf(flow['time'] ?? wrapper['time']) ?? protoTime(flow['time']);
  const direction = enumText(flow['traffic_direction'], DIRECTIONS);
  const record: SeenFlow = {
    from: isAnswer ? destination : source,
    to: isAnswer ? source : destination,
    protocol: packet.protocol,
    port: isAnswer ? packet.sourcePort : packet.port,
    verdict,
    side: isAnswer ? 'both' : sideOf(flow, direction),
    count: 1,
    first: time,
    last: time,
    guessed: told === undefined && verdict === 'allow' && isAnswer,
  };
  return { kind: 'flow', flow: record };
}

/** A proxy speaks only of connections that policies have let through to it. */
function verdictOf(flow: JsonObject, isLayer7: boolean): 'allow' | 'deny' | LogLine {
  if (isLayer7) return 'allow';
  switch (enumText(flow['verdict'], VERDICTS)) {
    case 'FORWARDED':
    case 'REDIRECTED':
    // It was let through; policies that are not enforced would have denied it.
    case 'AUDIT':
      return 'allow';
    case 'DROPPED': {
      const reason = dropReason(flow);
      if (POLICY_DROPS.has(reason)) return 'deny';
      const isPolicyVerdict =
        numberOf(objectOf(flow['event_type'])['type']) === POLICY_VERDICT_EVENT;
      return isPolicyVerdict ? 'deny' : skip('not-policy', reason);
    }
    default:
      return skip('no-verdict');
  }
}

function dropReason(flow: JsonObject): string {
  const told = flow['drop_reason_desc'];
  if (typeof told === 'string' && told !== 'DROP_REASON_UNKNOWN') return told;
  const number = numberOf(told) ?? numberOf(flow['drop_reason']);
  return number === undefined || number === 0 ? 'no reason given' : String(number);
}

function packetOf(flow: JsonObject): Packet | undefined {
  const l4 = objectOf(flow['l4']);
  // As encoding/json writes a oneof, in what old versions print.
  const layer = isObject(l4['Protocol']) ? l4['Protocol'] : l4;
  for (const [name, protocol] of PROTOCOLS) {
    const header = layer[name];
    if (!isObject(header)) continue;
    if (protocol === 'ICMP' || protocol === 'ICMPv6') {
      // protobuf leaves out zeros: type 0 is an echo reply.
      const role = icmpRole(protocol, numberOf(header['type']) ?? 0);
      return { protocol, sourcePort: 0, port: 0, role, answersSyn: undefined };
    }
    return {
      protocol,
      sourcePort: portOf(header['source_port']) ?? 0,
      port: portOf(header['destination_port']) ?? 0,
      role: 'request',
      answersSyn: answersSyn(objectOf(header['flags'])),
    };
  }
  return undefined;
}

function withoutPorts(flow: JsonObject): LogLine {
  return isObject(flow['l4']) || isObject(flow['IP'])
    ? skip('protocol')
    : bad('the flow has neither addresses nor ports');
}

function answersSyn(flags: JsonObject): boolean | undefined {
  return flags['SYN'] === true ? flags['ACK'] === true : undefined;
}

/** `is_reply` is absent where the datapath did not know: for drops, for instance. */
function isReply(flow: JsonObject, packet: Packet): boolean | undefined {
  if (packet.role === 'reply') return true;
  const told = flow['is_reply'];
  if (typeof told === 'boolean') return told;
  if (isObject(told)) return told['value'] === true;
  if (flow['reply'] === true) return true;
  if (packet.answersSyn !== undefined) return packet.answersSyn;
  return packet.port === 0 ? false : undefined;
}

function sideOf(flow: JsonObject, direction: string | undefined): SeenFlow['side'] {
  if (flow['trace_observation_point'] === 'TO_ENDPOINT') return 'ingress';
  if (direction === 'INGRESS') return 'ingress';
  return direction === 'EGRESS' ? 'egress' : 'unknown';
}

/** `cluster/node`, or the node alone. */
function nodeName(text: string | undefined): string | undefined {
  return text?.slice(text.lastIndexOf('/') + 1);
}

/** Identities that are no pods (pkg/identity/reserved of cilium). */
function endOf(
  value: JsonValue | undefined,
  address: string | undefined,
  node: string | undefined,
): SeenEnd | 'health' {
  const end = objectOf(value);
  const labels = textsOf(end['labels']);
  const reserved = labels.find((one) => one.startsWith('reserved:'))?.slice('reserved:'.length);
  const at = { ...(address === undefined ? {} : { address }) };
  if (reserved === 'health') return 'health';
  const name = textOf(end['pod_name']);
  const namespace = textOf(end['namespace']);
  if (namespace !== undefined && reserved !== 'host' && reserved !== 'remote-node') {
    const [workload] = Array.isArray(end['workloads']) ? (end['workloads'] as JsonValue[]) : [];
    const owner = textOf(objectOf(workload)['name']);
    return {
      ...at,
      namespace,
      ...(name === undefined ? {} : { pod: name }),
      ...(owner === undefined ? {} : { workload: owner }),
      // Only pods that are gone are known by labels.
      get labels() {
        return podLabels(labels);
      },
      get namespaceLabels() {
        return namespaceLabels(labels);
      },
    };
  }
  if (reserved === 'host') {
    return { ...at, kind: 'own-node', ...(node === undefined ? {} : { node }) };
  }
  if (reserved === 'remote-node') return { ...at, kind: 'other-node' };
  if (reserved?.startsWith('world') === true) return { ...at, kind: 'outside' };
  return at;
}

const NAMESPACE_LABELS = 'k8s:io.cilium.k8s.namespace.labels.';

/** Labels that Cilium adds are left out; those that its configuration filters are not in the log. */
function podLabels(labels: readonly string[]): readonly string[] {
  return labels
    .filter((one) => one.startsWith('k8s:') && !/^k8s:io\.(cilium\.|kubernetes\.pod)/.test(one))
    .map((one) => one.slice('k8s:'.length));
}

function namespaceLabels(labels: readonly string[]): readonly string[] {
  return labels
    .filter((one) => one.startsWith(NAMESPACE_LABELS))
    .map((one) => one.slice(NAMESPACE_LABELS.length));
}

function enumText(value: JsonValue | undefined, names: readonly string[]): string | undefined {
  return typeof value === 'number' ? names[value] : textOf(value);
}

/** As encoding/json writes a Timestamp. */
function protoTime(value: JsonValue | undefined): number | undefined {
  const { seconds } = objectOf(value);
  return timeOf(seconds);
}
