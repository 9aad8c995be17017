/** One pod under a policy of the language, in the VM and in the kernel, for packets that are logged or rejected. */
import { bind } from '../../src/codegen/bind.js';
import type { MapContents } from '../../src/codegen/contents.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { link } from '../../src/codegen/assembly/link.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { lowerPolicyFiles } from '../../src/ir/lower-policy.js';
import type { NormalModel } from '../../src/ir/normal-model.js';
import { normalize } from '../../src/ir/normalize.js';
import { planLookups, type LookupPlan } from '../../src/ir/plan.js';
import { parsePolicy } from '../../src/parser/parse-policy.js';
import { SourceFile } from '../../src/source.js';
import { valueOf } from '../oracle/world-model.js';
import { cluster, pod } from '../support/netns.js';

export const WEB = ['10.244.1.5', 'fd00:244:1::5'] as const;
export const PEER = ['10.244.2.5', 'fd00:244:2::5'] as const;
export const OUTSIDE = ['198.51.100.7', '2001:db8:f::7'] as const;

export const SNAPSHOT: ClusterSnapshot = cluster([
  pod('shop/web', 'one', WEB),
  pod('ops/peer', 'two', PEER),
]);

export interface World {
  readonly normal: NormalModel;
  readonly plan: LookupPlan;
  readonly object: Uint8Array;
  /** `shop/web` is the only subject. */
  readonly contents: MapContents;
}

export function worldOf(policy: string, layout: 'code' | 'tables' = 'code'): World {
  const file = valueOf(parsePolicy(new SourceFile('shop.pol', policy)));
  const model = valueOf(
    lowerPolicyFiles([file], (path) => {
      throw new Error(`the policy uses ${path}`);
    }),
  );
  const normal = normalize(model);
  const byTables = { kind: 'tables', why: 'the test says so' } as const;
  const planned = planLookups(normal);
  const plan =
    layout === 'code' ? planned : { ...planned, verdict: { ingress: byTables, egress: byTables } };
  const object = writeElf(link(emitDatapath(plan)));
  const subjects = SNAPSHOT.pods.slice(0, 1);
  return { normal, plan, object, contents: bind(normal, plan, SNAPSHOT, { at: 0, subjects }) };
}
