/** Test runs where the kernel takes no ingress_ifindex: the object reads another word, and nothing else changes. */
import { describe, expect, it } from 'vitest';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { link } from '../../src/codegen/assembly/link.js';
import { PROGRAMS } from '../../src/codegen/contents.js';
import { closePod, closeShared, createSharedMaps, loadPod } from '../../src/loader/pod-programs.js';
import { ingressInScratch, readIngressFromScratch } from '../../src/loader/test-run-object.js';
import { testSkb } from '../../src/loader/test-skb.js';
import { CLUSTER } from '../datapath/case.js';
import { LAYOUTS, prepare } from '../datapath/engines.js';
import { CLOSED } from '../datapath/policies.js';
import { OWN_NODE, X } from '../datapath/world.js';
import { frame, PROTO, tcp } from '../support/frames.js';
import { lacks } from '../support/requires.js';

const missing = lacks('root');

describe.each(LAYOUTS)('with %s', (layout) => {
  const { plan, contents } = prepare(CLOSED, CLUSTER, layout);
  const object = writeElf(link(emitDatapath(plan)));

  it('the offsets of both loads change, for the own node and for the pod itself', () => {
    const changed = readIngressFromScratch(object);
    const places = [...changed.keys()].filter((i) => changed[i] !== object[i]);
    expect(places.map((i) => [object[i], changed[i]])).toEqual([
      [36, 64],
      [36, 64],
    ]);
  });

  it.skipIf(missing !== undefined)('the node itself is told from others by that word', () => {
    const shared = createSharedMaps(contents);
    try {
      const subject = contents.subjects.find(({ name }) => name === 'x');
      if (subject === undefined) throw new Error('no pod x');
      const pod = loadPod(readIngressFromScratch(object), contents, shared, subject);
      try {
        const packet = frame(OWN_NODE, X, PROTO.tcp, tcp(1, 80));
        const actions = [0, 1].map((ingressIfindex) => {
          const fields = ingressInScratch({ ingressIfindex });
          return testSkb(pod.programs[PROGRAMS.ingress], packet, fields).action;
        });
        expect(actions).toEqual([-1, 2]);
      } finally {
        closePod(pod);
      }
    } finally {
      closeShared(shared);
    }
  });
});
