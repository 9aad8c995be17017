/** Fixes: what mends a diagnostic, and texts with fixes applied. */
import type { Diagnostic, Edit, Fix } from '../diagnostics.js';
import { LanguageFixes } from '../analysis/lint/language.js';
import { ManifestFixes } from '../analysis/lint/manifest-fixes.js';
import type { PolicyFile } from '../parser/ast.js';
import type { K8sObject } from '../parser/k8s/objects.js';
import { removeLines } from '../parser/yaml/edits.js';
import { span, type Span } from '../source.js';

export interface FixOptions {
  readonly manifests: readonly K8sObject[];
  readonly files: readonly PolicyFile[];
  /** What an exception must have ended by, to be removed: what is past by the clock too. */
  readonly now: number;
  /** Whether tests name rules by their position, which changes when rules go. */
  readonly rulesAreNamed: boolean;
}

/** Finds fixes for diagnostics; made anew for each round, since removals count on each other. */
export class Fixer {
  readonly #manifests: ManifestFixes;
  readonly #language: LanguageFixes;

  constructor(private readonly options: FixOptions) {
    this.#manifests = new ManifestFixes(options.manifests);
    this.#language = new LanguageFixes(options.files);
  }

  withFix(one: Diagnostic): Diagnostic {
    const fix = one.fix ?? this.#fixOf(one);
    return fix === undefined ? one : { ...one, fix };
  }

  #fixOf({ code, span: at, hint, related, message }: Diagnostic): Fix | undefined {
    if (at === undefined) return undefined;
    switch (code) {
      case 'check/redundant-rule':
      case 'check/shadowed-rule':
        // With a hint, something is left that the rule decides.
        if (hint !== undefined || this.options.rulesAreNamed) return undefined;
        return this.#manifests.removeRule(at) ?? this.#language.removeStatement(at);
      case 'k8s/dead-section':
        return this.#manifests.removeSection(at);
      case 'k8s/cidr-host-bits':
      case 'policy/host-bits': {
        const block = /^write `([^`]+)`$/.exec(hint ?? '')?.[1];
        return block === undefined ? undefined : this.#manifests.rewriteBlock(at, block);
      }
      case 'lint/policy-types-absent':
      case 'lint/policy-types-implied':
      case 'lint/empty-egress-ignored':
        return this.#manifests.writeTypes(at);
      case 'lint/duplicate-policy': {
        const [first] = related;
        return first && this.#manifests.removePolicy(at, first.span);
      }
      case 'lint/expired': {
        const until = Date.parse(/ended (\S+)$/.exec(message)?.[1] ?? '');
        return until <= this.options.now ? this.#language.removeStatement(at) : undefined;
      }
      case 'lint/unused-name':
        return this.#language.removeStatement(at);
      default:
        return undefined;
    }
  }
}

/** Without a comment, and without its line where nothing else stands on it. */
export function removeComment({ file, start, end }: Span): Fix | undefined {
  if (file.path === '-' || file.regions.length > 0) return undefined;
  const line = removeLines(file.text, { start, end });
  const before = /[ \t]*$/.exec(file.text.slice(0, start))?.[0].length ?? 0;
  const edit = line ?? { start: start - before, end, text: '' };
  const edits = [{ span: span(file, edit.start, edit.end), text: edit.text }];
  return { does: 'remove the comment', keepsMeaning: true, edits };
}

export interface Applied {
  /** By path. */
  readonly texts: ReadonlyMap<string, string>;
  readonly applied: readonly Fix[];
}

/** The texts of files after as many of the fixes as do not touch each other, in the order given. */
export function applyFixes(fixes: readonly Fix[]): Applied {
  const applied: Fix[] = [];
  const taken = new Map<string, Edit[]>();
  for (const fix of fixes) {
    const { edits } = fix;
    const isFree = edits.every(
      (edit) => !taken.get(edit.span.file.path)?.some((other) => touches(edit.span, other.span)),
    );
    if (!isFree) continue;
    applied.push(fix);
    for (const edit of edits) {
      const list = taken.get(edit.span.file.path);
      if (list === undefined) taken.set(edit.span.file.path, [edit]);
      else list.push(edit);
    }
  }
  const texts = new Map([...taken].map(([path, edits]) => [path, applyEdits(edits)]));
  return { texts, applied };
}

function touches(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end ? true : a.start === b.start;
}

function applyEdits(edits: readonly Edit[]): string {
  const [first] = edits;
  if (first === undefined) return '';
  const { text } = first.span.file;
  const sorted = [...edits].sort((a, b) => a.span.start - b.span.start);
  let at = 0;
  const parts: string[] = [];
  for (const edit of sorted) {
    parts.push(text.slice(at, edit.span.start), edit.text);
    at = edit.span.end;
  }
  parts.push(text.slice(at));
  return parts.join('');
}
