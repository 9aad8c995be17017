/** `policyc verify`, and what `compile` says of its own validation. */
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeBundle } from '../../src/codegen/bundle.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { link } from '../../src/codegen/assembly/link.js';
import type { Listing } from '../../src/codegen/assembly/listing.js';
import { normalize } from '../../src/ir/normalize.js';
import { planLookups } from '../../src/ir/plan.js';
import { SourceFile } from '../../src/source.js';
import { readPolicies } from '../oracle/world-model.js';
import { lacks } from '../support/requires.js';
import { invoke } from './invoke.js';
import { CLUSTER, enterWorkspace, POLICY } from './workspace.js';

let leave: () => void;

beforeAll(() => {
  ({ leave } = enterWorkspace({ 'policy.yaml': POLICY, 'cluster.yaml': CLUSTER }));
});
afterAll(() => leave());

interface Verified {
  readonly verified: boolean;
  readonly mode: string;
  readonly packets: number;
  readonly pods: number;
  readonly message?: string;
}

/** A bundle whose programs take each allowed port for the one behind it. */
function faultyBundle(): Uint8Array {
  const model = readPolicies(new SourceFile('policy.yaml', POLICY));
  const plan = planLookups(normalize(model));
  const image = link(offByOne(emitDatapath(plan)));
  const validated = { mode: 'none', packets: 0, pods: 0 } as const;
  const object = writeElf(image);
  return writeBundle({ compiler: 'test', target: '5.10', model, plan, image, object, validated })
    .bytes;
}

function offByOne(listing: Listing): Listing {
  return {
    ...listing,
    functions: listing.functions.map((one) => ({
      ...one,
      items: one.items.map((item) =>
        item.kind === 'instruction' &&
        item.instruction.kind === 'branch' &&
        'imm' in item.instruction.right &&
        item.instruction.right.imm === 5432
          ? { ...item, instruction: { ...item.instruction, right: { imm: 5433 } } }
          : item,
      ),
    })),
  };
}

describe('policyc verify', () => {
  it('verifies what compile wrote', async () => {
    const made = await invoke(['compile', 'policy.yaml', '-o', 'good.bundle']);
    expect(made.stdout).toMatch(/^validated +\d+ packets at \d+ pods: /m);
    const argv = ['verify', 'good.bundle', '--cluster', 'cluster.yaml'];
    const text = await invoke(argv);
    expect(text.stdout).toMatch(/^good\.bundle: verified: \d+ packets at 2 pods: .*; engine vm\n$/);
    expect(text.code).toBe(0);
    const json = await invoke([...argv, '--format', 'json']);
    const report = JSON.parse(json.stdout) as Verified;
    expect(report).toMatchObject({ verified: true, pods: 2 });
    expect(report.packets).toBeGreaterThan(100);
  });

  it.skipIf(lacks('root') !== undefined)('verifies in the kernel', async () => {
    await invoke(['compile', 'policy.yaml', '-o', 'good.bundle']);
    const argv = ['verify', 'good.bundle', '--cluster', 'cluster.yaml', '--engine', 'kernel'];
    const { code, stdout } = await invoke(argv);
    expect(stdout).toMatch(/verified: .*; engine kernel/);
    expect(code).toBe(0);
  });

  it('shows the packet and both answers where the bytecode differs', async () => {
    writeFileSync('bad.bundle', faultyBundle());
    const argv = ['verify', 'bad.bundle', '--cluster', 'cluster.yaml'];
    const { code, stdout } = await invoke(argv);
    expect(stdout).toContain('error[validate/mismatch]');
    expect(stdout).toMatch(/TCP port 543[23]: they say .*`shop\/db.*, it says /);
    expect(stdout).toMatch(/the packet [0-9a-f]{60,}/);
    expect(stdout).toContain('bad.bundle: not verified');
    expect(code).toBe(1);
    const json = await invoke([...argv, '--format', 'json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ verified: false });
    expect(json.code).toBe(1);
  });

  it('refuses a node that the cluster does not have', async () => {
    const argv = ['verify', 'good.bundle', '--cluster', 'cluster.yaml', '--node', 'nowhere'];
    expect((await invoke(argv)).code).toBe(2);
  });
});

describe('policyc compile --no-validate', () => {
  it('says so, in the bundle too', async () => {
    const made = await invoke(['compile', 'policy.yaml', '--no-validate', '-o', 'quick.bundle']);
    expect(made.stdout).toMatch(/^validated +no, as was asked for$/m);
    const dumped = await invoke(['dump', 'quick.bundle', '--format', 'json']);
    expect(JSON.parse(dumped.stdout)).toMatchObject({
      manifest: { validated: { mode: 'none', packets: 0, pods: 0 } },
    });
  });
});
