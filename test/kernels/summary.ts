/** What a kernel's guest said, against what the model says: counts, and each disagreement in words. */
import type { GuestLine } from './report-lines.js';

export interface KernelSummary {
  readonly kernel: string;
  readonly objects: number;
  readonly flows: number;
  readonly packets: number;
  readonly connections: number;
  readonly seconds: number;
  readonly disagreements: readonly string[];
}

/** Once with each setting of bpf_jit_harden. */
const ROUNDS = 2;
/** The packet path's cases run in each layout, without hardening alone. */
const LAYOUT_COUNT = 3;

/** @param expected the model's words for the flows of each table */
export function summarize(
  kernel: string,
  lines: readonly GuestLine[],
  expected: ReadonlyMap<string, readonly string[]>,
): KernelSummary {
  const disagreements: string[] = [];
  let [objects, flows, packets, connections, seconds] = [0, 0, 0, 0, 0];
  let harden = '';
  const seen = new Map<string, number>();
  const note = (what: string): void => {
    disagreements.push(`${kernel}, bpf_jit_harden=${harden}: ${what}`);
  };
  for (const line of lines) {
    switch (line.kind) {
      case 'harden':
        ({ harden } = line);
        break;
      case 'object':
        objects += 1;
        break;
      case 'table': {
        objects += 1;
        flows += line.flows.length;
        seen.set(line.name, (seen.get(line.name) ?? 0) + 1);
        const wanted = expected.get(line.name) ?? [];
        const longer = Math.max(wanted.length, line.flows.length);
        for (let i = 0; i < longer; i += 1) {
          if (wanted[i] === line.flows[i]) continue;
          note(`${line.name}: \`${line.flows[i] ?? ''}\`, the model \`${wanted[i] ?? ''}\``);
        }
        break;
      }
      case 'cases':
        ({ objects, packets } = {
          objects: objects + line.objects,
          packets: packets + line.packets,
        });
        seen.set('cases', (seen.get('cases') ?? 0) + 1);
        for (const surprise of line.surprises) note(`with ${line.layout}: ${surprise}`);
        break;
      case 'wire':
        connections += line.tried;
        seen.set('wire', (seen.get('wire') ?? 0) + 1);
        line.surprises.forEach(note);
        break;
      case 'failed':
        note(`${line.what} failed: ${line.why}`);
        break;
      case 'end':
        ({ seconds } = line);
        break;
      default:
        line satisfies never;
    }
  }
  harden = 'any';
  for (const name of expected.keys()) {
    if (seen.get(name) !== ROUNDS) note(`${name} was judged ${seen.get(name) ?? 0} times`);
  }
  if (seen.get('cases') !== LAYOUT_COUNT) note('not all cases of the packet path ran');
  if (seen.get('wire') !== ROUNDS) note('not all packets were sent between namespaces');
  if (!lines.some(({ kind }) => kind === 'end')) note('the guest did not come to its end');
  return { kernel, objects, flows, packets, connections, seconds, disagreements };
}
