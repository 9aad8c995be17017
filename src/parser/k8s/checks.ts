/** What the APIs require of policies beyond the types of their fields. */
import {
  formatPrefix,
  parseAddress,
  parsePrefix,
  prefixCovers,
  ADDRESS_BITS,
} from '../../address.js';
import type { DiagnosticCode } from '../../catalog/index.js';
import type { ArgumentsOf } from '../../diagnostics.js';
import {
  faultOfDnsLabel,
  faultOfDnsSubdomain,
  faultOfLabelKey,
  faultOfLabelValue,
  faultOfPortName,
  isDomainName,
} from './names.js';
import {
  isArray,
  isObject,
  type JsonObject,
  type JsonPath,
  type JsonValue,
} from '../yaml/value.js';

/** Something to say about a value of a policy. */
export interface Finding {
  readonly code: DiagnosticCode;
  readonly args: unknown;
  /** From the value that was checked. */
  readonly path: JsonPath;
  readonly at: 'key' | 'value';
}

/** Reports at the value, or at the key, that stands under the path. */
export type Report = <Code extends DiagnosticCode>(
  code: Code,
  args: ArgumentsOf<Code>,
  path?: JsonPath,
  at?: 'key' | 'value',
) => void;

/** Checks see values before their types are known to be right, and skip what they cannot judge. */
type Check = (value: JsonValue, report: Report) => void;

/** Whether the field is there: null is not. */
export function isPresent(object: JsonObject, field: string): boolean {
  return Object.hasOwn(object, field) && object[field] !== null;
}

function items(value: JsonValue | undefined): readonly JsonValue[] {
  return isArray(value) ? value : [];
}

function forText(check: (text: string, report: Report) => void): Check {
  return (value, report) => {
    if (typeof value === 'string') check(value, report);
  };
}

function forObject(check: (object: JsonObject, report: Report) => void): Check {
  return (value, report) => {
    if (isObject(value)) check(value, report);
  };
}

function checkCidr(value: string, report: Report): void {
  const prefix = parsePrefix(value);
  if (prefix === undefined) {
    const address = parseAddress(value);
    const hint =
      address && `write \`${value}/${ADDRESS_BITS[address.family]}\` for this one address`;
    report('k8s/bad-cidr', { value, ...(hint && { hint }) });
    return;
  }
  const address = parseAddress(value.slice(0, value.indexOf('/')));
  if (address !== undefined && address.value !== prefix.value) {
    report('k8s/cidr-host-bits', { value, block: formatPrefix(prefix) });
  }
}

function checkNames(object: JsonObject, report: Report, namespaced: boolean): void {
  const { name, namespace } = object;
  const fault = typeof name === 'string' ? faultOfDnsSubdomain(name) : undefined;
  if (typeof name === 'string' && fault !== undefined) {
    report('k8s/bad-name', { field: 'name', value: name, rule: fault }, ['name']);
  }
  if (!namespaced || typeof namespace !== 'string' || namespace === '') return;
  const rule = faultOfDnsLabel(namespace);
  if (rule !== undefined) {
    report('k8s/bad-name', { field: 'namespace', value: namespace, rule }, ['namespace']);
  }
}

/** Keys that YAML has made of something else: booleans, numbers, nothing. */
const CONVERTED_KEY = /^(true|false|null|NaN|-?Infinity|-?[0-9.]+(e[-+]?[0-9]+)?)$/;

function checkLabels(labels: JsonObject, report: Report): void {
  for (const [key, value] of Object.entries(labels)) {
    const keyFault = faultOfLabelKey(key);
    if (keyFault !== undefined) {
      report('k8s/bad-label-key', { key, reason: keyFault }, [key], 'key');
    } else if (CONVERTED_KEY.test(key)) {
      report('k8s/unquoted-key', { key, text: key }, [key], 'key');
    }
    if (typeof value !== 'string') continue;
    const reason = faultOfLabelValue(value);
    if (reason !== undefined) report('k8s/bad-label-value', { value, reason }, [key]);
  }
}

function checkExpression(expression: JsonObject, report: Report): void {
  const { operator } = expression;
  const count = items(expression['values']).length;
  if ((operator === 'In' || operator === 'NotIn') && count === 0) {
    report('k8s/operator-values', { operator, wants: true }, ['operator']);
  }
  if ((operator === 'Exists' || operator === 'DoesNotExist') && count > 0) {
    report('k8s/operator-values', { operator, wants: false }, ['values'], 'key');
  }
}

function checkIpBlock(block: JsonObject, report: Report): void {
  const { cidr } = block;
  const outer = typeof cidr === 'string' ? parsePrefix(cidr) : undefined;
  if (typeof cidr !== 'string' || outer === undefined) return;
  items(block['except']).forEach((except, i) => {
    const inner = typeof except === 'string' ? parsePrefix(except) : undefined;
    if (typeof except !== 'string' || inner === undefined) return;
    if (!prefixCovers(outer, inner) || inner.length === outer.length) {
      report('k8s/except-outside', { except, cidr }, ['except', i]);
    }
  });
}

const PEER_FIELDS = ['podSelector', 'namespaceSelector', 'ipBlock'];

function checkNetworkPolicyPeer(peer: JsonObject, report: Report): void {
  const found = PEER_FIELDS.filter((field) => isPresent(peer, field));
  if (found.length === 0) {
    if (Object.keys(peer).some((key) => !PEER_FIELDS.includes(key))) return;
    const hint =
      'write `podSelector: {}` for all pods of the namespace; leave out the list for everybody';
    report('k8s/not-exactly-one', { where: 'a peer', fields: PEER_FIELDS, found, hint });
  } else if (found.length > 1 && found.includes('ipBlock')) {
    const others = found.filter((field) => field !== 'ipBlock');
    report('k8s/mixed-peer', { found: others }, ['ipBlock'], 'key');
  }
}

function checkPortOrName(value: JsonValue, report: Report): void {
  if (typeof value === 'number' && Number.isInteger(value) && (value < 1 || value > 65_535)) {
    report('k8s/out-of-range', { field: 'port', value, min: 1, max: 65_535 });
  } else if (typeof value === 'string') {
    checkPortName(value, report);
  }
}

function checkPortName(name: string, report: Report): void {
  const reason = faultOfPortName(name);
  if (reason !== undefined) report('k8s/bad-port-name', { name, reason });
}

function checkPortRange(entry: JsonObject, report: Report): void {
  if (!isPresent(entry, 'endPort')) return;
  const { port, endPort } = entry;
  if (!isPresent(entry, 'port')) {
    report('k8s/end-port', { reason: '`endPort` stands without `port`' }, ['endPort'], 'key');
  } else if (typeof port === 'string') {
    const reason = `\`endPort\` stands beside the named port \`${port}\``;
    report('k8s/end-port', { reason }, ['endPort'], 'key');
  } else if (typeof port === 'number' && typeof endPort === 'number' && endPort < port) {
    report('k8s/end-port', { reason: `\`endPort\` ${endPort} is below \`port\` ${port}` }, [
      'endPort',
    ]);
  }
}

/** For ingress the destination is the policy's own pod, which has named ports whoever the peer is. */
function checkNetworkPolicyRule(rule: JsonObject, report: Report): void {
  const toAddresses = items(rule['to']).some(
    (peer) => isObject(peer) && isPresent(peer, 'ipBlock'),
  );
  if (!toAddresses) return;
  items(rule['ports']).forEach((entry, i) => {
    const port = isObject(entry) ? entry['port'] : undefined;
    if (typeof port === 'string') {
      report('k8s/named-port-address', { name: port }, ['ports', i, 'port']);
    }
  });
}

function checkNetworkPolicySpec(spec: JsonObject, report: Report): void {
  const types = items(spec['policyTypes']);
  if (types.length === 0) return;
  for (const [section, type] of [
    ['ingress', 'Ingress'],
    ['egress', 'Egress'],
  ] as const) {
    if (!types.includes(type) && items(spec[section]).length > 0) {
      report('k8s/dead-section', { section, type }, [section], 'key');
    }
  }
}

function checkRange(range: JsonObject, report: Report, strict: boolean): void {
  const { start, end } = range;
  if (typeof start !== 'number' || typeof end !== 'number') return;
  if (start > end || (strict && start === end)) {
    report('k8s/empty-range', { start, end, strict }, ['end']);
  }
}

const ADDRESS_FIELDS = ['networks', 'nodes', 'domainNames'];

function checkAdminRule(rule: JsonObject, report: Report): void {
  const peers = items(rule['to']).filter((peer) => isObject(peer));
  const found = ADDRESS_FIELDS.filter((field) => peers.some((peer) => isPresent(peer, field)));
  const named = (list: 'ports' | 'protocols', field: string): void => {
    items(rule[list]).forEach((entry, i) => {
      const name = isObject(entry) ? entry[field] : undefined;
      if (typeof name !== 'string' || found.length === 0) return;
      report('k8s/named-port-beside', { name, peers: found }, [list, i, field]);
    });
  };
  named('ports', 'namedPort');
  named('protocols', 'destinationNamedPort');
  const { action } = rule;
  items(rule['to']).forEach((peer, i) => {
    const names = isObject(peer) ? items(peer['domainNames']) : [];
    if (names.length > 0 && (action === 'Deny' || action === 'Pass')) {
      report('k8s/domain-name-deny', { action }, ['to', i, 'domainNames'], 'key');
      return;
    }
    names.forEach((name, j) => {
      if (typeof name !== 'string') return;
      report('k8s/domain-name-unsupported', { name }, ['to', i, 'domainNames', j]);
    });
  });
}

/** The checks that schemas name. */
export const CHECKS = {
  cidr: forText(checkCidr),
  singleFamilyCidr: forText((value, report) => {
    if (value.includes(':') && value.includes('.')) {
      const hint = 'write an IPv4 block as such: IPv4 inside IPv6 is not taken';
      report('k8s/bad-cidr', { value, hint });
    } else checkCidr(value, report);
  }),
  labels: forObject(checkLabels),
  labelKey: forText((key, report) => {
    const reason = faultOfLabelKey(key);
    if (reason !== undefined) report('k8s/bad-label-key', { key, reason });
  }),
  labelValue: forText((value, report) => {
    const reason = faultOfLabelValue(value);
    if (reason !== undefined) report('k8s/bad-label-value', { value, reason });
  }),
  expression: forObject(checkExpression),
  ipBlock: forObject(checkIpBlock),
  networkPolicyPeer: forObject(checkNetworkPolicyPeer),
  networkPolicyRule: forObject(checkNetworkPolicyRule),
  networkPolicySpec: forObject(checkNetworkPolicySpec),
  portOrName: checkPortOrName,
  portName: forText(checkPortName),
  portRange: forObject(checkPortRange),
  range: forObject((range, report) => {
    checkRange(range, report, false);
  }),
  strictRange: forObject((range, report) => {
    checkRange(range, report, true);
  }),
  adminRule: forObject(checkAdminRule),
  domainName: forText((value, report) => {
    if (!isDomainName(value)) report('k8s/bad-domain-name', { value });
  }),
  namespacedMetadata: forObject((metadata, report) => {
    checkNames(metadata, report, true);
  }),
  clusterMetadata: forObject((metadata, report) => {
    checkNames(metadata, report, false);
  }),
  baselineMetadata: forObject(({ name }, report) => {
    if (typeof name === 'string' && name !== 'default') {
      report('k8s/baseline-name', { name }, ['name']);
    }
  }),
} as const satisfies Readonly<Record<string, Check>>;

export type CheckName = keyof typeof CHECKS;
