/** The same rules for the kernel's own packet filters. */
import { has, runIn, type Lane } from './lanes.js';
import { cidrOf, type CidrRule } from './packets.js';

export interface Firewall {
  readonly name: string;
  /** The commands that it needs. */
  readonly needs: readonly string[];
  /** Past these it is left out: loading or passing them takes minutes. */
  readonly mostRules: number;
  readonly setUp: (lane: Lane, rules: readonly CidrRule[]) => void;
}

/** Each set one's element, or one's own rule, for a CIDR and a port; default deny. No connections are tracked. */
export const FIREWALLS: readonly Firewall[] = [
  {
    name: 'nftables, one set',
    needs: ['nft'],
    mostRules: 100_000,
    setUp: ({ node }, rules) => {
      const elements = rules.map((rule) => `${cidrOf(rule)} . ${rule.port}`).join(', ');
      const set = `set allowed { type ipv4_addr . inet_service; flags interval; elements = { ${elements} } }`;
      runIn(node, ['nft', '-f', '-'], nftTable(set, ['ip saddr . tcp dport @allowed accept']));
    },
  },
  {
    name: 'nftables, a set for each port',
    needs: ['nft'],
    mostRules: 100_000,
    setUp: ({ node }, rules) => {
      const ports = [...new Set(rules.map(({ port }) => port))];
      const sets = ports.map((port) => {
        const members = rules.filter((rule) => rule.port === port).map(cidrOf);
        return `set p${port} { type ipv4_addr; flags interval; elements = { ${members.join(', ')} } }`;
      });
      const chains = ports.map((port) => `chain c${port} { ip saddr @p${port} accept; drop; }`);
      const jumps = ports.map((port) => `${port} : jump c${port}`).join(', ');
      const table = nftTable([...sets, ...chains].join('\n'), [`tcp dport vmap { ${jumps} }`]);
      runIn(node, ['nft', '-f', '-'], table);
    },
  },
  {
    name: 'nftables, rule after rule',
    needs: ['nft'],
    mostRules: 1000,
    setUp: ({ node }, rules) => {
      const lines = rules.map((one) => `ip saddr ${cidrOf(one)} tcp dport ${one.port} accept`);
      runIn(node, ['nft', '-f', '-'], nftTable('', lines));
    },
  },
  {
    name: 'iptables with an ipset',
    needs: ['ipset', 'iptables-legacy'],
    mostRules: 100_000,
    setUp: ({ node }, rules) => {
      const size = 2 ** Math.ceil(Math.log2(Math.max(64, rules.length)));
      const lines = [
        `create allowed hash:net,port hashsize ${size} maxelem ${Math.max(64, rules.length)}`,
        ...rules.map((rule) => `add allowed ${cidrOf(rule)},tcp:${rule.port}`),
      ];
      runIn(node, ['ipset', 'restore'], `${lines.join('\n')}\n`);
      const accept = '-A FORWARD -m set --match-set allowed src,dst -j ACCEPT';
      runIn(node, ['iptables-legacy-restore'], iptablesTable([accept]));
    },
  },
  {
    name: 'iptables, rule after rule',
    needs: ['iptables-legacy'],
    mostRules: 1000,
    setUp: ({ node }, rules) => {
      const lines = rules.map(
        (one) => `-A FORWARD -s ${cidrOf(one)} -p tcp -m tcp --dport ${one.port} -j ACCEPT`,
      );
      runIn(node, ['iptables-legacy-restore'], iptablesTable(lines));
    },
  },
];

/** Why it cannot be measured here; undefined if it can. */
export function missing({ needs }: Firewall): string | undefined {
  const command = needs.find((one) => !has(one));
  return command === undefined ? undefined : `there is no command ${command}`;
}

function nftTable(declarations: string, rules: readonly string[]): string {
  return `table ip bench {
${declarations}
chain forward { type filter hook forward priority 0; policy drop;
${rules.join('\n')}
}
}
`;
}

function iptablesTable(rules: readonly string[]): string {
  return `*filter\n:FORWARD DROP [0:0]\n${rules.join('\n')}\nCOMMIT\n`;
}
