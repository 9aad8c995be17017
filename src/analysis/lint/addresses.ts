/** Blocks of addresses where selectors are meant, and blocks of one family alone. */
import { ADDRESS_BITS, formatPrefix, prefixCovers, type Prefix } from '../../address.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { createAddressBook } from '../../ir/interpret/addresses.js';
import type { NormalPolicy, NormalRule } from '../../ir/normal-model.js';
import { HeldAddresses } from './held-addresses.js';
import { ruleName } from './naming.js';
import type { Scene } from './scene.js';

export function lintAddresses(scene: Scene): readonly Diagnostic[] {
  const { cluster } = scene;
  const book = createAddressBook(cluster);
  const ranges = cluster.nodes.flatMap(({ podRanges }) => podRanges);
  const pods = new HeldAddresses(
    scene.pods.flatMap(({ pod }) => (pod.representative ? [] : pod.addresses)),
  );
  const lintBlock = (
    policy: NormalPolicy,
    rule: NormalRule,
    block: Prefix,
    origin: Diagnostic['span'],
  ): readonly Diagnostic[] => {
    const isHost = block.length === ADDRESS_BITS[block.family];
    const holder = isHost ? book.holderOf(block) : undefined;
    const name = ruleName(policy, rule);
    if (holder?.service !== undefined && rule.direction === 'egress') {
      const service = `${holder.service.namespace}/${holder.service.name}`;
      const args = { rule: name, address: formatPrefix(block), service };
      return [diagnostic('lint/service-address', args, origin)];
    }
    const isPods = holder?.pod !== undefined || ranges.some((range) => prefixCovers(range, block));
    const held = pods.countIn(block);
    if (!isPods || (isHost && held === 0)) return [];
    const args = { rule: name, block: formatPrefix(block), pods: held };
    return [diagnostic('lint/pod-address', args, origin)];
  };
  return scene.model.policies.flatMap((policy) =>
    policy.rules.flatMap((rule) => [
      ...rule.peers.flatMap((peer) =>
        peer.kind === 'addresses' && rule.action === 'allow'
          ? peer.include
              .slice(0, MOST_BLOCKS)
              .flatMap((one) => lintBlock(policy, rule, one, peer.origin))
          : [],
      ),
      ...lintFamilies(scene, policy, rule),
    ]),
  );
}

/** Longer lists are made by machines: to name each block helps nobody. */
const MOST_BLOCKS = 64;

/** 0.0.0.0/0 without ::/0, or the other way round, at pods that have addresses of both families. */
function lintFamilies(scene: Scene, policy: NormalPolicy, rule: NormalRule): readonly Diagnostic[] {
  if (rule.action !== 'allow') return [];
  const whole = wholeFamilies(rule);
  if (whole.size !== 1) return [];
  const [block] = whole;
  const missing = block === '0.0.0.0/0' ? '::/0' : '0.0.0.0/0';
  const besides = policy.rules.some(
    (other) =>
      other.direction === rule.direction &&
      (wholeFamilies(other).has(missing) || other.peers.some(({ kind }) => kind === 'any')),
  );
  const isDual = scene
    .subjectsOf(policy)
    .some(({ pod, classes }) => !pod.representative && classes.size === 2);
  if (besides || !isDual || block === undefined) return [];
  const args = { rule: ruleName(policy, rule), block, missing };
  return [diagnostic('lint/one-family', args, rule.origin)];
}

function wholeFamilies({ peers }: NormalRule): ReadonlySet<string> {
  return new Set(
    peers.flatMap((peer) =>
      peer.kind === 'addresses'
        ? peer.include.filter(({ length }) => length === 0).map(formatPrefix)
        : [],
    ),
  );
}
