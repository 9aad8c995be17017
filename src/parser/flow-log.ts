/** Flow logs: lines that network policy engines write about connections, in several formats, as one record. */
import { readAwsLine } from './flow-log/aws.js';
import { looksLikeCalico, readCalico } from './flow-log/calico.js';
import { looksLikeHubble, readHubble } from './flow-log/hubble.js';
import { looksLikeOwn, readOwn } from './flow-log/own.js';
import { bad, type LogLine } from './flow-log/record.js';
import { isObject, type JsonObject, type JsonValue } from './yaml/value.js';

export const FLOW_LOG_FORMATS = ['hubble', 'calico', 'aws', 'policyc'] as const;
export type FlowLogFormat = (typeof FLOW_LOG_FORMATS)[number];

/**
 * What containerd puts ahead of each line that a container prints (CRI logging format:
 * kubernetes/enhancements KEP-2411), as `kubectl logs` files and node logs have it.
 */
const CRI_PREFIX = /^\d{4}-\d\d-\d\dT\S+ std(?:out|err) [FP] /;

/** Knows a format by one line of it; undefined where the line could be of any or none. */
export function detectFlowLogFormat(line: string): FlowLogFormat | undefined {
  const text = withoutPrefix(line);
  if (!text.startsWith('{')) return isAwsText(text) ? 'aws' : undefined;
  const value = parseObject(text);
  if (value === undefined) return undefined;
  return detectValue(value);
}

/** Knows a format by one record. */
export function detectValue(value: JsonObject): FlowLogFormat | undefined {
  const record = recordOf(value);
  if (looksLikeHubble(record)) return 'hubble';
  if (looksLikeCalico(record)) return 'calico';
  const message = record['msg'] ?? record['message'];
  if (typeof message === 'string' && (isAwsText(message) || 'level' in record)) return 'aws';
  return looksLikeOwn(record) ? 'policyc' : undefined;
}

/** Reads one line that is not blank. */
export function readFlowLogLine(line: string, format: FlowLogFormat): LogLine {
  const text = withoutPrefix(line);
  if (!text.startsWith('{')) {
    return format === 'aws' ? readAwsLine(text) : bad('it is no JSON object');
  }
  const value = parseObject(text);
  return value === undefined ? bad('it is no JSON') : readFlowLogValue(value, format);
}

/** Reads one record of a log that is one JSON or YAML list. */
export function readFlowLogValue(value: JsonValue, format: FlowLogFormat): LogLine {
  if (!isObject(value)) return bad('it is no mapping');
  const record = recordOf(value);
  switch (format) {
    case 'hubble':
      return readHubble(record);
    case 'calico':
      return readCalico(record);
    case 'aws':
      return readAwsLine(record);
    case 'policyc':
      return readOwn(record);
  }
}

/** Log collectors wrap records: Elasticsearch in `_source`, docker's json-file driver in `log`. */
function recordOf(value: JsonObject): JsonObject {
  const source = value['_source'];
  if (isObject(source)) return source;
  const log = value['log'];
  if (typeof log === 'string' && 'stream' in value) return parseObject(log) ?? { msg: log.trim() };
  return value;
}

function withoutPrefix(line: string): string {
  return line.startsWith('{') ? line : line.replace(CRI_PREFIX, '').trimStart();
}

function isAwsText(text: string): boolean {
  return text.includes('Flow Info:') || /^Node: .*;\s*SIP: /.test(text);
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
