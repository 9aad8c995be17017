/** Lowers label conditions (`where …`) to the OR of label selectors. */
import { faultOfLabelKey, faultOfLabelValue } from '../../parser/k8s/names.js';
import type { Condition, Text } from '../../parser/ast.js';
import { noteOrigin } from '../clause-origins.js';
import type { Reporter } from './context.js';
import type { LabelRequirement, LabelSelector } from '../model.js';

/** A condition may be the OR of this many selectors. */
export const MAX_ALTERNATIVES = 256;

type Alternatives = readonly (readonly LabelRequirement[])[];
type Test = Extract<Condition, { kind: 'test' }>;

const EVERYTHING: LabelSelector = { requirements: [] };

/** Selectors of which any matches where the condition holds; none if it was reported as too large. */
export function lowerCondition(
  condition: Condition | undefined,
  reporter: Reporter,
): readonly LabelSelector[] {
  if (condition === undefined) return [EVERYTHING];
  checkLabels(condition, reporter);
  const alternatives = alternativesOf(condition, false);
  if (alternatives === 'too-many') {
    const args = { limit: MAX_ALTERNATIVES };
    reporter.report('policy/too-many-alternatives', args, condition.span);
    return [];
  }
  return alternatives.map((requirements) => ({ requirements }));
}

function alternativesOf(condition: Condition, negated: boolean): Alternatives | 'too-many' {
  switch (condition.kind) {
    case 'not':
      return alternativesOf(condition.operand, !negated);
    case 'test':
      return [[noteOrigin(requirementOf(condition, negated), condition.span)]];
    case 'and':
    case 'or': {
      const isOr = (condition.kind === 'or') !== negated;
      let result: LabelRequirement[][] = isOr ? [] : [[]];
      for (const operand of condition.operands) {
        const next = alternativesOf(operand, negated);
        if (next === 'too-many') return next;
        const count = isOr ? result.length + next.length : result.length * next.length;
        if (count > MAX_ALTERNATIVES) return 'too-many';
        const [only, ...others] = next;
        if (isOr) result.push(...next.map((one) => [...one]));
        else if (only === undefined || others.length > 0) {
          result = result.flatMap((left) => next.map((right) => [...left, ...right]));
        } else {
          // In place: a long chain of `and` must not be copied for each of its links.
          for (const left of result) for (const requirement of only) left.push(requirement);
        }
      }
      return result;
    }
  }
}

function requirementOf(test: Test, negated: boolean): LabelRequirement {
  const key = test.key.text;
  const values = [...new Set(test.values.map((value) => value.text))];
  switch (test.operator) {
    case 'In':
      return { key, operator: negated ? 'NotIn' : 'In', values };
    case 'NotIn':
      return { key, operator: negated ? 'In' : 'NotIn', values };
    case 'Exists':
      return { key, operator: negated ? 'DoesNotExist' : 'Exists', values: [] };
  }
}

function checkLabels(condition: Condition, reporter: Reporter): void {
  switch (condition.kind) {
    case 'not':
      checkLabels(condition.operand, reporter);
      break;
    case 'and':
    case 'or':
      for (const operand of condition.operands) checkLabels(operand, reporter);
      break;
    case 'test':
      checkLabelKey(condition.key, reporter);
      for (const value of condition.values) checkLabelValue(value, reporter);
      break;
  }
}

export function checkLabelKey(key: Text, reporter: Reporter): void {
  const fault = faultOfLabelKey(key.text);
  if (fault !== undefined) reporter.report('policy/bad-label', { text: key.text, fault }, key.span);
}

export function checkLabelValue(value: Text, reporter: Reporter): void {
  const fault = faultOfLabelValue(value.text);
  if (fault === undefined) return;
  reporter.report('policy/bad-label', { text: value.text, fault }, value.span);
}
