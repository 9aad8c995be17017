/** What stands in a file, as an outline: blocks, names, rules; and the names of a whole project. */
import { SymbolKind, type DocumentSymbol, type WorkspaceSymbol } from 'vscode-languageserver';
import type {
  NamespaceStatement,
  PolicyFile,
  RuleStatement,
  TopStatement,
} from '../../parser/ast.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import { span, type Span } from '../../source.js';
import type { View } from '../workspace/view.js';
import { firstLineOf, rangeOf, textOf } from '../workspace/positions.js';
import { occurrencesIn, type UriOf } from './navigate.js';
import type { ThingKind } from './occurrences.js';

const KINDS: Readonly<Record<ThingKind, SymbolKind>> = {
  namespace: SymbolKind.Namespace,
  group: SymbolKind.Class,
  set: SymbolKind.Array,
  ports: SymbolKind.Constant,
  tier: SymbolKind.Enum,
  policy: SymbolKind.Interface,
  exception: SymbolKind.Event,
  test: SymbolKind.Method,
};

export function outlineOf(file: PolicyFile): readonly DocumentSymbol[] {
  return file.statements.flatMap((statement) => topSymbol(statement));
}

function topSymbol(node: TopStatement): readonly DocumentSymbol[] {
  switch (node.kind) {
    case 'namespace':
      return [
        symbol(node.name.text, KINDS.namespace, node.span, node.name.span, {
          children: node.statements.flatMap((one) => inner(one)),
        }),
      ];
    case 'policy': {
      const tier = node.tier === undefined ? '' : `tier ${node.tier.text}`;
      return [
        symbol(node.name.text, KINDS.policy, node.span, node.name.span, {
          detail: tier,
          children: node.rules.map((rule) => ruleSymbol(rule)),
        }),
      ];
    }
    case 'exception':
      return [
        symbol(node.name.text, KINDS.exception, node.span, node.name.span, {
          detail: `to ${node.to.text}`,
          children: node.rules.map((rule) => ruleSymbol(rule)),
        }),
      ];
    case 'tier':
      return [
        symbol(node.name.text, KINDS.tier, node.span, node.name.span, {
          detail: `order ${node.order.value}`,
        }),
      ];
    case 'test':
      return [symbol(node.name.text, KINDS.test, node.span, node.name.span)];
    case 'use':
      return [symbol(node.path.text, SymbolKind.Module, node.span, node.path.span)];
    default:
      return inner(node);
  }
}

function inner(node: NamespaceStatement | TopStatement): readonly DocumentSymbol[] {
  switch (node.kind) {
    case 'group':
    case 'set':
    case 'ports':
      return [
        symbol(node.name.text, KINDS[node.kind], node.span, node.name.span, { detail: node.kind }),
      ];
    case 'isolate':
    case 'allow':
    case 'flow':
    case 'assert': {
      const kind = node.kind === 'assert' ? SymbolKind.Boolean : SymbolKind.Function;
      const line = firstLineOf(node.span);
      return [symbol(short(line), kind, node.span, line)];
    }
    default:
      return [];
  }
}

function ruleSymbol(rule: RuleStatement): DocumentSymbol {
  const line = firstLineOf(rule.span);
  return symbol(short(line), SymbolKind.Function, rule.span, line, { detail: rule.direction });
}

function short(at: Span): string {
  return textOf(at).replace(/\s+/g, ' ').slice(0, 80);
}

interface Extras {
  readonly detail?: string;
  readonly children?: readonly DocumentSymbol[];
}

/** Editors refuse symbols without a name, and a selection outside of the range. */
function symbol(
  name: string,
  kind: SymbolKind,
  range: Span,
  at: Span,
  extras: Extras = {},
): DocumentSymbol {
  const { detail, children } = extras;
  return {
    name: name.trim() === '' ? '""' : name,
    kind,
    range: rangeOf(range),
    selectionRange: rangeOf(at),
    ...(detail === undefined || detail === '' ? {} : { detail }),
    ...(children === undefined ? {} : { children: [...children] }),
  };
}

/** The objects of a manifest. */
export function manifestOutline(objects: readonly K8sObject[]): readonly DocumentSymbol[] {
  return objects.map((object) => {
    const at = object.nameSpan();
    const extent = object.positions.extentOf(object.value);
    const whole =
      extent === undefined
        ? at
        : span(object.file, Math.min(extent.start, at.start), Math.max(extent.end, at.end));
    return symbol(object.name ?? object.kind, SymbolKind.Object, whole, at, {
      detail: object.kind,
    });
  });
}

/** Names that hold the query's letters in their order, as editors search. */
export function projectSymbols(
  view: View,
  query: string,
  uriOf: UriOf,
): readonly WorkspaceSymbol[] {
  const letters = Array.from(query.toLowerCase());
  return occurrencesIn(view)
    .filter(({ declares, thing }) => declares && isSubsequence(letters, thing.name.toLowerCase()))
    .map(({ thing, at }) => ({
      name: thing.name,
      kind: KINDS[thing.kind],
      location: { uri: uriOf(at.file.path), range: rangeOf(at) },
      ...(thing.namespace === undefined ? {} : { containerName: thing.namespace }),
    }));
}

function isSubsequence(letters: readonly string[], text: string): boolean {
  let from = 0;
  for (const letter of letters) {
    const at = text.indexOf(letter, from);
    if (at < 0) return false;
    from = at + 1;
  }
  return true;
}
