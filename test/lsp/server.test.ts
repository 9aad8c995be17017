/** `policyc lsp` as an editor meets it: the protocol over stdio, to a process of its own. */
import { rmSync, unlinkSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  CodeActionRequest,
  DefinitionRequest,
  DocumentFormattingRequest,
  DocumentHighlightRequest,
  DocumentSymbolRequest,
  ExitNotification,
  FoldingRangeRequest,
  HoverRequest,
  PrepareRenameRequest,
  ReferencesRequest,
  RenameRequest,
  SemanticTokensRequest,
  WorkspaceSymbolRequest,
  type CodeAction,
  type DocumentSymbol,
  type Location,
  type MarkupContent,
  type Position,
  type TextEdit,
} from 'vscode-languageserver-protocol';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { transpileSources } from '../cli/transpile.js';
import { CAPABILITIES, Editor, type StartOptions } from './client.js';
import { CLUSTER, Folder, placeOf, SHOP } from './workspace.js';

let program = '';
const open: { editor: Editor; folder: Folder }[] = [];

beforeAll(() => {
  program = transpileSources();
}, 60_000);
afterEach(() => {
  for (const { editor, folder } of open.splice(0)) {
    editor.process.kill();
    folder.remove();
  }
});
afterAll(() => {
  rmSync(program, { recursive: true });
});

async function start(
  files: Readonly<Record<string, string>>,
  options: StartOptions = {},
): Promise<{ editor: Editor; folder: Folder }> {
  const folder = new Folder(files);
  const editor = await Editor.start(program, { root: folder.path, ...options });
  open.push({ editor, folder });
  return { editor, folder };
}

const WITH_CLUSTER = { settings: { cluster: ['cluster.yaml'] } };

/** The shop's policies with its cluster, its policy file open and checked. */
async function startShop(text = SHOP) {
  const { editor, folder } = await start(
    { 'shop.pol': text, 'cluster.yaml': CLUSTER },
    WITH_CLUSTER,
  );
  const uri = folder.uri('shop.pol');
  await editor.open(uri, text);
  await editor.settled(uri);
  return { editor, folder, uri };
}

async function hoverAt(editor: Editor, uri: string, position: Position): Promise<string> {
  const found = await editor.connection.sendRequest(HoverRequest.type, {
    textDocument: { uri },
    position,
  });
  return (found?.contents as MarkupContent | undefined)?.value ?? '';
}

function applyEdits(text: string, edits: readonly TextEdit[]): string {
  return TextDocument.applyEdits(TextDocument.create('', '', 0, text), [...edits]);
}

describe('the life of the server', () => {
  it('ends with 0 behind shutdown, and with 1 where the editor goes away', async () => {
    const first = await start({});
    expect(await first.editor.stop()).toBe(0);
    const second = await start({});
    await second.editor.connection.sendNotification(ExitNotification.type);
    expect(await second.editor.exited).toBe(1);
    const third = await start({});
    third.editor.process.stdin.end();
    expect(await third.editor.exited).toBe(1);
  });

  it('says who it is, starts without any argument, and writes nothing but the protocol', async () => {
    const { editor } = await start({}, { arguments: [] });
    expect(editor.initialized?.serverInfo?.name).toBe('policyc');
    expect(await editor.stop()).toBe(0);
    expect(editor.stderr).toBe('');
  });
});

describe('findings', () => {
  it('come with code, hint, link and related places', async () => {
    const { editor, folder } = await start({});
    const uri = folder.uri('a.pol');
    const text = 'group aé😀 = pods\nset two: cidr = [10.0.0.1]\nset two: cidr = []\n';
    await editor.open(uri, text.replace('aé😀', '"aé😀"'));
    const found = await editor.settled(uri);
    expect(found.map(({ code, range }) => [code, range.start.line, range.start.character])).toEqual(
      [
        ['policy/bad-cidr', 1, 17],
        ['policy/duplicate', 2, 4],
      ],
    );
    const [cidr, double] = found;
    expect(cidr?.relatedInformation?.map(({ message }) => message)).toEqual([
      'hint: write `10.0.0.1/32`',
    ]);
    expect(double?.relatedInformation?.map(({ message }) => message)).toEqual([
      'hint: rename one of them',
      'first declared here',
    ]);
    const href = new URL(cidr?.codeDescription?.href ?? '');
    const line = Number(href.hash.slice(2));
    const page = readFileSync(fileURLToPath(href.href.replace(href.hash, '')), 'utf8').split('\n');
    expect(page[line - 1]).toBe('## policy/bad-cidr (error)');
  });

  it.each([
    ['no related places', { capabilities: {} }],
    ['them to nobody', { name: 'Neovim' }],
  ])('put the hint into the message for editors that show %s', async (_, options) => {
    const { editor, folder } = await start({}, options);
    const uri = folder.uri('a.pol');
    await editor.open(uri, 'set two: cidr = [10.0.0.1]\n');
    await editor.until(() => editor.diagnostics(uri).length > 0);
    expect(editor.diagnostics(uri)[0]?.message).toBe(
      '`10.0.0.1` is no CIDR block\nhint: write `10.0.0.1/32`',
    );
  });

  it('are of the whole workspace, at their place, and go when the text is mended', async () => {
    const { editor, folder } = await start({
      'lists.pol': 'group known = pods\n',
      'teams/a.pol': 'use "../lists.pol"\ngroup mine = knwon\n',
      'np.yaml': NETWORK_POLICY.replace('ingress:', 'ingres:'),
      'values.yaml': 'image: { tag: 1 }\n',
      'chart/np.yaml': `${NETWORK_POLICY}\n# {{ .Values.name }}\n`,
      'node_modules/x/np.yaml': 'kind: NetworkPolicy\n',
      'fixture.yaml': 'cases:\n  - kind: NetworkPolicy\n',
      'list.json': '{ "kind": "List", "apiVersion": "v1", "items": [] }\n',
    });
    const broken = folder.uri('teams/a.pol');
    await editor.until(() => editor.published.size === 2);
    expect([...editor.published.keys()].sort()).toEqual([folder.uri('np.yaml'), broken].sort());
    expect(editor.diagnostics(broken).map(({ code }) => code)).toEqual(['policy/unknown-name']);
    // The open text counts, not the one on the disk.
    await editor.open(folder.uri('lists.pol'), 'group knwon = pods\n');
    await editor.until(() => editor.diagnostics(broken).length === 0);
    await editor.close(folder.uri('lists.pol'));
    await editor.until(() => editor.diagnostics(broken).length === 1);
  });

  it('follow files that appear, change and are deleted', async () => {
    const { editor, folder } = await start({ 'a.pol': 'use "b.pol"\n' });
    const uri = folder.uri('a.pol');
    await editor.until(() => editor.diagnostics(uri)[0]?.code === 'source/not-found');
    await editor.filesChanged(folder.write('b.pol', 'group x = nobody-knows\n'));
    await editor.until(() => editor.diagnostics(folder.uri('b.pol')).length === 1);
    await editor.until(() => editor.diagnostics(uri).length === 0);
    unlinkSync(join(folder.path, 'b.pol'));
    await editor.filesChanged(folder.uri('b.pol'));
    await editor.until(() => editor.diagnostics(uri).length === 1);
    await editor.until(() => editor.diagnostics(folder.uri('b.pol')).length === 0);
    unlinkSync(join(folder.path, 'a.pol'));
    await editor.filesChanged(uri);
    await editor.until(() => editor.diagnostics(uri).length === 0);
  });

  it('look at the disk themselves where the editor does not', async () => {
    const { editor, folder } = await start({ 'a.pol': 'use "b.pol"\n' }, { capabilities: {} });
    const uri = folder.uri('a.pol');
    await editor.until(() => editor.diagnostics(uri).length === 1);
    folder.write('b.pol', 'group x = pods\n');
    await editor.open(folder.uri('c.pol'), '');
    await editor.until(() => editor.diagnostics(uri).length === 0);
  });

  it('are of files outside of the workspace too, each by itself', async () => {
    const { editor } = await start({});
    const other = new Folder({ 'lists.pol': 'group known = pods\n' });
    const uri = other.uri('a b/ü.pol');
    await editor.open(uri, 'use "../lists.pol"\ngroup a = known, unknown\n');
    expect((await editor.settled(uri)).map(({ code }) => code)).toEqual(['policy/unknown-name']);
    const untitled = 'untitled:Untitled-1';
    await editor.open(untitled, 'group a = unknown\n');
    expect((await editor.settled(untitled)).map(({ code }) => code)).toEqual([
      'policy/unknown-name',
    ]);
    other.remove();
  });

  it('are what policyc.yaml asks for: its policies, its cluster, and its own mistakes', async () => {
    const { editor, folder } = await start({
      'policyc.yaml': 'policies: net\nclusters: { prod: cluster.yaml }\n',
      'net/a.pol':
        'namespace shop {\n  isolate ingress\n  allow ingress from pods where app == "nope" port 1/tcp\n}\n',
      'other/b.pol': 'group b = unknown\n',
      'cluster.yaml': CLUSTER,
    });
    const uri = folder.uri('net/a.pol');
    await editor.until(() => editor.diagnostics(uri).length === 1);
    expect(editor.diagnostics(uri)[0]?.code).toBe('check/selects-nothing');
    expect(editor.published.has(folder.uri('other/b.pol'))).toBe(false);
    const config = folder.uri('policyc.yaml');
    await editor.open(config, 'polices: net\n', 'yaml');
    await editor.until(() => editor.diagnostics(config).length === 1);
    expect(editor.diagnostics(config)[0]?.code).toBe('config/unknown-key');
  });

  it('stay with other files while one of them is half typed', async () => {
    const { editor, folder } = await start({
      'a.pol': 'set corp: cidr = [10.0.0.1/8]\n',
      'b.pol': 'group b = pods\n',
    });
    const uri = folder.uri('a.pol');
    const typed = folder.uri('b.pol');
    await editor.until(() => editor.diagnostics(uri).length === 1);
    await editor.open(typed, 'group b = pods\n');
    await editor.change(typed, [{ text: 'group b = pods in \n' }]);
    expect((await editor.settled(typed)).length).toBe(1);
    expect(editor.diagnostics(uri).map(({ code }) => code)).toEqual(['policy/host-bits']);
  });
});

const NETWORK_POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  podSelector:
    matchLabels:
      app: frontend
  ingress:
    - from:
        - namespaceSelector:
            matchLabels:
              team: edge
      ports:
        - port: http
`;

describe('hover', () => {
  it('says what a group is, and who of the cluster is in it', async () => {
    const { editor, uri } = await startShop();
    const text = await hoverAt(editor, uri, placeOf(SHOP, 'fe -> cart'));
    expect(text).toContain('**group** `fe` of namespace `shop`');
    expect(text).toContain('Pods with `app=frontend` in namespace `shop`.');
    expect(text).toContain('In the cluster: 1 pod\n\n- `shop/fe-0`');
  });

  it('says in plain words what a rule allows', async () => {
    const { editor, uri } = await startShop();
    expect(await hoverAt(editor, uri, placeOf(SHOP, 'allow ingress from gateways'))).toContain(
      '`fe` (pods with `app=frontend` in namespace `shop`) may be reached by `gateways` (all pods in namespaces with `team=edge`) or `office` (`203.0.113.0/24`) at TCP 8080.',
    );
    expect(await hoverAt(editor, uri, placeOf(SHOP, 'deny from'))).toContain(
      'All pods in namespace `shop` may not be reached by `office` (`203.0.113.0/24`) at TCP 22; what it decides is logged.',
    );
    expect(await hoverAt(editor, uri, placeOf(SHOP, 'assert'))).toContain('Nobody but `fe`');
  });

  it('says which values a label has, and who carries them', async () => {
    const { editor, uri } = await startShop();
    const text = await hoverAt(editor, uri, placeOf(SHOP, 'app == "frontend"'));
    expect(text).toBe(
      'Label `app` of pods in namespace `shop`, in the cluster:\n\n- `cart`: 1 pod\n- **`frontend`: 1 pod**',
    );
    const typo = SHOP.replace('team == "edge"', 'team == "egde"');
    await editor.change(uri, [{ text: typo }]);
    expect(await hoverAt(editor, uri, placeOf(typo, '"egde"'))).toContain(
      '**No namespace** has the value `egde`.',
    );
  });

  it('explains words, also where the statement is broken', async () => {
    const { editor, uri } = await startShop();
    const text = `${SHOP}\nnamespace edge {\n  isolate ingress for\n}\n`;
    await editor.change(uri, [{ text }]);
    const place = placeOf(text, 'for\n}');
    expect(await hoverAt(editor, uri, place)).toContain('`for`: The pods that `isolate`');
    expect(await hoverAt(editor, uri, placeOf(text, '# Ünï'))).toBe('');
  });

  it('reads manifests', async () => {
    const { editor, folder } = await start(
      { 'np.yaml': NETWORK_POLICY, 'cluster.yaml': CLUSTER },
      WITH_CLUSTER,
    );
    const uri = folder.uri('np.yaml');
    await editor.open(uri, NETWORK_POLICY, 'yaml');
    await editor.settled(uri);
    const hover = (part: string) => hoverAt(editor, uri, placeOf(NETWORK_POLICY, part));
    expect(await hover('podSelector')).toContain('- `shop/fe-0`');
    expect(await hover('- from')).toContain(
      'Pods with `app=frontend` in namespace `shop` may be reached by all pods in namespaces with `team=edge` at the container port named `http` (TCP).',
    );
    expect(await hover('namespaceSelector')).toContain('- `edge/gw-0`');
    expect(await hover('NetworkPolicy')).toContain('Isolates its pods for ingress');
    const flow =
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: networking.k8s.io/v1\n  kind: NetworkPolicy\n  metadata: { name: "flow", namespace: shop }\n  spec: { podSelector: {} }\n';
    await editor.change(uri, [{ text: flow }]);
    await editor.settled(uri);
    expect(await hoverAt(editor, uri, placeOf(flow, '{ podSelector'))).toContain('`shop/cart-0`');
  });
});

describe('names', () => {
  it('are found at their declaration and wherever they are meant, across files', async () => {
    const lists = 'group known = pods where app == "x"\n';
    const text =
      'use "lists.pol"\nnamespace a {\n  group known = pods\n  isolate ingress for known\n}\nassert isolated known\ngroup b = known\n';
    const { editor, folder } = await start({ 'lists.pol': lists, 'a.pol': text });
    const uri = folder.uri('a.pol');
    await editor.open(uri, text);
    const at = async (part: string) => {
      const found = await editor.connection.sendRequest(DefinitionRequest.type, {
        textDocument: { uri },
        position: placeOf(text, part),
      });
      return (found as Location[]).map((one) => [one.uri, one.range.start.line]);
    };
    // The inner name hides the outer one, and only there.
    expect(await at('known\n}')).toEqual([[uri, 2]]);
    expect(await at('known\ngroup')).toEqual([[folder.uri('lists.pol'), 0]]);
    expect(await at('"lists.pol"')).toEqual([[folder.uri('lists.pol'), 0]]);
    const references = await editor.connection.sendRequest(ReferencesRequest.type, {
      textDocument: { uri },
      position: placeOf(text, 'known\ngroup'),
      context: { includeDeclaration: true },
    });
    expect(references?.map((one) => [one.uri, one.range.start.line])).toEqual([
      [folder.uri('lists.pol'), 0],
      [uri, 5],
      [uri, 6],
    ]);
    const highlights = await editor.connection.sendRequest(DocumentHighlightRequest.type, {
      textDocument: { uri },
      position: placeOf(text, 'known\n}'),
    });
    expect(highlights?.map(({ range }) => range.start.line)).toEqual([2, 3]);
  });

  const renamed = async (text: string, part: string, newName: string): Promise<string> => {
    const { editor, folder } = await start({});
    const uri = folder.uri('a.pol');
    await editor.open(uri, text);
    const edit = await editor.connection.sendRequest(RenameRequest.type, {
      textDocument: { uri },
      position: placeOf(text, part),
      newName,
    });
    return applyEdits(text, edit?.changes?.[uri] ?? []);
  };

  it('are renamed everywhere, quoted where they must be', async () => {
    const text =
      'group e = "a-b"\ngroup "a-b" = pods\nnamespace n {\n  allow ingress from a-b port 1/tcp\n}\n';
    expect(await renamed(text, 'a-b port', 'any')).toBe(text.replaceAll(/"a-b"|a-b/g, '"any"'));
    expect(await renamed(text, 'a-b port', 'new')).toBe(text.replaceAll(/"a-b"|a-b/g, 'new'));
    expect(await renamed(SHOP, 'platform order', 'ops')).toBe(SHOP.replaceAll('platform', 'ops'));
    expect(await renamed(SHOP, 'closed tier', 'shut')).toBe(SHOP.replaceAll('closed', 'shut'));
  });

  it('take along the names that are made of them', async () => {
    const text = `${SHOP}
test "checkout" {
  when fe-0 -> cart-0 port 7070/tcp
  expect allow by flow-fe-cart.egress
  when gw-0 -> cart-0 port 7070/tcp
  expect deny by isolate
  when gw-0 -> fe-0 port 8080/tcp
  expect allow by shop/allow-ingress-gateways-office-fe
}
`;
    expect(await renamed(text, 'fe = pods', 'front')).toBe(
      text
        .replaceAll(/(?<=group |flow |from |only |to )fe\b/g, 'front')
        .replace('deny from front', 'deny from fe')
        .replace('flow-fe-cart', 'flow-front-cart')
        .replace('gateways-office-fe', 'gateways-office-front'),
    );
    await expect(renamed(`${SHOP}tier other order 3\n`, 'platform order', 'other')).rejects.toThrow(
      'already',
    );
    await expect(renamed('group a = pods\ngroup b = pods\n', 'a = pods', 'b')).rejects.toThrow(
      'already means something',
    );
  });

  it('are not renamed to what would mean something else', async () => {
    await expect(renamed(SHOP, 'fe = pods', 'cart')).rejects.toThrow('already means something');
    await expect(renamed(SHOP, 'gateways = pods', 'fe')).rejects.toThrow('already means something');
    await expect(renamed(SHOP, 'web = 80', 'office')).rejects.toThrow('already means something');
    await expect(renamed(SHOP, 'fe = pods', ' ')).rejects.toThrow('is no name');
    await expect(renamed(SHOP, 'shop {', 'shopping')).rejects.toThrow('is the cluster’s');
    await expect(renamed(SHOP, 'isolate ingress', 'x')).rejects.toThrow('no name here');
  });

  it('can be renamed also in the middle of a word', async () => {
    const { editor, uri } = await startShop();
    const prepared = await editor.connection.sendRequest(PrepareRenameRequest.type, {
      textDocument: { uri },
      position: placeOf(SHOP, 'teways, office'),
    });
    expect(prepared).toMatchObject({ placeholder: 'gateways' });
  });
});

describe('edits', () => {
  it('format as fmt does, and leave broken text alone', async () => {
    const { editor, folder } = await start({});
    const uri = folder.uri('a.pol');
    const format = async (text: string): Promise<string> => {
      await editor.open(uri, text);
      const edits = await editor.connection.sendRequest(DocumentFormattingRequest.type, {
        textDocument: { uri },
        options: { tabSize: 8, insertSpaces: false },
      });
      await editor.close(uri);
      return applyEdits(text, edits ?? []);
    };
    const { formatPolicy } = await import('../../src/parser/format-policy.js');
    const { SourceFile } = await import('../../src/source.js');
    const messy = SHOP.replaceAll('  ', '\t ').replaceAll(' = ', '=').replace('😀', '😀😃');
    for (const text of [messy, messy.replaceAll('\n', '\r\n'), `${SHOP}\n\n\n`, SHOP]) {
      expect(await format(text)).toBe(formatPolicy(new SourceFile('a.pol', text)).value);
    }
    expect(await format('group   a =\n')).toBe('group   a =\n');
  });

  it('mend what a hint says how to mend', async () => {
    const text =
      "group known = pods\ngroup a = knwon\nset s: cidr = [10.0.0.1]\nnamespace n {\n  alow ingress from knwon port 1/tpc\n  owner 'me'\n}\ngroup l = listed\n";
    const { editor, folder } = await start({ 'x/lists.pol': 'group listed = pods\n' });
    const uri = folder.uri('a.pol');
    await editor.open(uri, text);
    let now = text;
    const used = new Set<unknown>();
    for (let turn = 0; turn < 12; turn += 1) {
      const [first] = await editor.settled(uri);
      if (first === undefined) break;
      const actions = await editor.connection.sendRequest(CodeActionRequest.type, {
        textDocument: { uri },
        range: first.range,
        context: { diagnostics: [first] },
      });
      const [action] = (actions ?? []) as CodeAction[];
      if (action === undefined) break;
      used.add(first.code);
      now = applyEdits(now, action.edit?.changes?.[uri] ?? []);
      await editor.change(uri, [{ text: now }]);
    }
    expect(now).toBe(
      'use "x/lists.pol"\n\ngroup known = pods\ngroup a = known\nset s: cidr = [10.0.0.1/32]\nnamespace n {\n  allow ingress from known port 1/tcp\n  owner "me"\n}\ngroup l = listed\n',
    );
    expect(used).toEqual(
      new Set([
        'policy/unknown-name',
        'policy/bad-cidr',
        'syntax/unknown-statement',
        'policy/unknown-protocol',
        'syntax/single-quotes',
      ]),
    );
  });
});

describe('the outline', () => {
  it('shows blocks with what is in them, and what can be folded', async () => {
    const { editor, uri } = await startShop();
    const symbols = (await editor.connection.sendRequest(DocumentSymbolRequest.type, {
      textDocument: { uri },
    })) as DocumentSymbol[];
    expect(symbols.map(({ name }) => name)).toEqual([
      ...['office', 'web', 'gateways', 'shop', 'platform', 'closed', 'night'],
      'assert only fe reach cart port 7070/tcp',
    ]);
    const shop = symbols.find(({ name }) => name === 'shop');
    expect(shop?.children?.map(({ name }) => name.slice(0, 12))).toEqual([
      ...['fe', 'cart', 'isolate ingr', 'flow fe -> c', 'allow ingres'],
    ]);
    const found = await editor.connection.sendRequest(WorkspaceSymbolRequest.type, {
      query: 'gwy',
    });
    expect(found?.map(({ name }) => name)).toEqual(['gateways']);
    const folds = await editor.connection.sendRequest(FoldingRangeRequest.type, {
      textDocument: { uri },
    });
    expect(folds?.length).toBe(3);
  });

  it('colours every word for editors without the grammar', async () => {
    const { editor, uri } = await startShop();
    const found = await editor.connection.sendRequest(SemanticTokensRequest.type, {
      textDocument: { uri },
    });
    const legend = editor.initialized?.capabilities.semanticTokensProvider?.legend.tokenTypes ?? [];
    const lines = SHOP.split('\n');
    const told: string[] = [];
    const data = found?.data ?? [];
    let [line, character] = [0, 0];
    for (let i = 0; i < data.length; i += 5) {
      const [down = 0, right = 0, length = 0, type = 0] = data.slice(i, i + 5);
      line += down;
      character = down === 0 ? character + right : right;
      told.push(
        `${legend[type] ?? '?'} ${lines[line]?.slice(character, character + length) ?? ''}`,
      );
    }
    expect(told).toContain('class gateways');
    expect(told).toContain('enum office');
    expect(told).toContain('string "😀 checkout"');
    expect(told).toContain('keyword isolate');
    expect(told).toContain('number 203.0.113.0/24');
    expect(told).toContain('property team');
  });
});

it('keeps up with very large files', async () => {
  const blocks = Array.from(
    { length: 4000 },
    (_, i) =>
      `namespace n${i} {\n  group g = pods where app == "a"\n  isolate ingress\n  allow ingress from g port 1/tcp\n}\n`,
  );
  const text = blocks.join('');
  const { editor, folder } = await start({});
  const uri = folder.uri('large.pol');
  await editor.open(uri, text);
  expect(await editor.settled(uri)).toEqual([]);
  const end = { line: text.split('\n').length - 1, character: 0 };
  await editor.change(uri, [{ range: { start: end, end }, text: 'group x = unknown\n' }]);
  const began = performance.now();
  expect(await hoverAt(editor, uri, { line: 3, character: 21 })).toContain('**group** `g`');
  expect(performance.now() - began).toBeLessThan(10_000);
  expect((await editor.settled(uri)).map(({ code }) => code)).toEqual(['policy/unknown-name']);
}, 60_000);

it('offers what it can do', async () => {
  const { editor } = await start({}, { capabilities: CAPABILITIES });
  const capabilities = editor.initialized?.capabilities ?? {};
  expect(Object.keys(capabilities)).toEqual(
    expect.arrayContaining(['hoverProvider', 'renameProvider', 'completionProvider']),
  );
});
