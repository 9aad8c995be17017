/** What kube-proxy would do: Services as destination NAT in nftables. */
import { type Address, type Family, formatAddress } from '../address.js';
import type { Service } from '../ir/cluster.js';

/** The rules of a node, for `nft -f`; empty without Services. */
export function serviceRules(services: readonly Service[]): string {
  const rules = services.flatMap((service) =>
    service.addresses.flatMap((vip) =>
      service.ports.flatMap((port, index) => {
        const targets = service.endpoints.flatMap(({ address, targetPorts }) => {
          const target = targetPorts.get(index);
          return target === undefined || address.family !== vip.family
            ? []
            : [{ address, port: target }];
        });
        if (targets.length === 0) return [];
        const match = `${keyword(vip.family)} daddr ${formatAddress(vip)} ${port.protocol.toLowerCase()} dport ${port.port}`;
        return [`${match} dnat ${keyword(vip.family)} to ${choice(targets)}`];
      }),
    ),
  );
  if (rules.length === 0) return '';
  const chain = (name: string, hook: string): string =>
    `  chain ${name} {\n    type nat hook ${hook} priority -100; policy accept;\n${rules
      .map((rule) => `    ${rule}\n`)
      .join('')}  }\n`;
  return `table inet services {\n${chain('forwarded', 'prerouting')}${chain('own', 'output')}}\n`;
}

function keyword(family: Family): string {
  return family === 4 ? 'ip' : 'ip6';
}

interface Target {
  readonly address: Address;
  readonly port: number;
}

function choice(targets: readonly Target[]): string {
  const text = ({ address, port }: Target): string => `${formatAddress(address)} . ${port}`;
  return `numgen random mod ${targets.length} map { ${targets
    .map((target, index) => `${index} : ${text(target)}`)
    .join(', ')} }`;
}
