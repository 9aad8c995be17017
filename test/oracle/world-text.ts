/** A world as the texts that a user would have: policies in one file, the cluster in another. */
import { dump } from 'js-yaml';
import { SourceFile } from '../../src/source.js';
import type { World } from './objects.js';

export function policyText(world: World): SourceFile {
  const objects = [...world.networkPolicies, ...world.clusterPolicies];
  // `null` stays in the text, since a key without a value is not an absent one to every parser.
  return new SourceFile('policies.yaml', objects.map((one) => dump(one)).join('---\n'));
}

export function clusterText(world: World): SourceFile {
  const { namespaces, pods, nodes, services, endpointSlices } = world;
  const items = [...namespaces, ...pods, ...nodes, ...services, ...endpointSlices];
  return new SourceFile('cluster.json', JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}
