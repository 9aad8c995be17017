/** Checks a policy object against its API, and says what is wrong in terms of the text. */
import type { Ajv, CodeKeywordDefinition, ErrorObject, ValidateFunction } from 'ajv';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { loadAjv, makeAjv } from '../ajv.js';
import { CHECKS, isPresent, type CheckName, type Finding, type Report } from './checks.js';
import type { K8sPolicyKind } from './kinds.js';
import type { K8sObject } from './objects.js';
import { schemaOf } from './schema-policies.js';
import { describeSchemaError } from './schema-errors.js';
import { isArray, isObject, pathOfPointer, type JsonPath, type JsonValue } from '../yaml/value.js';

// Compiling takes longer than reading a few policies, so it waits until it is needed.
let ajv: Ajv | undefined;
const validators = new Map<K8sPolicyKind, ValidateFunction>();

/** Everything that is wrong or doubtful with the policy, in the order of the text. */
export function validatePolicy(object: K8sObject, kind: K8sPolicyKind): readonly Diagnostic[] {
  const validate = validatorOf(kind);
  if (validate(object.value)) return [];
  const diagnostics = (validate.errors ?? []).flatMap((error) => diagnose(object, kind, error));
  diagnostics.sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
  // Who leaves it out once leaves it out in every rule: the first place says it for all.
  const first = diagnostics.findIndex(({ code }) => code === 'k8s/presumed-selector');
  return diagnostics.filter(({ code }, i) => code !== 'k8s/presumed-selector' || i === first);
}

function validatorOf(kind: K8sPolicyKind): ValidateFunction {
  const known = validators.get(kind);
  if (known !== undefined) return known;
  ajv ??= makePolicyAjv();
  const made = ajv.compile(schemaOf(kind));
  validators.set(kind, made);
  return made;
}

function makePolicyAjv(): Ajv {
  const made = makeAjv();
  made.addKeyword(keyword('check', runCheck));
  made.addKeyword(keyword('needs', findMissing));
  made.addKeyword(keyword('presumes', findPresumed));
  made.addKeyword(keyword('exactlyOne', findExactlyOne));
  made.addKeyword(keyword('distinct', findRepeated));
  return made;
}

type Find<Rule> = (rule: Rule, value: JsonValue, report: Report) => void;

/**
 * A keyword whose errors carry findings. It is generated code that calls `find` with the value alone:
 * keywords given as functions are handed paths, which costs more than all checks together.
 */
function keyword<Rule>(name: string, find: Find<Rule>): CodeKeywordDefinition {
  const { _ } = loadAjv();
  return {
    keyword: name,
    error: { message: name, params: ({ params }) => _`{findings: ${params['findings']}}` },
    code: (context): void => {
      const search = collect(find, context.schema as Rule);
      const called = context.gen.scopeValue('func', { ref: search });
      const findings = context.gen.const('findings', _`${called}(${context.data})`);
      context.setParams({ findings });
      context.fail(_`${findings} !== undefined`);
    },
  };
}

function collect<Rule>(
  find: Find<Rule>,
  rule: Rule,
): (value: JsonValue) => readonly Finding[] | undefined {
  let findings: Finding[] = [];
  const report: Report = (code, args, path = [], at = 'value') => {
    findings.push({ code, args, path, at });
  };
  return (value) => {
    find(rule, value, report);
    if (findings.length === 0) return undefined;
    const found = findings;
    findings = [];
    return found;
  };
}

const runCheck: Find<CheckName> = (name, value, report) => {
  CHECKS[name](value, report);
};

const findMissing: Find<readonly string[]> = (fields, value, report) => {
  if (!isObject(value)) return;
  for (const field of fields) {
    if (!isPresent(value, field)) report('k8s/missing-field', { field, where: '' }, [], 'key');
  }
};

const findPresumed: Find<readonly string[]> = (fields, value, report) => {
  if (!isObject(value)) return;
  for (const field of fields) {
    if (!isPresent(value, field)) {
      report('k8s/presumed-selector', { field, where: '' }, [], 'key');
    }
  }
};

const findExactlyOne: Find<readonly string[]> = (fields, value, report) => {
  if (!isObject(value)) return;
  const found = fields.filter((field) => isPresent(value, field));
  if (found.length === 1) return;
  // An unknown field is reported as such, and says more.
  if (found.length === 0 && Object.keys(value).some((key) => !fields.includes(key))) return;
  const hint = fields.length === 1 ? EMPTY_HINTS[fields[0] ?? ''] : undefined;
  report('k8s/not-exactly-one', { where: '', fields, found, ...(hint && { hint }) }, [], 'key');
};

/** What people mean by leaving a mapping empty that has one field. */
const EMPTY_HINTS: Readonly<Record<string, string>> = {
  destinationPort: 'for every port write `destinationPort: {range: {start: 1, end: 65535}}`',
};

const findRepeated: Find<boolean> = (_rule, value, report) => {
  const seen = new Set<JsonValue>();
  (isArray(value) ? value : []).forEach((item, i) => {
    if (typeof item === 'string' && seen.has(item)) {
      report('k8s/repeated-item', { field: '', value: item }, [i]);
    }
    seen.add(item);
  });
};

function diagnose(
  object: K8sObject,
  kind: K8sPolicyKind,
  error: ErrorObject,
): readonly Diagnostic[] {
  const path = pathOfPointer(object.value, error.instancePath);
  const { findings } = error.params as { readonly findings?: readonly Finding[] };
  if (findings === undefined) {
    const described = describeSchemaError(object, describePlace(kind, path), path, error);
    return described === undefined ? [] : [described];
  }
  return findings.flatMap((finding) => diagnoseFinding(object, kind, path, finding) ?? []);
}

function diagnoseFinding(
  object: K8sObject,
  kind: K8sPolicyKind,
  base: JsonPath,
  finding: Finding,
): Diagnostic | undefined {
  const path = [...base, ...finding.path];
  const at = finding.at === 'key' ? object.keySpanOf(path) : object.spanOf(path);
  const args = finding.args as never;
  switch (finding.code) {
    case 'k8s/missing-field':
    case 'k8s/presumed-selector':
    case 'k8s/not-exactly-one': {
      const given = finding.args as { readonly where: string };
      const where = given.where === '' ? describePlace(kind, base) : given.where;
      return diagnostic(finding.code, { ...given, where } as never, at);
    }
    case 'k8s/repeated-item':
      return diagnostic(finding.code, { ...(args as object), field: lastName(base) } as never, at);
    case 'k8s/unquoted-key': {
      const key = String(path.at(-1));
      const text = object.file.text.slice(at.start, at.end);
      // As written, the key is the same string.
      if (text === key || /^["']/.test(text)) return undefined;
      return diagnostic('k8s/unquoted-key', { text, key }, at);
    }
    default:
      return diagnostic(finding.code, args, at);
  }
}

/** The place as a message has it: the kind itself, or a path. */
function describePlace(kind: K8sPolicyKind, path: JsonPath): string {
  if (path.length === 0) return `this ${kind}`;
  const named = path.map((step, i) =>
    typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`,
  );
  return `\`${named.join('')}\``;
}

function lastName(path: JsonPath): string {
  return path.findLast((step) => typeof step === 'string') ?? '';
}
