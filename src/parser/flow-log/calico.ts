/**
 * Calico's flow logs in the JSON file format (/var/log/calico/flowlogs/flows.log).
 * Source: "Flow log data types" of the documentation at docs.tigera.io, and the JSON serializer of felix's
 * collector in projectcalico/calico. Each record is of connections in their own direction; replies are in it.
 */
import { isArray, type JsonObject, type JsonValue } from '../yaml/value.js';
import {
  bad,
  countOf,
  numberOf,
  objectOf,
  portOf,
  protocolOf,
  skip,
  textOf,
  textsOf,
  timeOf,
  type LogLine,
  type SeenEnd,
} from './record.js';

export function looksLikeCalico(value: JsonObject): boolean {
  return (
    'reporter' in value && 'action' in value && ('source_type' in value || 'source_name' in value)
  );
}

export function readCalico(value: JsonObject): LogLine {
  const reporter = textOf(value['reporter'])?.toLowerCase();
  const action = textOf(value['action'])?.toLowerCase();
  if (action !== 'allow' && action !== 'deny') return bad('`action` is neither allow nor deny');
  if (reporter !== 'src' && reporter !== 'dst') return bad('`reporter` is neither src nor dst');
  const proto = value['proto'] ?? value['protocol'];
  if (proto === undefined || proto === null) return bad('it has no `proto`');
  const protocol = protocolOf(proto);
  if (protocol === undefined) return skip('protocol', String(textOf(proto) ?? numberOf(proto)));
  const isIcmp = protocol === 'ICMP' || protocol === 'ICMPv6';
  const port = isIcmp ? 0 : portOf(value['dest_port'] ?? value['dest_port_num']);
  if (port === undefined) return bad('`dest_port` is no port');
  const from = endOf(value, 'source', reporter === 'src');
  const to = endOf(value, 'dest', reporter === 'dst');
  if (from === undefined || to === undefined) return bad('an end has neither a type nor a name');
  const flow = {
    from,
    to,
    protocol,
    port,
    verdict: action === 'allow' ? ('allow' as const) : ('deny' as const),
    side: reporter === 'src' ? ('egress' as const) : ('ingress' as const),
    count: countOf(value['num_flows']),
    first: timeOf(value['start_time'] ?? value['startTime']),
    last: timeOf(value['end_time'] ?? value['endTime']),
    guessed: false,
  };
  return { kind: 'flow', flow };
}

/** `-` and null stand for what is not known, or left out by aggregation. */
function known(value: JsonValue | undefined): string | undefined {
  const text = textOf(value);
  return text === '-' ? undefined : text;
}

function endOf(
  record: JsonObject,
  side: 'source' | 'dest',
  isReporter: boolean,
): SeenEnd | undefined {
  const address = known(record[`${side}_ip`]);
  const at = address === undefined ? {} : { address };
  const name = known(record[`${side}_name`]);
  const aggregated = known(record[`${side}_name_aggr`]) ?? name;
  const host = known(record['host']);
  switch (textOf(record[`${side}_type`])?.toLowerCase()) {
    case 'wep':
    case 'workloadendpoint': {
      const namespace = known(record[`${side}_namespace`]);
      if (namespace === undefined) return undefined;
      const labels = labelsOf(record[`${side}_labels`]);
      return { ...at, namespace, ...podName(name, aggregated), labels };
    }
    case 'hep':
    case 'hostendpoint': {
      const node = aggregated ?? (isReporter ? host : undefined);
      return { ...at, kind: 'other-node', ...(node === undefined ? {} : { node }) };
    }
    // Whether a network set or not: an address outside.
    case 'ns':
    case 'networkset':
      return { ...at, kind: 'outside' };
    case 'net':
    case 'network':
      return { ...at, kind: aggregated === 'pvt' ? 'private' : 'public' };
    default:
      return untyped(record, side, aggregated, at);
  }
}

/** As Whisker's backend writes flows of Calico open source: without types, and with labels as one text. */
function untyped(
  record: JsonObject,
  side: 'source' | 'dest',
  name: string | undefined,
  at: Pick<SeenEnd, 'address'>,
): SeenEnd | undefined {
  const namespace = known(record[`${side}_namespace`]);
  if (name === 'pub' || name === 'pvt')
    return { ...at, kind: name === 'pvt' ? 'private' : 'public' };
  if (namespace === undefined || name === undefined) return undefined;
  const text = textOf(record[`${side}_labels`]) ?? '';
  const labels = text.split('|').flatMap((one) => (one.trim() === '' ? [] : [one.trim()]));
  return { ...at, namespace, ...podName(name, name), labels };
}

/** `frontend-755cdc7957-*` stands for all pods whose names begin so. */
function podName(
  name: string | undefined,
  aggregated: string | undefined,
): Pick<SeenEnd, 'pod' | 'podPrefix'> {
  const one = name?.endsWith('*') === true ? undefined : name;
  const many = aggregated?.endsWith('*') === true ? aggregated.slice(0, -1) : undefined;
  return {
    ...(one === undefined ? {} : { pod: one }),
    ...(many === undefined ? {} : { podPrefix: many }),
    ...(one === undefined && many === undefined && aggregated !== undefined
      ? { pod: aggregated }
      : {}),
  };
}

function labelsOf(value: JsonValue | undefined): readonly string[] {
  if (isArray(value)) return textsOf(value);
  return textsOf(objectOf(value)['labels']);
}
