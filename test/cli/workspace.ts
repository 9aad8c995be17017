/** A folder with policies, a cluster and flows, as a user would have it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const CLUSTER = `apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: fe, namespace: shop, labels: {app: fe}}
spec: {nodeName: n1, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.0.1}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {nodeName: n1, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.0.2}
`;

export const POLICY = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: db
  namespace: shop
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: fe}}}]
      ports: [{port: 5432}]
`;

export const FLOWS = `- {from: shop/fe, to: shop/db, protocol: TCP, port: 5432}
- {from: shop/fe, to: shop/db, protocol: TCP, port: 22}
- {from: 192.0.2.1, to: shop/fe, protocol: UDP, port: 53}
`;

export const LANGUAGE = `namespace shop {
  group fe = pods where app == "fe"
  group db = pods where app == "db"
  isolate egress
  flow fe -> db port 5432/tcp
}
assert reach all pods in namespace shop where app == "fe" -> pods in namespace shop where app == "db" port 5432/tcp
test "no shell from the front end" {
  when shop/fe -> shop/db port 22/tcp
  expect deny by isolation
}
`;

/** Makes the folder and goes there; `leave` goes back and removes it. */
export function enterWorkspace(files: Readonly<Record<string, string>>): { leave: () => void } {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'policyc-cli-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  process.chdir(folder);
  return {
    leave: () => {
      process.chdir(before);
      rmSync(folder, { recursive: true });
    },
  };
}
