/** Statements with places to fill in, by the word that they begin with. */
export const SNIPPETS: Readonly<Record<string, string>> = {
  use: 'use "${1:lists.pol}"',
  set: 'set ${1:name}: cidr = [${2:10.0.0.0/8}]',
  ports: 'ports ${1:name} = ${2:443/tcp}',
  group: 'group ${1:name} = pods where ${2:app} == "${3:value}"',
  namespace: 'namespace ${1:name} {\n  isolate ingress, egress\n  $0\n}',
  tier: 'tier ${1:name} order ${2:10}',
  policy:
    'policy ${1:name} tier ${2:admin} priority ${3:100} {\n  subject ${4:pods}\n  ingress {\n    $0\n  }\n}',
  exception:
    'exception ${1:name} to ${2:policy} {\n  ticket "${3:ticket}"\n  until ${4:2030-12-31T18:00Z}\n  $0\n}',
  assert: 'assert $0',
  test: 'test "${1:what must hold}" {\n  when ${2:from} -> ${3:to} port ${4:443/tcp}\n  expect ${5|allow,deny|}\n}',
  owner: 'owner "$1"',
  contact: 'contact "$1"',
  isolate: 'isolate ${1:ingress, egress}',
  subject: 'subject ${1:pods}',
  ingress: 'ingress {\n  $0\n}',
  egress: 'egress {\n  $0\n}',
  ticket: 'ticket "$1"',
  reason: 'reason "$1"',
  approved: 'approved "$1"',
};
