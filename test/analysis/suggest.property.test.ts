/** Drafts from random logs: a separate evaluator finds that they allow what was seen, and nothing else. */
import fc from 'fast-check';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { Suggestion, type SuggestOptions } from '../../src/analysis/suggest.js';
import type { Draft } from '../../src/analysis/suggest/draft.js';
import { writePolicyText } from '../../src/analysis/suggest/write-pol.js';
import { writeManifests } from '../../src/analysis/suggest/write-yaml.js';
import { createInterpreter } from '../../src/ir/interpret.js';
import { judgeFlow } from '../../src/ir/flows.js';
import { resolveFlows } from '../../src/ir/flows/read.js';
import { lowerPolicyFiles } from '../../src/ir/lower-policy.js';
import { normalize } from '../../src/ir/normalize.js';
import { readFlowLogLine } from '../../src/parser/flow-log.js';
import { parsePolicy } from '../../src/parser/parse-policy.js';
import { SourceFile } from '../../src/source.js';
import { clusterPolicies, networkPolicies } from '../oracle/generate-policies.js';
import { worlds } from '../oracle/generate.js';
import {
  addressesOf,
  answer,
  endpointsOf,
  inCidr,
  isSubject,
  namespaceOf,
} from '../oracle/naive.js';
import type { NetworkPolicyObject, PodObject, World } from '../oracle/objects.js';
import { readCluster, readPolicies, valueOf } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';
import { flowsOf, oracleAllows, type BruteFlow } from './flow-space.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 60);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20261124);

const picks = fc.array(fc.nat(), { minLength: 1, maxLength: 40 });

function choose(world: World, chosen: readonly number[]): readonly BruteFlow[] {
  const all = [...flowsOf(world)];
  const flows = chosen.flatMap((at) => all[at % all.length] ?? []);
  return [...new Map(flows.map((flow) => [JSON.stringify(flow), flow])).values()];
}

function podAt(world: World, address: string): PodObject | undefined {
  return world.pods.find((pod) => isSubject(pod) && addressesOf(pod).includes(address));
}

function lineOf(world: World, flow: BruteFlow): string {
  const end = (address: string): object => {
    const pod = podAt(world, address);
    return pod === undefined ? {} : { namespace: namespaceOf(pod), pod_name: pod.metadata.name };
  };
  const isIcmp = flow.protocol.startsWith('ICMP');
  const l4 = isIcmp
    ? {
        [flow.protocol === 'ICMP' ? 'ICMPv4' : 'ICMPv6']: {
          type: flow.protocol === 'ICMP' ? 8 : 128,
        },
      }
    : { [flow.protocol]: { source_port: 40000, destination_port: flow.port } };
  const IP = { source: flow.from, destination: flow.to };
  const ends = { source: end(flow.from), destination: end(flow.to) };
  return JSON.stringify({
    flow: { verdict: 'FORWARDED', IP, l4, is_reply: false, ...ends, traffic_direction: 'INGRESS' },
  });
}

function draftOf(
  world: World,
  flows: readonly BruteFlow[],
  options: Partial<SuggestOptions> = {},
): Draft {
  const cluster = readCluster(clusterText(world));
  const suggestion = new Suggestion({ cluster, minCount: 1, at: 0, ...options });
  for (const [i, flow] of flows.entries()) {
    const line = readFlowLogLine(lineOf(world, flow), 'hubble');
    if (line.kind !== 'flow') throw new Error(JSON.stringify(line));
    suggestion.add(line.flow, { path: 'log', line: i + 1 });
  }
  return suggestion.draft();
}

function manifestsOf({ policies }: Draft): string {
  return writeManifests(policies, { header: ['drafted'], podRanges: [] });
}

function objectsOf(draft: Draft): readonly NetworkPolicyObject[] {
  return loadAll(manifestsOf(draft)).filter((one) => one !== null) as NetworkPolicyObject[];
}

function isUnused(world: World, address: string): boolean {
  const held =
    world.pods.some((pod) => addressesOf(pod).includes(address)) ||
    world.nodes.some(({ status }) => status.addresses.some((one) => one.address === address)) ||
    world.services.some(({ spec }) => spec.clusterIPs.includes(address));
  const ranges = world.nodes.flatMap(({ spec }) => spec.podCIDRs ?? []);
  return !held && ranges.some((cidr) => inCidr(cidr, address));
}

function targetsOf(
  world: World,
  { to, protocol, port }: BruteFlow,
): readonly { readonly address: string; readonly port: number }[] {
  const service = world.services.find(({ spec }) => spec.clusterIPs.includes(to));
  return service === undefined
    ? [{ address: to, port }]
    : endpointsOf(world, service, to, protocol, port);
}

/** What a NetworkPolicy can say: ports of three protocols, from 1, between ends that are known. */
function isDraftable(world: World, flow: BruteFlow): boolean {
  if (flow.protocol.startsWith('ICMP') || flow.port === 0) return false;
  if (isUnused(world, flow.from) || isUnused(world, flow.to)) return false;
  const targets = targetsOf(world, flow);
  return targets.length > 0 && targets.every(({ port }) => port > 0);
}

/** Pods that no selector can tell apart. */
function lookOf(pod: PodObject): string {
  return JSON.stringify([namespaceOf(pod), Object.entries(pod.metadata.labels ?? {}).sort()]);
}

describe('a draft', () => {
  it('allows what was seen, and nothing else between the pods that it is for', () => {
    const property = fc.property(worlds, picks, (world, chosen) => {
      const flows = choose(world, chosen);
      const draft = draftOf(world, flows);
      const drafted = { ...world, networkPolicies: objectsOf(draft), clusterPolicies: [] };
      const draftable = flows.filter((flow) => isDraftable(world, flow));
      for (const flow of draftable) {
        expect({ flow, allowed: oracleAllows(drafted, flow) }).toEqual({ flow, allowed: true });
      }
      const { drafted: count, covered, leftOut } = draft.flows;
      expect(count + covered + leftOut).toBe(flows.length);
      const seen = { egress: new Set<string>(), ingress: new Set<string>() };
      const isolated = new Set<string>();
      for (const flow of draftable) {
        const from = podAt(world, flow.from);
        if (from !== undefined) isolated.add(lookOf(from));
        for (const target of targetsOf(world, flow)) {
          const to = podAt(world, target.address);
          if (to !== undefined) isolated.add(lookOf(to));
          if (from === undefined || to === undefined) continue;
          const key = [lookOf(from), lookOf(to), flow.protocol, target.port].join();
          // A pod reaches itself by its own address whatever policies say; what it sends to a Service is judged.
          if (from !== to || flow.to !== target.address) seen.egress.add(key);
          if (from !== to) seen.ingress.add(key);
        }
      }
      for (const flow of flowsOf(world)) {
        const [from, to] = [podAt(world, flow.from), podAt(world, flow.to)];
        if (from === undefined || to === undefined || from === to) continue;
        if (flow.protocol.startsWith('ICMP')) continue;
        const key = [lookOf(from), lookOf(to), flow.protocol, flow.port].join();
        const expected =
          (!isolated.has(lookOf(from)) || seen.egress.has(key)) &&
          (!isolated.has(lookOf(to)) || seen.ingress.has(key));
        const allowed = oracleAllows(drafted, flow);
        expect({ flow, allowed }).toEqual({ flow, allowed: expected });
      }
    });
    fc.assert(property, { numRuns: RUNS, seed: SEED });
  }, 240_000);

  it('says the same in the policy language', () => {
    const property = fc.property(worlds, picks, (world, chosen) => {
      const flows = choose(world, chosen);
      const draft = draftOf(world, flows);
      const cluster = readCluster(clusterText(world));
      const file = new SourceFile('drafted.pol', writePolicyText(draft.policies, ['drafted']));
      const none = (): never => {
        throw new Error('the draft uses no files');
      };
      const model = normalize(valueOf(lowerPolicyFiles([valueOf(parsePolicy(file))], none)));
      const { judge } = createInterpreter(model, cluster, 0);
      const drafted = { ...world, networkPolicies: objectsOf(draft), clusterPolicies: [] };
      const all = [...flowsOf(world)].filter(
        ({ port, protocol }) => port > 0 && !protocol.startsWith('ICMP'),
      );
      const resolved = valueOf(resolveFlows(all, cluster, () => undefined));
      for (const [i, flow] of resolved.entries()) {
        const brute = all[i];
        if (brute === undefined) continue;
        const allowed = oracleAllows(drafted, brute);
        expect({ brute, verdict: judgeFlow(flow, judge).verdict }).toEqual({
          brute,
          verdict: allowed ? 'allow' : 'deny',
        });
      }
    });
    fc.assert(property, { numRuns: Math.ceil(RUNS / 2), seed: SEED });
  }, 240_000);

  it('adds to policies what they lack, but for what an ordered tier denies', () => {
    const existing = fc.record({ networkPolicies, clusterPolicies });
    const property = fc.property(worlds, existing, picks, (plain, policies, chosen) => {
      const world = { ...plain, ...policies };
      const flows = choose(world, chosen);
      const draft = draftOf(world, flows, { existing: normalize(readPolicies(policyText(world))) });
      const added = objectsOf(draft);
      const both = { ...world, networkPolicies: [...world.networkPolicies, ...added] };
      for (const flow of flows) {
        if (!isDraftable(world, flow) || isHopeless(world, flow)) continue;
        expect({ flow, allowed: oracleAllows(both, flow) }).toEqual({ flow, allowed: true });
      }
      const names = both.networkPolicies.map((one) => `${namespaceOf(one)}/${one.metadata.name}`);
      expect(new Set(names).size).toBe(names.length);
      if (flows.every((flow) => oracleAllows(world, flow))) expect(added).toEqual([]);
    });
    fc.assert(property, { numRuns: RUNS, seed: SEED });
  }, 240_000);

  it('does not depend on the order of the log', () => {
    const property = fc.property(worlds, picks, (world, chosen) => {
      const flows = choose(world, chosen);
      const text = (list: readonly BruteFlow[]): string =>
        manifestsOf(draftOf(world, list)).replace(/ *# seen .*\n/g, '');
      expect(text([...flows].reverse())).toBe(text(flows));
    });
    fc.assert(property, { numRuns: Math.ceil(RUNS / 2), seed: SEED });
  }, 240_000);
});

/** A rule of an ordered tier denies one of the packets, or the source is behind the Service itself. */
function isHopeless(world: World, flow: BruteFlow): boolean {
  const { from, protocol } = flow;
  const source = podAt(world, from);
  return targetsOf(world, flow).some(({ address, port }) => {
    if (source !== undefined) {
      if (addressesOf(source).includes(address)) return true;
      const asked = { subject: source, direction: 'egress' as const, remote: address };
      const { verdict, reason } = answer(world, { ...asked, protocol, port, localOrigin: false });
      if (verdict === 'deny' && reason === 'rule') return true;
    }
    const pod = podAt(world, address);
    if (pod === undefined) return false;
    const asked = { subject: pod, direction: 'ingress' as const, remote: from, localOrigin: true };
    const { verdict, reason } = answer(world, { ...asked, protocol, port });
    return verdict === 'deny' && reason === 'rule';
  });
}
