/** docs/lint.md: how lints are switched, and what each of them is about. */
import type { CatalogEntry } from '../../catalog/entry.js';
import { catalog, type DiagnosticCode } from '../../catalog/index.js';
import { lintClusterCatalog } from '../../catalog/lint-cluster.js';
import { lintCatalog } from '../../catalog/lint.js';
import { levelOf } from '../../lint/levels.js';

const INTRO = `# Lints

<!-- Made from src/catalog/lint.ts and lint-cluster.ts: \`npx vitest run test/cli/lint.test.ts -u\` writes it. -->

\`policyc lint\` says everything that \`policyc check\` says, and what is legal and probably not meant. \`check\` is about
what policies say: errors, and what can never have an effect. \`lint\` adds judgements, each with a code; \`policyc help
CODE\` explains it. Without \`--cluster\` it says what holds in every cluster; with one it also judges what the policies do
there, by classes over all pods and addresses (docs/analysis.md), so that "decides nothing" means just that.

    policyc lint policies/ --cluster cluster.yaml
    policyc lint policies/ --diff          # what --fix would change
    policyc lint policies/ --fix

## Fixes

\`--fix\` applies fixes that keep the meaning in every cluster. The policies that come out are compared with those that went
in, in a cluster made up of all that selectors tell apart, before a file is written; comments stay. \`--unsafe-fixes\` also applies fixes that change the meaning, such
as a corrected label. Files are replaced as a whole or not at all.

## Switching a lint off

In the source, with a reason:

    # policyc: allow lint/open-to-outside reason "the shop front"

At the end of a line the comment holds for the line; on a line of its own for the rule, section, document or statement
that follows; \`allow-file\` holds for the file. A comment without a reason switches nothing off and is reported, as is one that
switches nothing off. Several codes are divided by commas.

For all files, on the command line with \`--allow\`, \`--warn\` and \`--deny\`, or in policyc.yaml:

    lint:
      fail-on: warn
      allow: [lint/namespace-open]
      deny: ["lint/open-to-anyone"]

The command line goes before the file, and a single code before \`lint/*\` and \`all\`. Errors of \`check\` stay errors.
`;

/** Markdown; the first paragraphs of the explanations say what each lint is about. */
export function lintReference(): string {
  const section = (title: string, part: Readonly<Record<string, unknown>>): string => {
    const codes = Object.keys(part).filter((code): code is DiagnosticCode => code in catalog);
    const lines = codes.filter((code) => catalog[code].severity === 'warning').map(lineOf);
    return `\n## ${title}\n\n${lines.join('\n')}\n`;
  };
  return `${INTRO}${section('Of the policies alone', lintCatalog)}${section('With a cluster', lintClusterCatalog)}`;
}

function lineOf(code: DiagnosticCode): string {
  const isOff = levelOf({ code, severity: 'warning' }, new Map()) === 'allow';
  return `* \`${code}\`${isOff ? ' (off unless asked for)' : ''}: ${firstParagraph(catalog[code])}`;
}

function firstParagraph({ explanation }: Pick<CatalogEntry<never>, 'explanation'>): string {
  const [first = ''] = explanation.replace(/^Off unless asked for[.:]\s*/, '').split('\n');
  return first.charAt(0).toUpperCase() + first.slice(1);
}
