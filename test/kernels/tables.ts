/** The verdict tables, judged by one engine: what becomes of each flow, in words that can be compared. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startEngine, type EngineName } from '../../src/cli/engines.js';
import { judgeFlow, reportFlow, type JudgementReport } from '../../src/ir/flows.js';
import { resolveFlows } from '../../src/ir/flows/read.js';
import { readCluster, valueOf } from '../oracle/world-model.js';
import { clusterFile } from '../verdicts/cluster-text.js';
import { casesOf, clusterOf, modelOf, readTable } from '../verdicts/table.js';

const FOLDER = join(import.meta.dirname, '../verdicts');

/** Those that have flows: the others are about policies that are refused. */
export function tableNames(): readonly string[] {
  const names = readdirSync(FOLDER).filter((name) => /^\d\d.*\.yaml$/.test(name));
  return names.filter((name) => readTable(name).flows !== undefined).sort();
}

/** For each flow: what it is, the verdict, and what each side says by which rule. */
export async function judgeTable(name: string, engine: EngineName): Promise<readonly string[]> {
  const table = readTable(name);
  const cluster = readCluster(clusterFile(clusterOf(table)));
  const at = table.at === undefined ? 0 : Date.parse(table.at);
  const policies = modelOf(table.policies ?? [], table.language);
  const { model, judgeIn, close } = await startEngine(engine, policies, at);
  try {
    const cases = casesOf(table);
    const entries = cases.map(({ entry }) => entry);
    const flows = valueOf(resolveFlows(entries, cluster, () => undefined));
    const judge = judgeIn(cluster);
    return flows.map((flow, i) => {
      const { verdict, egress, ingress } = reportFlow(model, judgeFlow(flow, judge));
      return `${cases[i]?.name ?? ''}: ${verdict}, ${say('egress', egress)}, ${say('ingress', ingress)}`;
    });
  } finally {
    close();
  }
}

function say(side: string, report: JudgementReport | undefined): string {
  if (report === undefined) return `no ${side}`;
  return `${side} ${report.verdict} ${report.reason} ${report.rule ?? '-'}`;
}
