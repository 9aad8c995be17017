/**
 * The log of the AWS VPC CNI's network policy agent (/var/log/aws-routed-eni/network-policy-agent.log), and
 * what it sends to CloudWatch. Source: pkg/ebpf/events/events.go of aws/aws-network-policy-agent, in its
 * versions: structured JSON with `Src IP` and so on as fields, later one message text in JSON or as a line.
 */
import type { JsonObject } from '../yaml/value.js';
import {
  bad,
  looksLikeReply,
  portOf,
  protocolOf,
  skip,
  textOf,
  timeOf,
  type LogLine,
} from './record.js';

/** With colons for IPv6 and partly without for IPv4; the later versions say the direction. */
const MESSAGE =
  /Flow Info:\s*Src IP:?\s*(\S+)\s+Src Port:?\s*(\d+)\s+Dest IP:?\s*(\S+)\s+Dest Port:?\s*(\d+)\s+Proto:?\s*(.+?)\s+Verdict:?\s*([A-Z/_]+)(?:\s+Direction:?\s*(\w+))?/;

/** `Node: n;SIP: a;SPORT: 1;DIP: b;DPORT: 2;PROTOCOL: TCP;PolicyVerdict: DENY`. */
const CLOUDWATCH =
  /SIP: ([^;]+);\s*SPORT: (\d+);\s*DIP: ([^;]+);\s*DPORT: (\d+);\s*PROTOCOL: ([^;]+);\s*PolicyVerdict: ([A-Z/_]+)(?:;\s*Direction: (\w+))?/;

const LINE_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/;

interface Fields {
  readonly source: string;
  readonly sourcePort: number | undefined;
  readonly destination: string;
  readonly port: number | undefined;
  readonly protocol: string;
  readonly verdict: string;
  readonly direction: string | undefined;
  readonly time: number | undefined;
}

/** @param line a text line, or a JSON one as it was parsed */
export function readAwsLine(line: string | JsonObject): LogLine {
  if (typeof line === 'string') return readMessage(line, timeOf(LINE_TIME.exec(line)?.[0]));
  const time = timeOf(line['ts'] ?? line['timestamp'] ?? line['time']);
  const message = textOf(line['msg']) ?? textOf(line['message']);
  if (message === undefined) return bad('it has no `msg`');
  if (line['Src IP'] === undefined) return readMessage(message, time);
  const [source, destination] = [textOf(line['Src IP']), textOf(line['Dest IP'])];
  if (source === undefined || destination === undefined) return bad('it has no addresses');
  return connectionOf({
    source,
    sourcePort: portOf(line['Src Port']),
    destination,
    port: portOf(line['Dest Port']),
    protocol: textOf(line['Proto']) ?? '',
    verdict: textOf(line['Verdict']) ?? '',
    direction: textOf(line['Direction']),
    time,
  });
}

function readMessage(text: string, time: number | undefined): LogLine {
  const match = MESSAGE.exec(text) ?? CLOUDWATCH.exec(text);
  if (match === null) {
    return text.includes('Flow Info:') || text.includes('PolicyVerdict:')
      ? bad('it is a flow in a form that is not known')
      : skip('other');
  }
  const [, source = '', sourcePort, destination = '', port, protocol = '', verdict = ''] = match;
  return connectionOf({
    source,
    sourcePort: portOf(sourcePort),
    destination,
    port: portOf(port),
    protocol,
    verdict,
    direction: match[7],
    time,
  });
}

function connectionOf(fields: Fields): LogLine {
  const { source, sourcePort, destination, port, time } = fields;
  if (fields.verdict.startsWith('EXPIRED')) return skip('expired');
  if (fields.verdict !== 'ACCEPT' && fields.verdict !== 'DENY')
    return bad('its verdict is not known');
  const protocol = protocolOf(fields.protocol);
  if (protocol === undefined) return skip('protocol', fields.protocol);
  if (sourcePort === undefined || port === undefined) return bad('it has a port that is none');
  const verdict = fields.verdict === 'ACCEPT' ? 'allow' : 'deny';
  const isIcmp = protocol === 'ICMP' || protocol === 'ICMPv6';
  // The agent judges each packet; a reply of a connection that it does not know is denied, and logged.
  const isAnswer = !isIcmp && looksLikeReply(sourcePort, port);
  if (isAnswer && verdict === 'deny') return skip('denied-reply');
  const [from, to] = isAnswer ? [destination, source] : [source, destination];
  const direction = fields.direction?.toLowerCase();
  const side = direction === 'egress' || direction === 'ingress' ? direction : 'unknown';
  const flow = {
    from: { address: from },
    to: { address: to },
    protocol,
    port: isIcmp ? 0 : isAnswer ? sourcePort : port,
    verdict,
    side: isAnswer ? ('both' as const) : side,
    count: 1,
    first: time,
    last: time,
    guessed: isAnswer,
  } as const;
  return { kind: 'flow', flow };
}
