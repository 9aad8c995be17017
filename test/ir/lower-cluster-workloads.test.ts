/** Workloads, the pods that they own and those that stand for them. */
import { describe, expect, it } from 'vitest';
import { addressKey } from '../../src/address.js';
import { clusterOf } from '../parser/k8s/reading.js';
import {
  addresses,
  docs,
  live,
  owned,
  podNamed,
  service,
  slice,
  workload,
} from './lower-cluster-texts.js';

const scaledToNothing = (text: string): string => text.replace('spec: {', 'spec: {replicas: 0, ');

describe('workloads', () => {
  it('have one representative each, with addresses by the order of their identities', () => {
    const kinds = ['StatefulSet', 'Deployment', 'DaemonSet', 'ReplicaSet', 'Job', 'CronJob'];
    const texts = kinds.map((kind) => workload(kind, kind.toLowerCase()));
    const cluster = clusterOf(docs(...texts));
    const shown = cluster.pods.map(
      (one) => `${one.name} ${one.workload?.kind ?? ''} ${addresses(one).split(' ')[0] ?? ''}`,
    );
    expect(shown).toEqual([
      'cronjob CronJob 240.0.0.1',
      'daemonset DaemonSet 240.0.0.2',
      'deployment Deployment 240.0.0.3',
      'job Job 240.0.0.4',
      'replicaset ReplicaSet 240.0.0.5',
      'statefulset StatefulSet 240.0.0.6',
    ]);
    expect(clusterOf(docs(...texts.toReversed())).pods.map(addresses)).toEqual(
      cluster.pods.map(addresses),
    );
    for (const one of cluster.pods) {
      expect(one).toMatchObject({
        representative: true,
        completed: false,
        ports: [{ name: 'http', port: 80 }],
      });
      expect(one.labels.get('app')).toBe('web');
    }
  });

  it('keep clear of addresses that are in the input', () => {
    const cluster = clusterOf(
      docs(
        workload('Deployment', 'web'),
        live('p', '240.0.0.1'),
        service('s', 'clusterIP: 240.0.0.2'),
        slice('x', 's', 'endpoints: [{addresses: ["fd70:6f6c:6963:7963::3"]}]'),
        'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {addresses: [{type: InternalIP, address: 240.0.0.4}]}',
      ),
    );
    expect(addresses(podNamed(cluster, 'web'))).toBe('240.0.0.5 fd70:6f6c:6963:7963::5');
    const keys = cluster.pods.flatMap((one) => one.addresses.map(addressKey));
    expect(new Set(keys).size).toBe(keys.length);
  });

  const hash = ', labels: {pod-template-hash: abc}';
  const rows: readonly (readonly [
    name: string,
    texts: readonly string[],
    pods: readonly string[],
  ])[] = [
    [
      'a Deployment’s pods by hash',
      [workload('Deployment', 'web'), live('p', '10.0.0.1', hash + owned('ReplicaSet', 'web-abc'))],
      ['p Deployment/web'],
    ],
    [
      'a Deployment’s pods by ReplicaSet',
      [
        workload('Deployment', 'web'),
        workload('ReplicaSet', 'odd', '', owned('Deployment', 'web')),
        live('p', '10.0.0.1', owned('ReplicaSet', 'odd')),
      ],
      ['p Deployment/web'],
    ],
    [
      'a ReplicaSet without its Deployment',
      [
        workload('ReplicaSet', 'web-abc', '', owned('Deployment', 'web')),
        live('p', '10.0.0.1', hash + owned('ReplicaSet', 'web-abc')),
      ],
      ['p Deployment/web'],
    ],
    [
      'a ReplicaSet of a Deployment that is there',
      [
        workload('Deployment', 'web'),
        workload('ReplicaSet', 'web-abc', '', owned('Deployment', 'web')),
      ],
      ['web Deployment/web'],
    ],
    [
      'a ReplicaSet alone, of a Deployment',
      [workload('ReplicaSet', 'web-abc', '', owned('Deployment', 'web'))],
      ['web-abc Deployment/web'],
    ],
    [
      'a former ReplicaSet of a Deployment',
      [
        workload('ReplicaSet', 'web-abc', '', owned('Deployment', 'web')),
        scaledToNothing(workload('ReplicaSet', 'web-old', '', owned('Deployment', 'web'))),
      ],
      ['web-abc Deployment/web'],
    ],
    [
      'a ReplicaSet of its own that is scaled to nothing',
      [scaledToNothing(workload('ReplicaSet', 'rs'))],
      ['rs ReplicaSet/rs'],
    ],
    [
      'a ReplicaSet of its own',
      [workload('ReplicaSet', 'rs'), live('p', '10.0.0.1', owned('ReplicaSet', 'rs'))],
      ['p ReplicaSet/rs'],
    ],
    [
      'a StatefulSet',
      [workload('StatefulSet', 'db'), live('db-0', '10.0.0.1', owned('StatefulSet', 'db'))],
      ['db-0 StatefulSet/db'],
    ],
    [
      'a CronJob’s pods',
      [
        workload('CronJob', 'cj'),
        workload('Job', 'cj-1', '', owned('CronJob', 'cj')),
        live('p', '10.0.0.1', owned('Job', 'cj-1')),
      ],
      ['p CronJob/cj'],
    ],
    [
      'a Job that is done',
      [
        workload('Job', 'j', 'status: {conditions: [{type: Complete, status: "True"}]}'),
        live('q', '10.0.0.9'),
      ],
      ['q -'],
    ],
    ['a mirror pod', [live('etcd', '10.0.0.1', owned('Node', 'n1'))], ['etcd -']],
    [
      'a pod of the same name',
      [live('web', '10.0.0.1'), workload('Deployment', 'web')],
      ['web -', 'web.deployment Deployment/web'],
    ],
    [
      'an owner of another product',
      [live('p', '10.0.0.1', owned('Rollout', 'r'))],
      ['p Rollout/r'],
    ],
  ];
  it.each(rows)('%s', (_name, texts, expected) => {
    const { pods } = clusterOf(docs(...texts));
    const shown = pods.map(
      ({ name, workload: of }) => `${name} ${of === undefined ? '-' : `${of.kind}/${of.name}`}`,
    );
    expect(shown).toEqual(expected);
  });
});
