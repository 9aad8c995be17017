import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/diagnostics.js';
import { createKernelRunner } from '../../src/loader/kernel-engine.js';
import { address, isRoot } from '../support/netns.js';
import {
  portFilter,
  portFilterContents,
  refusedContents,
  refusedObject,
} from '../support/port-filter.js';
import { udpPacket } from '../support/raw-packets.js';

/** An Ethernet frame with a datagram to the port. */
function frame(port: number): Uint8Array {
  const header = Buffer.alloc(14);
  header.writeUInt16BE(0x0800, 12);
  const packet = udpPacket(address('10.0.0.1'), 1000, address('10.0.0.2'), port);
  return Buffer.concat([header, packet]);
}

describe.runIf(isRoot)('createKernelRunner', () => {
  it("runs each subject's own program, over maps that all share", () => {
    const contents = portFilterContents({ pods: { 'a/a': 5000, 'a/b': 6000 }, everyone: 7000 });
    const runner = createKernelRunner(portFilter, contents);
    const results = [0, 1].map((subject) =>
      [5000, 6000, 7000, 8000].map(
        (port) => runner.run(subject, 'ingress', frame(port), { ingressIfindex: 1 }).result,
      ),
    );
    expect(results).toEqual([
      [2, -1, 2, -1],
      [-1, 2, 2, -1],
    ]);
    expect(runner.run(0, 'egress', frame(5000), { mark: 7, cb: [1, 2] })).toMatchObject({
      result: 2,
      mark: 7,
      cb: [1, 2, 0, 0, 0],
    });
    runner.forget();
    runner.close();
  });

  it('says what the verifier refuses', () => {
    const runner = createKernelRunner(refusedObject, refusedContents(['a/a']));
    let thrown: unknown;
    try {
      runner.run(0, 'ingress', frame(1));
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof InputError)) throw new Error('it must be refused');
    expect(thrown.diagnostics.map(({ code }) => code)).toEqual(['kernel/verifier']);
    runner.close();
  });

  it('does not pretend to set what the kernel derives itself', () => {
    const contents = portFilterContents({ pods: { 'a/a': 1 } });
    const runner = createKernelRunner(portFilter, contents);
    expect(() => runner.run(0, 'ingress', frame(1), { pktType: 1 })).toThrow('pktType');
    runner.close();
  });
});
