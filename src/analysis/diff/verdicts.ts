/** Verdicts as reports tell them: what each side says, by which rule, and whose that is. */
import { reportJudgement, type FlowJudgement } from '../../ir/flows.js';
import type { Direction } from '../../ir/model.js';
import type { Judgement, NormalModel } from '../../ir/normal-model.js';
import type { SideReport, VerdictReport } from '../report.js';

export function reportVerdict(model: NormalModel, judged: FlowJudgement): VerdictReport {
  const side = (direction: Direction): Partial<Record<Direction, SideReport>> => {
    const judgement = judged[direction];
    return judgement === undefined ? {} : { [direction]: reportSide(model, judgement) };
  };
  return { verdict: judged.verdict, ...side('egress'), ...side('ingress') };
}

export function reportSide(model: NormalModel, judgement: Judgement): SideReport {
  const decider = model.deciders[judgement.decider];
  const policy = decider === undefined || decider.kind === 'none' ? undefined : decider.policy;
  return {
    ...reportJudgement(model, judgement),
    ...(policy?.owner === undefined ? {} : { owner: policy.owner }),
    ...(policy?.contact === undefined ? {} : { contact: policy.contact }),
  };
}

/** The sides whose verdict differs. */
export function changedSides(was: FlowJudgement, is: FlowJudgement): readonly Direction[] {
  return (['egress', 'ingress'] as const).filter(
    (side) => was[side]?.verdict !== is[side]?.verdict,
  );
}
