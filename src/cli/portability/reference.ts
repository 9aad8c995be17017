/** The text of docs/portability.md, made from the differences themselves. */
import {
  IMPLEMENTATIONS,
  type Basis,
  type Difference,
  type Implementation,
} from '../../ir/implementations.js';

export function portabilityReference(): string {
  const others = IMPLEMENTATIONS.filter(({ differences }) => differences.length > 0);
  return [INTRODUCTION, ...others.map(implementationPart)].join('\n\n').concat('\n');
}

const SURE: Readonly<Record<Basis, string>> = {
  documented: 'documented',
  code: 'its code',
  reported: 'reported',
  inferred: 'our conclusion',
};

const INTRODUCTION = `# Portability

<!-- Made from src/ir/implementations: \`npx vitest run test/portability/reference.test.ts -u\` writes it. -->

The same NetworkPolicy means other things with other implementations. \`--as\` judges as one of them really does:

    policyc eval --as cilium --policies policies/ --cluster cluster.yaml --flows flows.yaml
    policyc list --as aws policies/ --cluster cluster.yaml
    policyc diff --as k3s main:policies/ policies/ --cluster cluster.yaml
    policyc diff --as cilium --as calico policies/ --cluster cluster.yaml
    policyc portability policies/ --cluster cluster.yaml

The fourth lists the flows that the two judge differently, with a flow to try and the numbers of the rows below that
cause it; the last does so for all of them against the text of the API, and lists the rows that touch the policies.
\`--fail-on any\` makes it a gate.

A name may have a version, and settings: \`cilium@1.15\`, \`cilium@1.15+cidr-match-nodes+sctp\`. Without a version it is
the one that stands below, the newest that the rows were read from. \`policyc\` is ours; \`upstream\` is the text of the
API where we chose otherwise (SEMANTICS, section 6).

## How

Each row that is judged is an edit of the policies (src/ir/implementations): a rule that goes ahead of all, a peer that
passes over pods, a port that becomes another, how Services are handled. The interpreter, the analysis by classes and
\`diff\` all judge the edited policies; nothing is said twice. A decider called \`cilium-4\` is such a rule, and
\`shop/web egress[0] by aws-3\` is a rule of yours as the row has it.

A cause is found by taking rows away from both implementations, one after the other, as long as they still disagree on the
witness. A line may hold for pods, nodes and outsiders at once: a witness of each kind is asked.

What cannot be judged is listed with the reason, and told wherever the row touches the policies. Policies of the policy
language are refused, as nobody else reads them; \`compile\` knows our own semantics alone.

## Proof

\`test/portability\` has a second evaluator for every implementation, which reads Kubernetes objects flow by flow and shares
no code with these edits. Over every flow of random worlds it must agree with the interpreter, with what \`list\` names, and
pair by pair with what \`diff\` names. Every row that is judged must change some flow there. How sure a row is that an
implementation really does so is the column _sure_: nothing here has been run against the implementations themselves.`;

function implementationPart(implementation: Implementation): string {
  const { name, title, version, settings, differences } = implementation;
  const number = ({ id }: Difference): number => Number(id.slice(name.length + 1));
  const sorted = [...differences].sort((a, b) => number(a) - number(b));
  const known = Object.entries(settings).map(([one, what]) => `* \`+${one}\`: ${what}`);
  return [
    `## ${name}: ${title} ${version}`,
    ...(known.length === 0 ? [] : [known.join('\n')]),
    [
      '| number | versions | what it does | what the API says | how it is judged | sure | source |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...sorted.map(rowOf),
    ].join('\n'),
  ].join('\n\n');
}

function rowOf(difference: Difference): string {
  const { id, does, upstream, model, basis, sources } = difference;
  const links = sources.map((url) => `<${url}>`).join(' ');
  const cells = [id, versionsOf(difference), does, upstream, model, SURE[basis], links];
  return `| ${cells.map((text) => text.replace(/\|/g, '\\|')).join(' | ')} |`;
}

function versionsOf({ versions, unless }: Difference): string {
  const parts = [
    ...(versions?.from === undefined ? [] : [`from ${versions.from}`]),
    ...(versions?.before === undefined ? [] : [`before ${versions.before}`]),
    ...(unless === undefined ? [] : [`without +${unless}`]),
  ];
  return parts.length === 0 ? 'all' : parts.join(', ');
}
