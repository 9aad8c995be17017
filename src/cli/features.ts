/** `policyc features`: what the running kernel can do, and what is done where it cannot. */
import { featureUses, type FeatureUse } from '../loader/feature-uses.js';
import {
  jitHardening,
  probeFeatures,
  requireBpf,
  type Feature,
  type Probe,
} from '../loader/features.js';
import { refusalsAsDiagnostics } from '../loader/kernel-error.js';
import { DONE, NEGATIVE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { renderTable, type TableCell } from './base/table.js';

interface FeatureReport extends FeatureUse {
  readonly feature: string;
  readonly available: boolean;
  /** Nothing works without it. */
  readonly required: boolean;
  readonly reason?: string;
}

export function run(session: Session): Promise<ExitCode> {
  const { release, features, hardening } = refusalsAsDiagnostics(() => {
    requireBpf();
    return { ...probeFeatures(), hardening: jitHardening() };
  });
  const reports = Object.entries(featureUses).map(([name, use]): FeatureReport => {
    const probe: Probe = features[name as Feature];
    return {
      feature: name,
      available: probe.available,
      required: use.without === undefined,
      ...use,
      ...(probe.available ? {} : { reason: probe.reason }),
    };
  });
  const missing = reports.filter(({ available, required }) => required && !available);
  if (session.json) {
    const usable = missing.length === 0;
    session.printJson({ release, usable, jitHardening: hardening ?? null, features: reports });
    return Promise.resolve(usable ? DONE : NEGATIVE);
  }
  session.print(`Linux ${release}\n\n`);
  const heads = ['FEATURE', 'HERE', 'SINCE', 'WHAT FOR'];
  session.print(renderTable(heads, reports.map(rowOf), session.paint));
  for (const { feature, without, available, reason } of reports) {
    if (available || without === undefined) continue;
    session.print(`\n${feature} is missing (${reason ?? 'unknown'}): ${without}\n`);
  }
  if (hardening === 2) session.print(`\n${HARDENED}\n`);
  session.print(
    missing.length === 0
      ? '\nPrograms of policyc run here.\n'
      : `\nPrograms of policyc do not run here: ${missing.map(({ feature }) => feature).join(', ')} must be there.\n`,
  );
  return Promise.resolve(missing.length === 0 ? DONE : NEGATIVE);
}

const HARDENED =
  'net.core.bpf_jit_harden is 2: constants are blinded, and machine code is twice as long';

function rowOf({ available, required, feature, since, use }: FeatureReport): readonly TableCell[] {
  const absent: TableCell = required
    ? { text: 'no, needed', style: 'error' }
    : { text: 'no', style: 'warning' };
  return [
    { text: feature },
    available ? { text: 'yes' } : absent,
    { text: since ?? '-' },
    { text: use },
  ];
}
