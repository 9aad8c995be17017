import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics.js';
import type { Pod } from '../../src/ir/cluster.js';
import { readEndpoints, type Endpoint } from '../../src/loader/endpoints.js';
import { SourceFile } from '../../src/source.js';
import { cluster, pod } from '../support/netns.js';

const HOST_POD: Pod = { ...pod('kube-system/proxy', 'one', ['192.0.2.1']), hostNetwork: true };
const PENDING: Pod = pod('shop/pending', 'one', []);
const DONE: Pod = { ...pod('shop/job', 'one', []), completed: true };
const SNAPSHOT = cluster([
  pod('shop/web', 'one', ['10.0.0.1']),
  pod('shop/db', 'one', ['10.0.0.2']),
  pod('shop/far', 'two', ['10.0.0.3']),
  HOST_POD,
  PENDING,
  DONE,
]);
const DEVICES = ['veth1', 'veth2', 'veth3', '0x1f'];

function read(text: string, node = 'one'): readonly Endpoint[] {
  return readEndpoints(new SourceFile('interfaces.yaml', text), SNAPSHOT, node, (device) => {
    const index = DEVICES.indexOf(device);
    return index < 0 ? undefined : index + 10;
  });
}

/** Each problem's code, the text that it underlines, and its hint. */
function problems(text: string, node = 'one'): readonly (readonly (string | undefined)[])[] {
  try {
    read(text, node);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return error.diagnostics.map(({ code, span, hint }) => [
      code,
      span?.file.text.slice(span.start, span.end),
      hint,
    ]);
  }
  return [];
}

describe('readEndpoints', () => {
  const both = [
    { namespace: 'shop', name: 'db', device: 'veth2', interfaceIndex: 11 },
    { namespace: 'shop', name: 'web', device: 'veth1', interfaceIndex: 10 },
  ];

  it.each([
    ['YAML', 'shop/web: veth1\nshop/db: veth2\n'],
    ['JSON', '{"shop/web": "veth1", "shop/db": "veth2"}'],
  ])('reads %s, sorted by pod', (_, text) => {
    expect(read(text)).toEqual(both);
  });

  it('takes names of interfaces as they are written', () => {
    expect(read('shop/web: 0x1f\nshop/db: veth2')[1]).toMatchObject({ device: '0x1f' });
  });

  it.each<[string, string, string, string | undefined]>([
    ['deploy/pod-unprotected', 'shop/web: veth1', '', 'add `shop/db: INTERFACE`'],
    [
      'deploy/no-such-interface',
      'shop/web: veth9\nshop/db: veth2',
      'veth9',
      "name the host side of the veth, and run in the network namespace that it is in: the node's",
    ],
    [
      'deploy/interface-twice',
      'shop/web: veth1\nshop/db: veth1',
      'veth1',
      'each pod has its own veth; a shared interface cannot be judged for two pods',
    ],
    ['deploy/pod-twice', 'shop/web: veth1\nshop/db: veth2\nshop/web: veth3', 'shop/web', undefined],
    [
      'deploy/unknown-pod',
      'shop/web: veth1\nshop/db: veth2\nshop/wep: veth3',
      'shop/wep',
      'did you mean `shop/web`?',
    ],
    [
      'deploy/pod-elsewhere',
      'shop/web: veth1\nshop/db: veth2\nshop/far: veth3',
      'shop/far',
      undefined,
    ],
    [
      'deploy/host-network-pod',
      'shop/web: veth1\nshop/db: veth2\nkube-system/proxy: veth3',
      'kube-system/proxy',
      "leave it out: its traffic is the node's, which policies do not select",
    ],
    [
      'deploy/pod-without-address',
      'shop/web: veth1\nshop/db: veth2\nshop/pending: veth3',
      'shop/pending',
      'give manifests with `status.podIPs`, or leave the pod out until it has an address',
    ],
    [
      'deploy/pod-without-address',
      'shop/web: veth1\nshop/db: veth2\nshop/job: veth3',
      'shop/job',
      "leave it out: its interface is gone, or another pod's by now",
    ],
    [
      'deploy/interfaces-malformed',
      'web: veth1',
      'web',
      'write one line for each pod, such as `shop/cart-0: vethcart`',
    ],
    [
      'deploy/interfaces-malformed',
      'shop/web: [veth1]',
      'shop/web',
      'write one line for each pod, such as `shop/cart-0: vethcart`',
    ],
    [
      'deploy/interfaces-malformed',
      'shop/web: a-name-that-is-too-long',
      'a-name-that-is-too-long',
      'write one line for each pod, such as `shop/cart-0: vethcart`',
    ],
    [
      'deploy/interfaces-malformed',
      '- shop/web',
      '- shop/web',
      'write one line for each pod, such as `shop/cart-0: vethcart`',
    ],
  ])('reports %s', (code, text, underlined, hint) => {
    expect(problems(text)).toEqual([[code, underlined, hint]]);
  });

  it('reports broken YAML where it breaks', () => {
    expect(problems('shop/web: "veth1')[0]?.[0]).toBe('deploy/interfaces-malformed');
  });

  it('reports everything at once', () => {
    expect(problems('shop/wep: veth9').map(([code]) => code)).toEqual([
      'deploy/unknown-pod',
      'deploy/no-such-interface',
      'deploy/pod-unprotected',
      'deploy/pod-unprotected',
    ]);
  });

  it('knows the node', () => {
    expect(problems('', 'onn')).toEqual([
      ['deploy/unknown-node', undefined, 'did you mean `one`?'],
    ]);
  });
});
