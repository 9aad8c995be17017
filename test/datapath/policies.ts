/** The policies that the packet path's cases share. */
import { policies } from './world.js';

export const NOTHING_SELECTED = policies();

/** x may open 443/TCP, 53/UDP and 99/SCTP at y, and nobody may open anything at x. */
export const CLIENT = policies({
  pod: 'x',
  ingress: [],
  egress: [{ peers: ['y'], ports: ['443/TCP', '53/UDP', '99/SCTP'] }],
});

/** As CLIENT, for every port and protocol. */
export const CLIENT_OF_ALL = policies({ pod: 'x', ingress: [], egress: [{ peers: ['y'] }] });

/** y may open 80/TCP at x, and x may open nothing. */
export const SERVER = policies({
  pod: 'x',
  ingress: [{ peers: ['y'], ports: ['80/TCP', '81/UDP', '82/SCTP'] }],
  egress: [],
});

/** As CLIENT, the other way round. */
export const SERVER_ALIKE = policies({
  pod: 'x',
  ingress: [{ peers: ['y'], ports: ['443/TCP', '53/UDP', '99/SCTP'] }],
  egress: [],
});

export const SERVER_OF_ALL = policies({ pod: 'x', ingress: [{ peers: ['y'] }], egress: [] });

export const CLOSED = policies({ pod: 'x', ingress: [], egress: [] });

/** All addresses, both ways. */
export const BY_ADDRESS = policies({
  pod: 'x',
  ingress: [{ peers: ['0.0.0.0/0', '::/0'] }],
  egress: [{ peers: ['0.0.0.0/0', '::/0'] }],
});

/** The isolation of x, as an end's description has it. */
export const ISOLATED = 'drop judged isolation t/x';
