/** Can validation fail? Faults in the emitted listing and in what `bind` makes must be noticed by it. */
import { describe, expect, it } from 'vitest';
import { bind } from '../../src/codegen/bind.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { isPolicyPod } from '../../src/ir/cluster.js';
import type { Listing } from '../../src/codegen/assembly/listing.js';
import { representativeCluster } from '../../src/validate/representative/cluster.js';
import { validateCompiled, type ValidationOptions } from '../../src/validate/validate.js';
import { faultsOf, withFault, type Fault } from '../datapath/faults.js';
import { boundFaults, policyWordFaults, type BoundFault } from './bound-faults.js';
import { compiled, type PlanKind, type PolicyName } from './policies.js';

const WORLDS: readonly (readonly [PolicyName, PlanKind])[] = [
  ['mixed', 'as planned'],
  ['mixed', 'tables'],
  ['tiers', 'as planned'],
];

/** What validation does not notice, and why. */
const UNNOTICED: readonly (readonly [fault: RegExp, why: string])[] = [
  [
    /^(to|from)_pod (related|quoted|icmp_error|address6_1)/,
    'packets quoted in ICMP errors: the same code for all policies; test/datapath has the cases',
  ],
  [
    /^(skip_extensions|(to|from)_pod (ipv4|ipv6|whole\w*|later_fragment))\b/,
    'fields that only fragments and cut packets have, and the own address of packets to the pod, which nothing looks at; test/datapath has the cases',
  ],
  [/^(to|from)_pod icmp_echo/, 'the identifier of echo requests is the same in both ways'],
  [
    /^(to|from)_pod (start|fast_\w+)\+/,
    'what the fast path refuses, the slow path judges alike; and ports that only keys of connections hold',
  ],
  [/^(to|from)_pod not_isolated\+0: set/, 'the policy of the other bit would have denied before'],
  [
    /^from_pod (selected|next_rule|next_tier)\+\d+: (set|always|no jump)/,
    'in `tiers`: a block with and without its unbound addresses; a baseline that selects every pod',
  ],
  [
    /^(bits|stale: bits|subject: policy bit)/,
    'nothing looks at them where no direction is in code',
  ],
  [/^defaults: /, 'only hashes have them, and each of these flavours is an exception there'],
  [
    /^shape: (flag lpm|port classes)/,
    'an empty map is asked in vain; or only fragments are judged by it',
  ],
  [/^ports: (fragments|SCTP)/, 'only the verdict on fragments shows them, and it is the same'],
  [
    /^(addr\d_\w+|rows_hash|cells_hash): (entry|keys)/,
    'some fall back to an outer block, a usual row or a usual cell that says the same; others no probe looks up, since probes follow the rules and not the image: a gap',
  ],
];

function isNoticed(
  policies: PolicyName,
  kind: PlanKind,
  change: (listing: Listing) => Listing,
  options: ValidationOptions = {},
): boolean {
  try {
    return validateCompiled(compiled(policies, kind, change), options).mismatch !== undefined;
  } catch {
    // The bytecode left its memory, or never came to an end.
    return true;
  }
}

const all = process.env['POLICYC_TEST_ALL'] === '1';
/** Each takes a moment, so that a run without more ado tries one of these. */
const STRIDE = all ? 1 : 5;

function sampled<Item>(items: readonly Item[]): readonly Item[] {
  return items.filter((_, i) => i % STRIDE === 0);
}

const same = (listing: Listing): Listing => listing;

function unexplained(missed: readonly { readonly name: string }[]): readonly string[] {
  return missed
    .map(({ name }) => name)
    .filter((name) => !UNNOTICED.some(([pattern]) => pattern.test(name)));
}

/** Of what a rule caused, every slip; of the rest, wrong offsets in packets and bytes not swapped. */
function listingFaults(policies: PolicyName, kind: PlanKind): readonly Fault[] {
  const listing = emitDatapath(compiled(policies, kind).plan);
  const items = new Map(listing.functions.map((one) => [one.name, one.items]));
  return faultsOf(listing).filter(({ name, functionName, index }) => {
    const item = items.get(functionName)?.[index];
    if (item?.kind !== 'instruction' || !functionName.endsWith('_pod')) return false;
    const { instruction, origin } = item;
    const field = instruction.kind === 'load' && instruction.base === 7;
    return origin !== undefined || field || name.endsWith('no swap');
  });
}

describe.each(WORLDS)('%s, %s', (policies, kind) => {
  it('notices nothing without a fault', () => {
    expect(isNoticed(policies, kind, same)).toBe(false);
  });

  it('notices faults in the listing', () => {
    const faults = sampled(listingFaults(policies, kind));
    const missed = faults.filter(
      (fault) => !isNoticed(policies, kind, (listing) => withFault(listing, fault)),
    );
    expect(unexplained(missed)).toEqual([]);
    expect(faults.length - missed.length).toBeGreaterThan(40 / STRIDE);
  }, 480_000);

  it('notices faults in what is bound', () => {
    const { model, plan } = compiled(policies, kind);
    const cluster = representativeCluster(model.policies);
    const subjects = cluster.pods.filter(isPolicyPod);
    const dense = bind(model, plan, cluster, { at: 0, subjects });
    const hashed = bind(model, plan, cluster, { at: 0, subjects, inMaps: true });
    const faults: readonly BoundFault[] = sampled([
      ...boundFaults(dense, hashed, compiled('stale', kind)),
      ...policyWordFaults(),
    ]);
    const missed = faults.filter((fault) => !isNoticed(policies, kind, same, { bind: fault.bind }));
    expect(unexplained(missed)).toEqual([]);
    expect(faults.length - missed.length).toBeGreaterThan(60 / STRIDE);
  }, 480_000);
});
