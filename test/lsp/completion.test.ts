/** Completion as an editor asks for it: at places of whole, half-typed and broken texts. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CompletionRequest,
  type CompletionItem,
  type CompletionList,
  type TextEdit,
} from 'vscode-languageserver-protocol';
import { transpileSources } from '../cli/transpile.js';
import { CAPABILITIES, Editor } from './client.js';
import { CLUSTER, Folder, marked } from './workspace.js';

const LISTS = 'group known = pods where app == "x"\nset corp: cidr = [10.0.0.0/8]\n';
const BEFORE = `use "lists.pol"
ports web = 80/tcp
group "odd name" = pods
tier platform order 10
policy closed tier platform priority 5 {
  subject pods
  ingress { deny from any }
}
namespace shop {
  group fe = pods where app == "frontend"
}
namespace edge {
  group gw = pods
}
`;

let program = '';
let folder: Folder;
let editor: Editor;
let uri = '';

beforeAll(async () => {
  program = transpileSources();
  folder = new Folder({ 'lists.pol': LISTS, 'cluster.yaml': CLUSTER });
  editor = await Editor.start(program, {
    root: folder.path,
    settings: { cluster: ['cluster.yaml'] },
  });
  uri = folder.uri('a.pol');
  await editor.open(uri, BEFORE);
  await editor.settled(uri);
}, 60_000);
afterAll(async () => {
  await editor.stop();
  folder.remove();
  rmSync(program, { recursive: true });
});

async function itemsAt(
  text: string,
  options: { readonly trigger?: string; readonly uri?: string } = {},
): Promise<readonly CompletionItem[]> {
  const at = marked(text);
  const document = options.uri ?? uri;
  await editor.change(document, [{ text: at.text }]);
  const found = (await editor.connection.sendRequest(CompletionRequest.type, {
    textDocument: { uri: document },
    position: at.position,
    ...(options.trigger === undefined
      ? {}
      : { context: { triggerKind: 2, triggerCharacter: options.trigger } }),
  })) as CompletionList | null;
  return found?.items ?? [];
}

/** What would be inserted at the `|`. */
async function offers(text: string): Promise<readonly string[]> {
  const items = await itemsAt(BEFORE + text);
  return items.map(({ textEdit }) => (textEdit as TextEdit).newText);
}

/** The text with one of the offers accepted. */
async function accepted(text: string, label: string): Promise<string> {
  const items = await itemsAt(BEFORE + text);
  const edit = items.find((one) => one.label === label)?.textEdit as TextEdit | undefined;
  if (edit === undefined) throw new Error(`no ${label}: ${items.map((one) => one.label).join()}`);
  const lines = (BEFORE + text).replace('|', '').split('\n');
  const line = lines[edit.range.start.line] ?? '';
  const { character: from } = edit.range.start;
  return line.slice(0, from) + edit.newText + line.slice(edit.range.end.character);
}

describe('words', () => {
  it('are those that the grammar knows at the place', async () => {
    expect(await offers('|')).toEqual([
      ...['use', 'set', 'ports', 'group', 'namespace', 'tier', 'policy', 'exception', 'assert'],
      'test',
    ]);
    expect(await offers('namespace x {\n  |\n}\n')).toEqual([
      ...['set', 'ports', 'group', 'owner', 'contact', 'isolate', 'allow', 'flow', 'assert'],
    ]);
    expect(await offers('policy p tier platform priority 1 {\n  ingress {\n    |')).toEqual([
      ...['allow', 'deny', 'pass'],
    ]);
    expect(await offers('policy p |')).toEqual(['tier', 'priority', 'owner', 'contact']);
    expect(await offers('test "t" {\n  e|\n}')).toEqual(['given', 'when', 'expect']);
    expect(await offers('assert |')).toEqual(['only', 'never', 'reach', 'isolated', 'maps']);
    expect(await offers('namespace x {\n  isolate |')).toEqual(['ingress', 'egress']);
  });

  it('go on in the next line only where a statement can', async () => {
    const found = await offers('namespace x {\n  allow ingress from any\n  |');
    expect(found).toEqual(expect.arrayContaining(['allow', 'flow', 'port', 'to']));
    expect(found).not.toContain('log');
  });

  it('are offered behind a mistake, too', async () => {
    expect(await offers('namespace x {\n  allow ingres from |')).toContain('known');
    expect(
      await offers('group a = pods whre app == "x"\nnamespace shop {\n  allow ingress from |'),
    ).toContain('fe');
    expect(
      await offers('namespace shop {\n  allow ingress from |\n  flow fe -> fe port 1/tcp\n}\n'),
    ).toContain('fe');
  });

  it('are not offered in comments and free texts, nor with each blank of an indentation', async () => {
    expect(await offers('# a |')).toEqual([]);
    expect(await offers('namespace x {\n  owner "te|"')).toEqual([]);
    expect(await itemsAt(`${BEFORE}namespace x {\n |`, { trigger: ' ' })).toEqual([]);
    expect(await itemsAt(`${BEFORE}namespace x {\n  allow |`, { trigger: ' ' })).not.toEqual([]);
  });
});

describe('names', () => {
  it('are those in scope, of the kind that can stand there', async () => {
    const peers = await offers('namespace shop {\n  allow ingress from |');
    expect(peers).toEqual(expect.arrayContaining(['known', 'corp', '"odd name"', 'fe', 'edge/gw']));
    expect(peers).not.toContain('web');
    expect(peers).not.toContain('shop/fe');
    expect(await offers('set s: cidr = [|]')).toEqual(['corp']);
    expect(await offers('namespace shop {\n  allow ingress from any port w|')).toContain('web');
    expect(await offers('policy p tier |')).toEqual(['platform', 'admin', 'baseline']);
    expect(await offers('exception e to |')).toEqual(['closed']);
    expect(await offers('group a = edge/|')).toEqual(['gw']);
    expect(await offers('assert never f|')).toContain('fe');
  });

  it('replace what is typed of them', async () => {
    expect(await accepted('group a = kn|', 'known')).toBe('group a = known');
    expect(await accepted('group a = kn|ow', 'known')).toBe('group a = known');
    expect(await accepted('group 😀 = "od|"', '"odd name"')).toBe('group 😀 = "odd name"');
    expect(await accepted('use "li|', 'lists.pol')).toBe('use "lists.pol"');
  });
});

describe('the cluster', () => {
  it('gives labels, each where it belongs', async () => {
    expect(await offers('group a = pods where |')).toEqual([
      ...['not', 'app', 'app.kubernetes.io/name'],
    ]);
    expect(await offers('group a = pods in namespaces where |')).toContain('team');
    expect(await offers('group a = nodes where |')).toEqual(['not', 'role']);
    expect(await offers('group a = pods where app.kubernetes.io/|')).toEqual(['name']);
    expect(await offers('group a = pods where app == |')).toEqual([
      ...['"gateway"', '"cart"', '"frontend"'],
    ]);
    expect(await offers('group a = pods in namespace shop where app in ["cart", "|"]')).toEqual([
      ...['"cart"', '"frontend"'],
    ]);
    expect(await offers('group a = pods where app.kubernetes.io/name == "|')).toEqual(['"fe"']);
    expect(await offers('namespace edge {\n  group a = pods where app == |')).toEqual([
      '"gateway"',
    ]);
    expect(await offers('group a = pods in namespaces where team == "e|dge" / pods')).toContain(
      '"edge"',
    );
  });

  it('gives namespaces, Services, their ports and named ports', async () => {
    expect(await offers('group a = pods in namespace |')).toEqual(['edge', 'shop']);
    expect(await offers('namespace |')).toEqual(['edge', 'shop']);
    expect(await offers('group a = service |')).toEqual(['shop']);
    expect(await offers('group a = service shop/|')).toEqual(['cart']);
    expect(await offers('namespace edge {\n  allow egress to service shop/cart port |')).toEqual(
      expect.arrayContaining(['7070/tcp', 'web', '"http"/tcp']),
    );
    expect(
      await accepted('namespace shop {\n  allow ingress from any port "|"/tcp', '"http"'),
    ).toBe('  allow ingress from any port "http"/tcp');
    expect(await offers('test "t" {\n  when |')).toEqual(
      expect.arrayContaining(['shop/fe-0', 'service']),
    );
  });

  it('gives the same in manifests', async () => {
    const yaml = folder.uri('np.yaml');
    const head =
      'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: web\n  namespace: shop\nspec:\n';
    await editor.open(yaml, head, 'yaml');
    const inYaml = async (text: string): Promise<readonly string[]> => {
      const items = await itemsAt(head + text, { uri: yaml });
      return items.map(({ textEdit }) => (textEdit as TextEdit).newText);
    };
    expect(await inYaml('  |')).toEqual(
      expect.arrayContaining(['podSelector:', 'ingress:', 'policyTypes:']),
    );
    const selector = '  podSelector:\n    matchLabels:\n';
    expect(await inYaml(`${selector}      |`)).toEqual(['app: ', 'app.kubernetes.io/name: ']);
    expect(await inYaml(`${selector}      app: f|`)).toEqual(['cart', 'frontend']);
    expect(await inYaml('  policyTypes:\n  - |')).toEqual(['Ingress', 'Egress']);
    const from = '  ingress:\n  - from:\n    - namespaceSelector:\n        matchLabels:\n';
    expect(await inYaml(`${from}          team: |\n      podSelector: {}\n`)).toEqual([
      'edge',
      'shop',
    ]);
    expect(
      await inYaml(
        `${from}          team: edge\n      podSelector:\n        matchLabels:\n          app: |`,
      ),
    ).toContain('gateway');
    const ports = '  ingress:\n  - ports:\n    - ';
    expect(await inYaml(`${ports}protocol: |`)).toEqual(['TCP', 'UDP', 'SCTP']);
    expect(await inYaml(`${ports}port: |`)).toEqual(['http']);
    expect(
      await inYaml(
        '  podSelector:\n    matchExpressions:\n    - key: app\n      operator: In\n      values:\n      - |',
      ),
    ).toEqual(['cart', 'frontend']);
    await editor.close(yaml);
  });
});

it('writes snippets for editors that know them', async () => {
  const other = await Editor.start(program, {
    capabilities: {
      ...CAPABILITIES,
      textDocument: { completion: { completionItem: { snippetSupport: true } } },
    },
  });
  await other.open('untitled:a', '\n');
  const found = (await other.connection.sendRequest(CompletionRequest.type, {
    textDocument: { uri: 'untitled:a' },
    position: { line: 0, character: 0 },
  })) as CompletionList;
  const tier = found.items.find(({ label }) => label === 'tier');
  expect(tier?.insertTextFormat).toBe(2);
  expect((tier?.textEdit as TextEdit).newText).toBe('tier ${1:name} order ${2:10}');
  expect(await other.stop()).toBe(0);
});
