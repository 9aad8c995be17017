/** Reads the list of flows that `eval` is asked about, in JSON or YAML. */
import { diagnostic, hasErrors, type Diagnostic, type Outcome } from '../diagnostics.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { Flow } from '../ir/flows.js';
import { resolveFlows, type SpanAt } from '../ir/flows/read.js';
import { parseDocuments, type ParsedText } from '../parser/yaml/documents.js';
import { LocatedText } from '../parser/yaml/locate.js';
import { contentStart, firstLine, type Extent } from '../parser/yaml/positions.js';
import { valueAt, type JsonPath, type JsonValue } from '../parser/yaml/value.js';
import { span, type SourceFile, type Span } from '../source.js';

export function readFlows(file: SourceFile, cluster: ClusterSnapshot): Outcome<readonly Flow[]> {
  const parsed = parseDocuments(file);
  const [document, second] = parsed.documents;
  const diagnostics: Diagnostic[] = [...parsed.diagnostics];
  if (second !== undefined) {
    const at = firstLine(file.text, { start: second.start, end: second.end });
    diagnostics.push(diagnostic('cli/flows-in-documents', {}, span(file, at.start, at.end)));
  }
  if (hasErrors(diagnostics)) return { diagnostics };
  const root = document?.value ?? null;
  return resolveFlows(root, cluster, spansIn(file, root, parsed));
}

/** Spans are found when they are read: in a long list that has no faults, none is. */
function spansIn(file: SourceFile, root: JsonValue, { positions }: ParsedText): SpanAt {
  const located = new Map<object, LocatedText>();

  const entryExtent = (entry: object): Extent | undefined => {
    const extent = positions.extentOf(entry);
    return extent && { start: contentStart(file.text, extent.start), end: extent.end };
  };

  const find = (path: JsonPath): Extent => {
    const whole = { start: contentStart(file.text, 0), end: file.text.length };
    const [index] = path;
    const entry = index === undefined ? root : valueAt(root, [index]);
    if (typeof entry !== 'object' || entry === null) return firstLine(file.text, whole);
    const extent = entryExtent(entry) ?? whole;
    if (path.length < 2) return firstLine(file.text, extent);
    let text = located.get(entry);
    if (text === undefined) {
      text = new LocatedText(file.text, extent);
      located.set(entry, text);
    }
    return text.locate(path.slice(1))?.value ?? firstLine(file.text, extent);
  };

  return (path) => lazySpan(file, () => find(path));
}

function lazySpan(file: SourceFile, find: () => Extent): Span {
  let found: Extent | undefined;
  const extent = (): Extent => (found ??= find());
  return {
    file,
    get start() {
      return extent().start;
    },
    get end() {
      return extent().end;
    },
  };
}
