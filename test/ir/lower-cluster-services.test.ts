/** Services and their endpoints: row 37. */
import { describe, expect, it } from 'vitest';
import type { Service } from '../../src/ir/cluster.js';
import { clusterOf } from '../parser/k8s/reading.js';
import {
  addresses,
  docs,
  live,
  service,
  showEndpoints,
  slice,
  workload,
} from './lower-cluster-texts.js';

describe('services', () => {
  const only = (...texts: readonly string[]): Service => {
    const [one] = clusterOf(docs(...texts)).services;
    if (one === undefined) throw new Error('no service');
    return one;
  };
  const web = (name: string, ip: string, extra = ''): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: {app: web}}\nspec: {containers: [{ports: [{name: http, containerPort: ${name === 'b' ? '9090' : '8080'}}]}]}\nstatus: {phase: Running, podIPs: [{ip: ${ip}}]${extra}}`;

  it.each([
    ['one address', 'clusterIP: 10.9.0.1', '10.9.0.1'],
    ['two families', 'clusterIP: 10.9.0.1, clusterIPs: [10.9.0.1, "fd09::1"]', '10.9.0.1 fd09::1'],
    ['headless', 'clusterIP: None, clusterIPs: [None]', ''],
    ['headless by the old field alone', 'clusterIP: None', ''],
    ['a manifest', 'ports: []', '248.0.0.1 fd70:6f6c:6963:7964::1'],
    ['an empty text', 'clusterIP: ""', '248.0.0.1 fd70:6f6c:6963:7964::1'],
    ['ExternalName', 'type: ExternalName, externalName: example.com', ''],
  ])('%s', (_name, spec, expected) => {
    expect(addresses(only(service('s', spec)))).toBe(expected);
  });

  it('find endpoints by selector, with target ports by number, by name and by default', () => {
    const one = only(
      service(
        's',
        'selector: {app: web}, ports: [{port: 80, targetPort: http}, {name: b, port: 81, targetPort: 8}, {name: c, port: 82}, {name: d, port: 83, targetPort: http, protocol: UDP}]',
      ),
      web('b', '10.0.0.2'),
      web('a', '10.0.0.1'),
      web('unready', '10.0.0.3', ', conditions: [{type: Ready, status: "False"}]'),
      web('ready', '10.0.0.4', ', conditions: [{type: Ready, status: "True"}]'),
      live('other', '10.0.0.5'),
    );
    expect(one.ports).toEqual([
      { name: '', protocol: 'TCP', port: 80 },
      { name: 'b', protocol: 'TCP', port: 81 },
      { name: 'c', protocol: 'TCP', port: 82 },
      { name: 'd', protocol: 'UDP', port: 83 },
    ]);
    expect(showEndpoints(one)).toEqual([
      '10.0.0.1 80->8080 81->8 82->82',
      '10.0.0.2 80->9090 81->8 82->82',
      '10.0.0.4 80->8080 81->8 82->82',
    ]);
  });

  it('publish pods that are not ready where they say so', () => {
    const one = only(
      service('s', 'publishNotReadyAddresses: true, selector: {app: web}, ports: [{port: 1}]'),
      web('unready', '10.0.0.3', ', conditions: [{type: Ready, status: "False"}]'),
    );
    expect(showEndpoints(one)).toEqual(['10.0.0.3 1->1']);
  });

  it('find representatives', () => {
    const one = only(
      service('s', 'selector: {app: web}, ports: [{port: 80, targetPort: http}]'),
      workload('Deployment', 'web'),
    );
    expect(showEndpoints(one)).toEqual(['240.0.0.1 80->80', 'fd70:6f6c:6963:7963::1 80->80']);
  });

  it('without a selector have none but what is written', () => {
    expect(showEndpoints(only(service('s', 'ports: [{port: 1}]'), web('a', '10.0.0.1')))).toEqual(
      [],
    );
  });

  const ports = 'ports: [{name: x, port: 8443}, {name: yy, port: 9, protocol: UDP}]';
  it('take EndpointSlices ahead of selectors, all of them, ready ones alone', () => {
    const one = only(
      service(
        's',
        'selector: {app: web}, ports: [{name: x, port: 443}, {name: yy, port: 10, protocol: UDP}]',
      ),
      web('a', '10.0.0.1'),
      slice(
        's1',
        's',
        `addressType: IPv4\nendpoints: [{addresses: [10.0.0.7]}, {addresses: [10.0.0.8], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.0.0.9], conditions: {ready: null}}]\n${ports}`,
      ),
      slice(
        's2',
        's',
        `addressType: IPv6\nendpoints: [{addresses: ["fd00::7"], conditions: {ready: true}}]\n${ports}`,
      ),
      slice('s3', 's', 'addressType: FQDN\nendpoints: [{addresses: [example.com]}]\nports: []'),
      slice('other', 't', `addressType: IPv4\nendpoints: [{addresses: [10.0.0.99]}]\n${ports}`),
      'apiVersion: v1\nkind: Endpoints\nmetadata: {name: s, namespace: shop}\nsubsets: [{addresses: [{ip: 10.0.0.50}], ports: [{name: x, port: 1}]}]',
    );
    expect(showEndpoints(one)).toEqual([
      '10.0.0.7 443->8443 10->9',
      '10.0.0.9 443->8443 10->9',
      'fd00::7 443->8443 10->9',
    ]);
  });

  it('fall back to endpoints that serve while they terminate', () => {
    const one = only(
      service('s', 'ports: [{name: x, port: 443}]'),
      slice(
        's1',
        's',
        `addressType: IPv4\nendpoints: [{addresses: [10.0.0.8], conditions: {ready: false, serving: true, terminating: true}}, {addresses: [10.0.0.9], conditions: {ready: false, serving: false, terminating: true}}]\n${ports}`,
      ),
    );
    expect(showEndpoints(one)).toEqual(['10.0.0.8 443->8443']);
  });

  it('fall back in each family and port by itself', () => {
    const leaving = 'conditions: {ready: false, serving: true, terminating: true}';
    const one = only(
      service('s', 'ports: [{name: x, port: 443}, {name: yy, port: 10, protocol: UDP}]'),
      slice(
        's1',
        's',
        `addressType: IPv4\nendpoints: [{addresses: [10.0.0.8], ${leaving}}]\n${ports}`,
      ),
      slice(
        's2',
        's',
        `addressType: IPv6\nendpoints: [{addresses: ["fd00::8"], ${leaving}}]\n${ports}`,
      ),
      slice(
        's3',
        's',
        'addressType: IPv6\nendpoints: [{addresses: ["fd00::9"]}]\nports: [{name: x, port: 8443}]',
      ),
    );
    expect(showEndpoints(one)).toEqual([
      '10.0.0.8 443->8443 10->9',
      'fd00::8 10->9',
      'fd00::9 443->8443',
    ]);
  });

  it('fall back to selected pods that terminate', () => {
    const leaving = web('leaving', '10.0.0.1').replace(
      '{',
      '{deletionTimestamp: "2026-01-01T00:00:00Z", ',
    );
    const selecting = service('s', 'selector: {app: web}, ports: [{port: 1}]');
    expect(showEndpoints(only(selecting, leaving))).toEqual(['10.0.0.1 1->1']);
    expect(showEndpoints(only(selecting, leaving, web('stays', '10.0.0.2')))).toEqual([
      '10.0.0.2 1->1',
    ]);
  });

  it('take Endpoints where there is no slice, as default/kubernetes has them', () => {
    const one = only(
      'apiVersion: v1\nkind: Service\nmetadata: {name: kubernetes}\nspec: {clusterIPs: [10.96.0.1], ports: [{name: https, port: 443, targetPort: 6443}]}',
      'apiVersion: v1\nkind: Endpoints\nmetadata: {name: kubernetes}\nsubsets: [{addresses: [{ip: 192.168.0.10}], notReadyAddresses: [{ip: 192.168.0.11}], ports: [{name: https, port: 6443}]}]',
    );
    expect([one.namespace, addresses(one), showEndpoints(one)]).toEqual([
      'default',
      '10.96.0.1',
      ['192.168.0.10 443->6443'],
    ]);
  });
});
