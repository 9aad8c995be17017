import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BoundSubject } from '../../src/codegen/contents.js';
import {
  openControl,
  otherHalf,
  readControl,
  writeControl,
} from '../../src/loader/deploy/control.js';
import { closeGate, fillSlot, openGate, type Gate } from '../../src/loader/deploy/gates.js';
import { openState } from '../../src/loader/deploy/state.js';
import { podKey } from '../../src/loader/endpoints.js';
import { nativeDoor, type MapHandle } from '../../src/loader/native.js';
import { loadContents, POD_DIRECTIONS } from '../../src/loader/pod-programs.js';
import { isRoot } from '../support/netns.js';
import { Wire } from '../support/wire.js';
import {
  CLIENTS,
  CLUSTER,
  expectWhole,
  FIRST,
  listen,
  SECOND,
  startLoad,
  type Loads,
} from './load.js';

const all = process.env['POLICYC_TEST_ALL'] === '1';
/** Each loads a whole generation. */
const APPLIES = all ? 1000 : 40;
const TRIES = 20;
/** The same two generations, over and over. */
const CHANGES = all ? 5000 : 200;

describe.runIf(isRoot).each(['tcx', 'clsact'] as const)('swaps under load, on %s', (hooks) => {
  const applies = hooks === 'tcx' ? APPLIES : APPLIES / 10;
  let wire: Wire;

  beforeAll(async () => {
    wire = await Wire.create(CLUSTER, [], hooks);
    await listen(wire.network);
    wire.apply(FIRST);
  }, 60_000);

  afterAll(() => {
    (wire as Wire | undefined)?.close();
  });

  async function underLoad(work: () => void): Promise<Loads> {
    const stop = await startLoad(wire.network);
    work();
    return stop();
  }

  it(`lose nothing that both allow, and pass nothing that both deny, in ${applies} applies`, async () => {
    const [first, second] = [wire.prepare(FIRST), wire.prepare(SECOND)];
    const loads = await underLoad(() => {
      for (let i = 0; i < applies; i += 1) (i % 2 === 0 ? second : first)();
    });
    expectWhole(loads);
  }, 1_800_000);

  it('disturb no pod when another comes or goes, nor that one', async () => {
    // It stops the denied flow at the server, whether or not a client has a gate.
    const everyone = wire.prepare(SECOND);
    const [guest = ''] = CLIENTS;
    const others = wire.prepare(SECOND, (pod) => podKey(pod) !== guest);
    everyone();
    const { allowed, denied } = await underLoad(() => {
      for (let i = 0; i < 10; i += 1) {
        expect(others()[0]?.removed).toEqual([guest]);
        expect(everyone()[0]?.attached).toEqual([guest]);
      }
    });
    // The kernel stops an interface for a moment when clsact comes or goes (qdisc_graft in
    // net/sched/sch_api.c): the guest's two flows, which are the first, feel that.
    expectWhole({ allowed: hooks === 'tcx' ? allowed : allowed.slice(2), denied });
  }, 120_000);

  /** Puts a second generation into the half that is not in force, and gives what opens the gates. */
  function bothLoaded(): { readonly control: MapHandle; readonly close: () => void } {
    wire.apply(FIRST);
    const root = wire.root('one');
    const control = openControl(root);
    const half = otherHalf(readControl(control).half);
    const [bound] = wire.bind(SECOND);
    if (bound === undefined) throw new Error('no node');
    const gates = new Map(
      bound.contents.subjects.map((one) => [podKey(one), openGate(root, podKey(one), control)]),
    );
    const gateOf = (subject: BoundSubject): Gate => {
      const gate = gates.get(podKey(subject));
      if (gate?.fresh !== false) throw new Error('it must have a gate');
      return gate;
    };
    const halvesOf = (subject: BoundSubject): MapHandle => gateOf(subject).halves;
    const source = openState.bind(undefined, root);
    const loaded = loadContents(bound.object, bound.contents, source, { half, halvesOf });
    for (const { subject, programs } of loaded.pods) {
      for (const direction of POD_DIRECTIONS) {
        fillSlot(gateOf(subject).halves, direction, half, programs[direction]);
      }
    }
    const close = (): void => {
      loaded.close();
      gates.forEach(closeGate);
      control.close();
    };
    return { control, close };
  }

  it(`lose and pass nothing in ${CHANGES} changes of halves, with both in between`, async () => {
    const { control, close } = bothLoaded();
    const door = nativeDoor();
    let { half } = readControl(control);
    expectWhole(
      await underLoad(() => {
        for (let i = 0; i < CHANGES; i += 1) {
          writeControl(control, { half, both: true });
          door.waitForReaders();
          half = otherHalf(half);
          writeControl(control, { half, both: false });
          door.waitForReaders();
        }
      }),
    );
    close();
  }, 600_000);

  it('would pass what both deny if one half gave way to the other at once', async () => {
    const { control, close } = bothLoaded();
    let { half } = readControl(control);
    let passed = 0;
    // It takes a packet that is on its way just then, so that one try may see none.
    for (let i = 0; i < TRIES && passed === 0; i += 1) {
      const { denied } = await underLoad(() => {
        const end = performance.now() + 5_000;
        while (performance.now() < end) {
          half = otherHalf(half);
          writeControl(control, { half, both: false });
        }
      });
      passed = denied.reduce((sum, { received }) => sum + received, 0);
    }
    close();
    expect(passed).toBeGreaterThan(0);
  }, 300_000);
});
