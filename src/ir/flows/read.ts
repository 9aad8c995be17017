/** Reads a list of flows, as `eval` takes it, and resolves every entry over a cluster. */
import { diagnostic, hasErrors, type Diagnostic, type Outcome } from '../../diagnostics.js';
import { nearestName } from '../../did-you-mean.js';
import type { Span } from '../../source.js';
import type { ClusterSnapshot } from '../cluster.js';
import type { Flow } from '../flows.js';
import { connectEnds, createEndDirectory, isDiagnostic, type FlowShape } from './ends.js';
import { hasPorts, type Protocol } from '../interpret.js';

/** Where a part of the list stands in its text; undefined where there is no text. */
export type SpanAt = (path: readonly (string | number)[]) => Span | undefined;

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP', 'ICMPv6'];
const FIELDS = ['from', 'to', 'protocol', 'port', 'sourcePort', 'icmpType', 'icmpCode'] as const;
type Field = (typeof FIELDS)[number];

const DEFAULT_SOURCE_PORT = 49152;
/** Echo request (RFC 792, RFC 4443). */
const ECHO_REQUEST = { ICMP: 8, ICMPv6: 128 } as const;

/** All that is wrong with any entry is reported; flows come out only where nothing is. */
export function resolveFlows(
  entries: unknown,
  cluster: ClusterSnapshot,
  spanAt: SpanAt,
): Outcome<readonly Flow[]> {
  if (!Array.isArray(entries)) {
    const found = typeName(entries);
    return { diagnostics: [diagnostic('flows/not-a-list', { found }, spanAt([]))] };
  }
  const directory = createEndDirectory(cluster);
  const diagnostics: Diagnostic[] = [];
  const flows: Flow[] = [];
  for (const [index, value] of (entries as readonly unknown[]).entries()) {
    const reader = new EntryReader(index, value, spanAt);
    const flow = reader.read(directory);
    for (const one of reader.diagnostics) diagnostics.push(one);
    if (flow !== undefined) flows.push(flow);
  }
  return hasErrors(diagnostics) ? { diagnostics } : { value: flows, diagnostics };
}

class EntryReader {
  readonly diagnostics: Diagnostic[] = [];
  readonly #where: string;
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #isMapping: boolean;

  constructor(
    readonly index: number,
    readonly value: unknown,
    readonly spanAt: SpanAt,
  ) {
    this.#where = `flow [${index}]`;
    this.#isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.#fields = new Map(this.#isMapping ? Object.entries(value as object) : []);
  }

  read(directory: ReturnType<typeof createEndDirectory>): Flow | undefined {
    if (!this.#isMapping) {
      const args = { where: this.#where, found: typeName(this.value) };
      this.diagnostics.push(diagnostic('flows/not-a-mapping', args, this.#span()));
      return undefined;
    }
    this.#refuseUnknownFields();
    const shape = this.#shape();
    const from = this.#end('from', directory);
    const to = this.#end('to', directory);
    if (shape === undefined || from === undefined || to === undefined) return undefined;
    const place = { where: this.#where, span: this.#span() };
    const flow = connectEnds(directory.book, shape, from, to, place);
    if (!isDiagnostic(flow)) return flow;
    this.diagnostics.push(flow);
    return undefined;
  }

  #shape(): FlowShape | undefined {
    const protocol = this.#protocol();
    if (protocol === undefined) return undefined;
    const { index } = this;
    if (hasPorts(protocol)) {
      this.#refuse(['icmpType', 'icmpCode'], protocol);
      const sourcePort = this.#number('sourcePort', 65535, DEFAULT_SOURCE_PORT);
      const port = this.#number('port', 65535, undefined);
      if (sourcePort === undefined || port === undefined) return undefined;
      return { index, protocol, sourcePort, port, icmpType: 0, icmpCode: 0 };
    }
    // Lists made by machines write port 0 where there is none.
    this.#refuse(
      this.#fields.get('port') === 0 ? ['sourcePort'] : ['port', 'sourcePort'],
      protocol,
    );
    const icmpType = this.#number('icmpType', 255, ECHO_REQUEST[protocol]);
    const icmpCode = this.#number('icmpCode', 255, 0);
    if (icmpType === undefined || icmpCode === undefined) return undefined;
    return { index, protocol, sourcePort: 0, port: 0, icmpType, icmpCode };
  }

  #protocol(): Protocol | undefined {
    const text = this.#text('protocol');
    if (text === undefined) return undefined;
    const protocol = PROTOCOLS.find((one) => one === text);
    if (protocol !== undefined) return protocol;
    const args = { where: this.#where, protocol: text, near: nearestName(text, PROTOCOLS) };
    this.diagnostics.push(diagnostic('flows/unknown-protocol', args, this.#span('protocol')));
    return undefined;
  }

  #end(
    field: 'from' | 'to',
    directory: ReturnType<typeof createEndDirectory>,
  ): Exclude<ReturnType<typeof directory.find>, Diagnostic> | undefined {
    const text = this.#text(field);
    if (text === undefined) return undefined;
    const end = directory.find(text.trim(), { where: this.#where, span: this.#span(field) });
    if (!isDiagnostic(end)) return end;
    this.diagnostics.push(end);
    return undefined;
  }

  #text(field: Field): string | undefined {
    const value = this.#fields.get(field);
    if (!this.#fields.has(field)) this.#missing(field);
    else if (typeof value === 'string') return value;
    else this.#wrongType(field, 'a string', value);
    return undefined;
  }

  /** Without a fallback the field is required. */
  #number(field: Field, last: number, fallback: number | undefined): number | undefined {
    const value = this.#fields.get(field);
    if (!this.#fields.has(field)) {
      if (fallback === undefined) this.#missing(field);
      return fallback;
    }
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= last) {
      return value;
    }
    this.#wrongType(field, `an integer from 0 to ${last}`, value);
    return undefined;
  }

  #refuse(fields: readonly Field[], protocol: Protocol): void {
    for (const field of fields) {
      if (!this.#fields.has(field)) continue;
      const args = { where: this.#where, field, protocol };
      this.diagnostics.push(diagnostic('flows/field-without-meaning', args, this.#span(field)));
    }
  }

  #refuseUnknownFields(): void {
    for (const field of this.#fields.keys()) {
      if (FIELDS.some((known) => known === field)) continue;
      const args = { where: this.#where, field, near: nearestName(field, FIELDS) };
      this.diagnostics.push(diagnostic('flows/unknown-field', args, this.#span(field)));
    }
  }

  #missing(field: Field): void {
    const args = { where: this.#where, field };
    this.diagnostics.push(diagnostic('flows/missing-field', args, this.#span()));
  }

  #wrongType(field: Field, wanted: string, value: unknown): void {
    const found = typeof value === 'number' ? String(value) : typeName(value);
    const args = { where: this.#where, field, wanted, found };
    this.diagnostics.push(diagnostic('flows/wrong-type', args, this.#span(field)));
  }

  #span(field?: string): Span | undefined {
    return this.spanAt(field === undefined ? [this.index] : [this.index, field]);
  }
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}
