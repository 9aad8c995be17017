/** Our own JSON: what `policyc events --format json` prints, and flows as `policyc eval --flows` takes them. */
import { nearestName } from '../../did-you-mean.js';
import type { JsonObject } from '../yaml/value.js';
import {
  bad,
  icmpRole,
  numberOf,
  portOf,
  protocolOf,
  skip,
  textOf,
  timeOf,
  type LogLine,
  type SeenEnd,
} from './record.js';

/** Beside what `eval` takes: the verdict that was seen, how often, and when. */
const FLOW_FIELDS = [
  ...['from', 'to', 'protocol', 'port', 'sourcePort', 'icmpType', 'icmpCode'],
  ...['verdict', 'count', 'time', 'first', 'last'],
];

export function looksLikeOwn(value: JsonObject): boolean {
  return isEvent(value) || ('from' in value && 'to' in value && 'protocol' in value);
}

export function readOwn(value: JsonObject): LogLine {
  return isEvent(value) ? readEvent(value) : readFlow(value);
}

function isEvent(value: JsonObject): boolean {
  return 'direction' in value && 'peerAddress' in value;
}

function readEvent(value: JsonObject): LogLine {
  if (value['laterFragment'] === true) return skip('fragment');
  const { verdict, direction } = value;
  if (verdict !== 'allow' && verdict !== 'deny') return bad('`verdict` is neither allow nor deny');
  if (direction !== 'egress' && direction !== 'ingress') return bad('it has no `direction`');
  const protocol = protocolOf(value['protocol']);
  if (protocol === undefined) return skip('protocol', textOf(value['protocol']));
  const isIcmp = protocol === 'ICMP' || protocol === 'ICMPv6';
  if (isIcmp) {
    const role = icmpRole(protocol, numberOf(value['icmpType']) ?? 8);
    if (role === 'reply') return skip('denied-reply');
    if (role !== 'request') return skip(role);
  }
  const pod = endOf(value['pod'], value['address']);
  const peer = endOf(value['peer'], value['peerAddress']);
  const port = isIcmp ? 0 : portOf(direction === 'ingress' ? value['podPort'] : value['peerPort']);
  if (port === undefined) return bad('it has no destination port');
  const time = timeOf(value['time']);
  const flow = {
    from: direction === 'ingress' ? peer : pod,
    to: direction === 'ingress' ? pod : peer,
    protocol,
    port,
    verdict,
    side: direction,
    count: 1,
    first: time,
    last: time,
    guessed: false,
  } as const;
  return { kind: 'flow', flow };
}

function readFlow(value: JsonObject): LogLine {
  const odd = Object.keys(value).find((key) => !FLOW_FIELDS.includes(key));
  if (odd !== undefined) {
    const near = nearestName(odd, FLOW_FIELDS);
    return bad(
      `unknown field \`${odd}\`${near === undefined ? '' : `; did you mean \`${near}\`?`}`,
    );
  }
  const [from, to] = [textOf(value['from']), textOf(value['to'])];
  if (from === undefined || to === undefined) return bad('it has no `from` or no `to`');
  const protocol = protocolOf(value['protocol']);
  if (protocol === undefined) return bad('its `protocol` is none of TCP, UDP, SCTP, ICMP, ICMPv6');
  const isIcmp = protocol === 'ICMP' || protocol === 'ICMPv6';
  const port = isIcmp ? 0 : portOf(value['port']);
  if (port === undefined) return bad('its `port` is no number from 0 to 65535');
  const verdict = value['verdict'] ?? 'allow';
  if (verdict !== 'allow' && verdict !== 'deny') return bad('`verdict` is neither allow nor deny');
  const count = value['count'] ?? 1;
  if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 1) {
    return bad('`count` is no number from 1');
  }
  const time = timeOf(value['time']);
  const flow = {
    from: { name: from.trim() },
    to: { name: to.trim() },
    protocol,
    port,
    verdict,
    side: verdict === 'allow' ? ('both' as const) : ('unknown' as const),
    count,
    first: timeOf(value['first']) ?? time,
    last: timeOf(value['last']) ?? time,
    guessed: false,
  } as const;
  return { kind: 'flow', flow };
}

/** An event names pods as `namespace/name` where it knows them. */
function endOf(
  name: JsonObject[string] | undefined,
  address: JsonObject[string] | undefined,
): SeenEnd {
  const at = textOf(address);
  const [namespace, pod] = textOf(name)?.split('/') ?? [];
  return {
    ...(at === undefined ? {} : { address: at }),
    ...(namespace === undefined || pod === undefined ? {} : { namespace, pod }),
  };
}
