/** A workspace on the disk for one test: files, their URIs, and places marked in texts. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Position } from 'vscode-languageserver-protocol';

export class Folder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'policyc-lsp-')));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  write(name: string, text: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return pathToFileURL(path).href;
  }

  uri(name: string): string {
    return pathToFileURL(join(this.path, name)).href;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The text without its `|`, and the place where it stood, in UTF-16 units. */
export function marked(text: string): { readonly text: string; readonly position: Position } {
  const at = text.indexOf('|');
  if (at < 0) throw new Error('no | in the text');
  return { text: text.slice(0, at) + text.slice(at + 1), position: positionIn(text, at) };
}

export function positionIn(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split(/\r\n|\n|\r/);
  return { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 };
}

/** The place of the first occurrence of a text. */
export function placeOf(text: string, part: string): Position {
  const at = text.indexOf(part);
  if (at < 0) throw new Error(`no ${part} in the text`);
  return positionIn(text, at);
}

export const CLUSTER = `
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { team: shop } }
---
apiVersion: v1
kind: Namespace
metadata: { name: edge, labels: { team: edge } }
---
apiVersion: v1
kind: Pod
metadata: { name: fe-0, namespace: shop, labels: { app: frontend, app.kubernetes.io/name: fe } }
spec:
  nodeName: node-1
  containers: [{ name: c, image: i, ports: [{ name: http, containerPort: 8080 }] }]
status: { podIP: 10.0.0.2, podIPs: [{ ip: 10.0.0.2 }], phase: Running }
---
apiVersion: v1
kind: Pod
metadata: { name: cart-0, namespace: shop, labels: { app: cart } }
spec: { nodeName: node-1, containers: [{ name: c, image: i }] }
status: { podIP: 10.0.0.3, podIPs: [{ ip: 10.0.0.3 }], phase: Running }
---
apiVersion: v1
kind: Pod
metadata: { name: gw-0, namespace: edge, labels: { app: gateway } }
spec: { nodeName: node-1, containers: [{ name: c, image: i }] }
status: { podIP: 10.0.0.4, podIPs: [{ ip: 10.0.0.4 }], phase: Running }
---
apiVersion: v1
kind: Node
metadata: { name: node-1, labels: { role: worker } }
status: { addresses: [{ type: InternalIP, address: 192.168.0.1 }] }
---
apiVersion: v1
kind: Service
metadata: { name: cart, namespace: shop }
spec:
  clusterIP: 10.96.0.5
  clusterIPs: [10.96.0.5]
  selector: { app: cart }
  ports: [{ name: grpc, port: 7070, protocol: TCP, targetPort: 7070 }]
`;

export const SHOP = `# Ünïcödé 😀 in front, so that columns are counted in UTF-16.
set office: cidr = [203.0.113.0/24]
ports web = 8080/tcp
group gateways = pods in namespaces where team == "edge"

namespace shop {
  group fe = pods where app == "frontend"
  group cart = pods where app == "cart"
  isolate ingress, egress
  flow fe -> cart port 7070/tcp reason "😀 checkout"
  allow ingress from gateways, office to fe port web
}

tier platform order 10

policy closed tier platform priority 5 {
  subject pods in namespace shop
  ingress { deny from office port 22/tcp log }
}

exception night to closed {
  until 2036-12-31T18:00Z
  allow ingress from office port 22/tcp
}

assert only fe reach cart port 7070/tcp
`;
