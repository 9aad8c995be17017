/** Finds what a name in a policy file stands for. */
import type { Text } from '../../parser/ast.js';
import type { Span } from '../../source.js';
import type { Declaration, Home, Reporter } from './context.js';

/** A name as it is written, with the namespace in front of it if there is one. */
export interface Reference {
  readonly namespace?: Text;
  readonly name: Text;
  readonly span: Span;
}

/** What the name is to stand for. `claim`: peers, where the namespace may be left out. */
export type Wanted = 'peers' | 'claim' | 'ports' | 'set';

type Kind = Declaration['statement']['kind'];

const KIND_WORDS: Readonly<Record<Kind, string>> = {
  set: 'set',
  ports: 'list of ports',
  group: 'group',
};

const ACCEPTED: Readonly<Record<Wanted, readonly Kind[]>> = {
  peers: ['group', 'set'],
  claim: ['group', 'set'],
  ports: ['ports'],
  set: ['set'],
};

const WANTED_WORDS: Readonly<Record<Wanted, string>> = {
  peers: 'a peer',
  claim: 'a peer',
  ports: 'a list of ports',
  set: 'a set',
};

/** The declaration of the name, or undefined with a diagnostic. */
export function findName(
  reference: Reference,
  home: Home,
  wanted: Wanted,
  reporter: Reporter,
): Declaration | undefined {
  const found =
    reference.namespace === undefined
      ? findPlain(reference, home, wanted, reporter)
      : findQualified(reference, reference.namespace.text, home, reporter);
  if (found === undefined) return undefined;
  const { kind, name } = found.statement;
  if (ACCEPTED[wanted].includes(kind)) return found;
  const args = { name: name.text, kind: KIND_WORDS[kind], expected: WANTED_WORDS[wanted] };
  reporter.report('policy/wrong-kind', args, reference.span, [
    { span: name.span, message: 'declared here' },
  ]);
  return undefined;
}

function findQualified(
  { name, span: at }: Reference,
  namespace: string,
  home: Home,
  reporter: Reporter,
): Declaration | undefined {
  const { scope } = home.loaded;
  const names = scope.get(namespace);
  const found = names?.get(name.text);
  if (found !== undefined) return found;
  const near =
    names === undefined
      ? nearNamespace(namespace, name.text, home, reporter)
      : qualified(
          namespace,
          reporter.names.nearest(name.text, () => names.keys()),
        );
  reporter.report('policy/unknown-name', { name: `${namespace}/${name.text}`, near }, at);
  return undefined;
}

function nearNamespace(
  namespace: string,
  name: string,
  home: Home,
  reporter: Reporter,
): string | undefined {
  const namespaces = (): string[] =>
    [...home.loaded.scope].flatMap(([known, names]) =>
      known !== undefined && names.has(name) ? [known] : [],
    );
  const near = reporter.names.nearest(namespace, namespaces);
  return near === undefined ? undefined : `${near}/${name}`;
}

function qualified(namespace: string, name: string | undefined): string | undefined {
  return name === undefined ? undefined : `${namespace}/${name}`;
}

function findPlain(
  { name, span: at }: Reference,
  home: Home,
  wanted: Wanted,
  reporter: Reporter,
): Declaration | undefined {
  const { scope } = home.loaded;
  const own = home.namespace === undefined ? undefined : scope.get(home.namespace);
  const outer = scope.get(undefined);
  const found = own?.get(name.text) ?? outer?.get(name.text);
  if (found !== undefined) return found;
  const elsewhere = [...scope].flatMap(([namespace, names]) => {
    const declaration = names.get(name.text);
    return namespace === undefined || declaration === undefined ? [] : [{ namespace, declaration }];
  });
  const [first, second] = elsewhere;
  if (first !== undefined && wanted === 'claim') {
    if (second === undefined) return first.declaration;
    const candidates = elsewhere.map((one) => `\`${one.namespace}/${name.text}\``).join(' or ');
    reporter.report('policy/ambiguous-name', { name: name.text, candidates }, at);
    return undefined;
  }
  const near =
    first === undefined
      ? reporter.names.nearest(name.text, () => [...(own?.keys() ?? []), ...(outer?.keys() ?? [])])
      : `${first.namespace}/${name.text}`;
  reporter.report('policy/unknown-name', { name: name.text, near }, at);
  return undefined;
}
