/** A list of connections for people: on a terminal, and as Markdown. */
import type { Exposure, ListReport, ServiceExposure } from '../../analysis/list.js';
import type { Party } from '../../analysis/report.js';
import { escapeMarkdown as escape } from '../../render/markdown.js';
import type { Paint } from '../../render/paint.js';
import { plural } from '../../render/terminal.js';
import { visible } from '../../render/visible-text.js';
import { renderTable } from '../base/table.js';

interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function listText(title: string, report: ListReport, paint: Paint): string {
  const parts = sectionsOf(report).map(({ title: name, head, rows }) => {
    const heading = `${paint('strong', name)}\n`;
    return (
      heading +
      renderTable(
        head,
        rows.map((row) => row.map((text) => ({ text }))),
        paint,
      )
    );
  });
  return [`${paint('strong', visible(headline(title, report)))}\n`, ...parts].join('\n');
}

export function listMarkdown(title: string, report: ListReport): string {
  const parts = sectionsOf(report).map(({ title: name, head, rows }) =>
    [
      `### ${escape(name)}\n\n`,
      `| ${head.map((one) => escape(one.toLowerCase())).join(' | ')} |\n`,
      `|${head.map(() => ' --- |').join('')}\n`,
      ...rows.map((row) => `| ${row.map(escape).join(' | ')} |\n`),
    ].join(''),
  );
  return [`**${escape(headline(title, report))}**\n`, ...parts].join('\n');
}

function headline(title: string, { workloads, connections }: ListReport): string {
  const pods = workloads.reduce((sum, one) => sum + one.pods, 0);
  return `${title}: ${plural(pods, 'pod')} of ${plural(workloads.length, 'workload')}, ${plural(connections.length, 'line')}`;
}

/** Those that have nothing to say are left out. */
function sectionsOf(report: ListReport): readonly Section[] {
  const { connections, fromOutside, fromOtherNamespaces, services } = report;
  const sections: Section[] = [
    {
      title: 'Allowed',
      head: ['FROM', 'TO', 'PORTS'],
      rows: connections.map(({ from, to, ports, family }) => [
        from.text,
        to.text,
        family === undefined ? ports : `${ports} (IPv${family})`,
      ]),
    },
    exposureSection('Reached from outside', fromOutside),
    exposureSection('Reached from other namespaces', fromOtherNamespaces),
    {
      title: 'Services for clients outside',
      head: ['SERVICE', 'TYPE', 'PORT', 'POLICIES SEE', 'LET IN'],
      rows: services.map(serviceRow),
    },
    {
      title: 'What no policy protects',
      head: ['PODS', 'WHAT IS OPEN'],
      rows: unprotectedRows(report),
    },
  ];
  return sections.filter(({ rows }) => rows.length > 0);
}

function exposureSection(title: string, exposures: readonly Exposure[]): Section {
  const rows = exposures.map(({ to, ports, from }) => [to.text, ports, from.text]);
  return { title, head: ['PODS', 'PORTS', 'BY'], rows };
}

function serviceRow({ service, type, port, seenAs, verdict }: ServiceExposure): readonly string[] {
  const letIn = { open: 'yes', partly: 'by some endpoints', closed: 'no' }[verdict];
  return [service, type, port, seenAs === 'nodes' ? "a node's address" : 'the client', letIn];
}

function unprotectedRows({ unprotected }: ListReport): readonly (readonly string[])[] {
  const row = (party: Party, what: string): readonly (readonly string[])[] =>
    party.pods === 0 ? [] : [[party.text, what]];
  return [
    ...row(unprotected.byAnyPolicy, 'no policy speaks of them'),
    ...row(unprotected.ingress, 'all that comes in'),
    ...row(unprotected.egress, 'all that goes out'),
  ];
}
