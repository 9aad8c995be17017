/** Two pods of one node, one of another, and a host outside, on a network of namespaces. */
import type { Address, Family } from '../../src/address.js';
import type { NetworkPlace } from '../../src/demo/network.js';
import type { ProbeProtocol } from '../../src/demo/prober.js';
import { address, cluster, pod } from '../support/netns.js';
import { Wire } from '../support/wire.js';

export interface ThreePods {
  readonly wire: Wire;
  readonly client: NetworkPlace;
  readonly server: NetworkPlace;
  /** On the other node. */
  readonly far: NetworkPlace;
  readonly internet: NetworkPlace;
}

/** Each pod listens at the ports. */
export async function createThreePods(
  ports: Readonly<Partial<Record<ProbeProtocol, number>>>,
): Promise<ThreePods> {
  const wire = await Wire.create(
    cluster([
      pod('app/client', 'one', ['10.244.1.5', 'fd00:244:1::5']),
      pod('app/server', 'one', ['10.244.1.6', 'fd00:244:1::6']),
      pod('app/far', 'two', ['10.244.2.5', 'fd00:244:2::5']),
    ]),
    [{ name: 'internet', addresses: [address('198.51.100.7'), address('2001:db8:f::7')] }],
  );
  const { network } = wire;
  const pods = {
    client: network.pod('app/client'),
    server: network.pod('app/server'),
    far: network.pod('app/far'),
  };
  for (const { netns } of Object.values(pods)) {
    for (const [protocol, port] of Object.entries(ports)) {
      await network.prober.listen(netns, protocol as ProbeProtocol, port);
    }
  }
  return { wire, ...pods, internet: network.host('internet') };
}

export function addressIn(place: NetworkPlace, family: Family): Address {
  const found = place.addresses.find((one) => one.family === family);
  if (found === undefined) throw new Error(`no IPv${family} address`);
  return found;
}
