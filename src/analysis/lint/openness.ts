/** Rules that open pods to everyone, or let them go anywhere. */
import { formatPrefix, parseAddress, prefixContains, type Prefix } from '../../address.js';
import { rangeInterval } from '../../codegen/bind/arms.js';
import { portIndex } from '../../codegen/layout.js';
import { bug, diagnostic, type Diagnostic } from '../../diagnostics.js';
import { subjectsCover } from '../../ir/check/covers.js';
import type { Peer, PortMatch } from '../../ir/model.js';
import {
  policyName,
  type NormalModel,
  type NormalPolicy,
  type NormalRule,
} from '../../ir/normal-model.js';
import { podCount, portsText, portText, ruleName } from './naming.js';
import type { Scene } from './scene.js';

const METADATA_API = parseAddress('169.254.169.254') ?? bug('no address');
/** Narrower blocks name the metadata service on purpose. */
const WIDE_BLOCK = 16;
const HTTP = portIndex('TCP', 80);

/** Well-known ports that should never be open to the public (IANA, and the products' manuals). */
const SENSITIVE: ReadonlyMap<string, string> = new Map([
  ['TCP 22', 'SSH'],
  ['TCP 23', 'Telnet'],
  ['TCP 445', 'SMB'],
  ['TCP 1433', 'SQL Server'],
  ['TCP 1521', 'Oracle'],
  ['TCP 2375', 'Docker without a password'],
  ['TCP 2376', 'Docker'],
  ['TCP 2379', 'etcd'],
  ['TCP 2380', 'etcd'],
  ['TCP 3306', 'MySQL'],
  ['TCP 3389', 'RDP'],
  ['TCP 5432', 'PostgreSQL'],
  ['TCP 5984', 'CouchDB'],
  ['TCP 6379', 'Redis'],
  ['TCP 6443', 'the Kubernetes API'],
  ['TCP 9042', 'Cassandra'],
  ['TCP 9200', 'Elasticsearch'],
  ['TCP 10250', 'the kubelet'],
  ['TCP 11211', 'memcached'],
  ['UDP 11211', 'memcached'],
  ['TCP 27017', 'MongoDB'],
]);

/** @param scene leaves out rules that other policies shut, where the cluster is known */
export function lintOpenness(model: NormalModel, at: number, scene?: Scene): readonly Diagnostic[] {
  return model.policies.flatMap((policy) =>
    policy.rules
      .filter(({ action, until }) => action === 'allow' && (until ?? Infinity) > at)
      .flatMap((rule) =>
        rule.direction === 'ingress'
          ? lintIngress(policy, rule, scene)
          : lintEgress(model, policy, rule, scene),
      ),
  );
}

function lintIngress(
  policy: NormalPolicy,
  rule: NormalRule,
  scene: Scene | undefined,
): readonly Diagnostic[] {
  const open = rule.peers.find(
    (peer) =>
      peer.kind === 'any' ||
      peer.kind === 'outside' ||
      (peer.kind === 'addresses' && peer.include.some(({ length }) => length === 0)),
  );
  if (open === undefined) return [];
  const pods = reachedFromOutside(policy, rule, scene);
  if (pods === 0) return [];
  const name = ruleName(policy, rule);
  const suffix = pods === undefined ? '' : ` (${podCount(pods)} here)`;
  if (open.kind === 'any' && rule.ports === 'every') {
    return [diagnostic('lint/open-to-anyone', { rule: name, pods: suffix }, rule.origin)];
  }
  const sensitive = rule.ports === 'every' ? [] : rule.ports.flatMap(sensitivePort);
  if (sensitive.length > 0) {
    return sensitive.map(({ port, what }) =>
      diagnostic('lint/sensitive-port', { rule: name, port, what }, rule.origin),
    );
  }
  const args = { rule: name, ports: portsText(rule.ports), pods: suffix };
  return [diagnostic('lint/open-to-outside', args, rule.origin)];
}

function sensitivePort(
  match: PortMatch,
): readonly { readonly port: string; readonly what: string }[] {
  // Of a wide range nobody means one port in particular.
  if (match.kind === 'named' || match.last - match.first > 9) return [];
  const found = [...SENSITIVE].find(([key]) => {
    const [protocol, number] = key.split(' ');
    return (
      protocol === match.protocol && match.first <= Number(number) && Number(number) <= match.last
    );
  });
  return found === undefined ? [] : [{ port: portText(match), what: found[1] }];
}

/** How many of the policy's pods some outside address reaches at the rule's ports. */
function reachedFromOutside(
  policy: NormalPolicy,
  rule: NormalRule,
  scene: Scene | undefined,
): number | undefined {
  if (scene === undefined) return undefined;
  const outside = scene.classesOf('outside');
  const intervals =
    rule.ports === 'every'
      ? ([[0, portIndex('SCTP', 0xffff) + 1]] as const)
      : rule.ports.flatMap((match) => (match.kind === 'range' ? [rangeInterval(match)] : []));
  const named = rule.ports === 'every' ? [] : rule.ports.filter(({ kind }) => kind === 'named');
  return scene.subjectsOf(policy).filter((placed) => {
    const own = placed.pod.ports
      .filter(({ name }) => named.some((match) => match.kind === 'named' && match.name === name))
      .map(({ protocol, port }) => portIndex(protocol, port))
      .map((index) => [index, index] as const);
    return outside.some((one) => scene.allows(placed, 'ingress', one, [...intervals, ...own]));
  }).length;
}

function lintEgress(
  model: NormalModel,
  policy: NormalPolicy,
  rule: NormalRule,
  scene: Scene | undefined,
): readonly Diagnostic[] {
  const name = ruleName(policy, rule);
  const subjects = scene?.subjectsOf(policy);
  if (subjects?.length === 0) return [];
  const anyone = rule.peers.some(({ kind }) => kind === 'any') && rule.ports === 'every';
  if (anyone && policy.isolates.egress) {
    const args = { rule: name, policy: policyName(policy) };
    return [diagnostic('lint/open-egress', args, rule.origin)];
  }
  const block = rule.peers.map(metadataBlock).find((one) => one !== undefined);
  if (block === undefined || !reachesHttp(rule)) return [];
  if (scene === undefined ? isDeniedFirst(model, policy) : !reachesMetadata(scene, policy)) {
    return [];
  }
  const peer = rule.peers.find((one) => metadataBlock(one) !== undefined);
  return [diagnostic('lint/metadata-api-open', { rule: name, block }, peer?.origin ?? rule.origin)];
}

function reachesHttp({ ports }: NormalRule): boolean {
  return (
    ports === 'every' ||
    ports.some(
      (match) =>
        match.kind === 'range' && match.protocol === 'TCP' && match.first <= 80 && match.last >= 80,
    )
  );
}

/** The wide block of the peer that holds the metadata service. */
function metadataBlock(peer: Peer): string | undefined {
  if (peer.kind === 'outside') return 'outside';
  if (peer.kind !== 'addresses') return undefined;
  const holds = (prefix: Prefix): boolean => prefixContains(prefix, METADATA_API);
  const block = peer.include.find((one) => one.length <= WIDE_BLOCK && holds(one));
  return block === undefined || peer.exclude.some(holds) ? undefined : formatPrefix(block);
}

/** Some policy of an ordered tier denies it to the same pods. */
function isDeniedFirst({ tiers }: NormalModel, policy: NormalPolicy): boolean {
  return tiers.some(
    ({ kind, policies }) =>
      kind === 'ordered' &&
      policies.some(
        (other) =>
          subjectsCover(other, policy) &&
          other.rules.some(
            ({ action, direction, peers, ports }) =>
              action === 'deny' &&
              direction === 'egress' &&
              ports === 'every' &&
              peers.some(
                (peer) =>
                  peer.kind === 'addresses' &&
                  peer.include.some((one) => prefixContains(one, METADATA_API)) &&
                  !peer.exclude.some((one) => prefixContains(one, METADATA_API)),
              ),
          ),
      ),
  );
}

function reachesMetadata(scene: Scene, policy: NormalPolicy): boolean {
  const one = scene.universe.addresses.classOf(METADATA_API);
  return scene
    .subjectsOf(policy)
    .some((placed) => scene.allows(placed, 'egress', one, [[HTTP, HTTP]]));
}
