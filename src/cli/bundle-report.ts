/** What a bundle holds, for people and machines. */
import { cpus } from 'node:os';
import type { Bundle, Manifest } from '../codegen/bundle.js';
import type { MapContents } from '../codegen/contents.js';
import { slotCount } from '../codegen/assembly/link.js';
import {
  memoryOf,
  USUAL_SIZES,
  type KernelSizes,
  type NodeMemory,
} from '../codegen/layout/memory.js';
import type { ObjectImage } from '../codegen/object/object-image.js';
import type { Paint } from '../render/paint.js';
import { memoryText } from './memory-text.js';
import { plural } from '../render/terminal.js';
import { renderPairs, renderTable, type TableCell } from './base/table.js';

export interface BundleReport {
  readonly digest: string;
  readonly bytes: number;
  readonly compiler: string;
  readonly target: string;
  readonly policies: number;
  readonly rules: number;
  readonly verdict: Manifest['verdict'];
  readonly validated: Manifest['validated'];
  readonly programs: readonly {
    readonly name: string;
    readonly role: string;
    readonly instructions: number;
  }[];
  readonly maps: readonly MapReport[];
  readonly tables: readonly TableReport[];
  /** Pods whose programs were bound; only where a cluster was given. */
  readonly subjects?: number;
  /** If one node held all of them; only where a cluster was given. */
  readonly memory?: NodeMemory;
}

interface MapReport {
  readonly name: string;
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Only where a cluster was given. */
  readonly entries?: number;
}

interface TableReport {
  readonly name: string;
  readonly frozen: boolean;
  /** As bound to the cluster, or as the object declares it where none was given. */
  readonly bytes: number;
}

/** @param contents what the bundle becomes in a cluster, where one was given */
export function bundleReport(
  { digest, manifest }: Bundle,
  image: ObjectImage,
  bytes: number,
  contents?: MapContents,
): BundleReport {
  const boundMaps = new Map(contents?.maps.map((map) => [map.name, map]));
  const boundTables = new Map(contents?.tables.map((table) => [table.name, table]));
  return {
    digest,
    bytes,
    compiler: manifest.compiler,
    target: manifest.target,
    policies: manifest.policies,
    rules: manifest.rules,
    verdict: manifest.verdict,
    validated: manifest.validated,
    programs: image.functions.map((one) => ({
      name: one.name,
      role: one.role,
      instructions: slotCount(one),
    })),
    maps: image.maps.map(({ name, type, keySize, valueSize, maxEntries }) => {
      const bound = boundMaps.get(name);
      const size = { name, type, keySize, valueSize, maxEntries: bound?.maxEntries ?? maxEntries };
      return bound === undefined ? size : { ...size, entries: bound.count };
    }),
    tables: image.tables.map(({ name, frozen, initial }) => ({
      name,
      frozen,
      bytes: boundTables.get(name)?.bytes.length ?? initial.length,
    })),
    ...(contents === undefined
      ? {}
      : {
          subjects: contents.subjects.length,
          memory: memoryOf(contents, image, usualSizes(), true),
        }),
  };
}

/** The kernel of the node may be another one: what differs there is far less than a page for a map. */
function usualSizes(): KernelSizes {
  return { ...USUAL_SIZES, possibleCpus: cpus().length };
}

export function bundleText(path: string, report: BundleReport, paint: Paint): string {
  const { programs, maps, tables, subjects, memory } = report;
  const instructions = programs.reduce((sum, one) => sum + one.instructions, 0);
  const tableBytes = tables.reduce((sum, one) => sum + one.bytes, 0);
  const pairs: (readonly [string, string])[] = [
    ['bundle', path],
    ['digest', `sha256:${report.digest}`],
    ['size', `${report.bytes} bytes`],
    ['policies', `${report.policies} with ${plural(report.rules, 'rule')}`],
    ['target', `kernel ${report.target} and later`],
    ['made by', report.compiler],
    ['programs', `${programs.length} with ${instructions} instructions`],
    ['ingress', `${report.verdict.ingress.layout}: ${report.verdict.ingress.why}`],
    ['egress', `${report.verdict.egress.layout}: ${report.verdict.egress.why}`],
  ];
  pairs.push(['validated', validatedText(report.validated)]);
  if (subjects !== undefined) {
    const entries = maps.reduce((sum, one) => sum + (one.entries ?? 0), 0);
    const bound = `${subjects} pods; ${entries} map entries, ${tableBytes} bytes of tables`;
    pairs.push(['bound to', bound]);
  }
  if (memory !== undefined) pairs.push(['memory', memoryText(memory)]);
  return [
    renderPairs(pairs, paint),
    renderTable(['PROGRAM', 'KIND', 'INSTRUCTIONS'], programs.map(programRow), paint),
    renderTable(['TABLE', 'FROZEN', 'BYTES'], tables.map(tableRow), paint),
    renderTable(['MAP', 'TYPE', 'KEY', 'VALUE', 'ENTRIES', 'AT MOST'], maps.map(mapRow), paint),
  ].join('\n');
}

/** How it was compared with the policies, in words. */
export function validatedText({ mode, packets, pods }: Manifest['validated']): string {
  const how = `${packets} packets at ${pods} pods`;
  switch (mode) {
    case 'product':
      return `${how}: every pod, address and port with each other`;
    case 'factors':
      return `${how}: each boundary of addresses, ports and protocols by itself`;
    case 'sample':
      return `${how}: an even part of the boundaries of addresses, ports and protocols`;
    case 'none':
      return 'no, as was asked for';
  }
}

function programRow(one: BundleReport['programs'][number]): readonly TableCell[] {
  return [{ text: one.name }, { text: one.role }, number(one.instructions)];
}

function tableRow({ name, frozen, bytes }: TableReport): readonly TableCell[] {
  return [{ text: name }, { text: frozen ? 'yes' : 'no' }, number(bytes)];
}

function mapRow({ name, type, keySize, valueSize, entries, maxEntries }: MapReport): TableCell[] {
  const filled = entries === undefined ? { text: '-', align: 'right' as const } : number(entries);
  return [
    { text: name },
    { text: type },
    number(keySize),
    number(valueSize),
    filled,
    number(maxEntries),
  ];
}

function number(value: number): TableCell {
  return { text: String(value), align: 'right' };
}
