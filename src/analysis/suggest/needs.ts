/** What each logged flow needs of policies: rules at its source and its destination, behind Services too. */
import { addressKey, type Address } from '../../address.js';
import type { ClusterSnapshot, Pod } from '../../ir/cluster.js';
import type { Flow } from '../../ir/flows.js';
import { createInterpreter, hasPorts, type Interpreter } from '../../ir/interpret.js';
import { createAddressBook, type AddressBook } from '../../ir/interpret/addresses.js';
import type { Direction, PortProtocol } from '../../ir/model.js';
import { deciderName, type Judgement, type NormalModel } from '../../ir/normal-model.js';

/** One direction of one packet that has to be allowed at a pod. */
export interface Need {
  readonly subject: Pod;
  readonly direction: Direction;
  readonly remote: Address;
  readonly protocol: PortProtocol;
  readonly port: number;
  /** Where it was sent to, where that is the cluster address of a Service. */
  readonly service: { readonly vip: Address; readonly port: number } | undefined;
}

/** How a need stands with the policies that are there. */
export type Standing =
  /** Nothing can deny it: the pod itself, or its own node. */
  | { readonly kind: 'exempt' }
  /** A rule allows it, and goes on to do so when the pod is isolated. */
  | { readonly kind: 'ruled' }
  /** Nothing denies it as long as nothing isolates the pod. */
  | { readonly kind: 'open' }
  /** Isolated, and no rule allows it: a rule that is added does. */
  | { readonly kind: 'missing' }
  /** A rule of an ordered tier denies it, which no NetworkPolicy changes. */
  | { readonly kind: 'denied'; readonly by: string };

export class NeedFinder {
  readonly #book: AddressBook;
  readonly #interpreter: Interpreter | undefined;

  /** @param existing the policies that are there; none are, unless given */
  constructor(
    private readonly existing: NormalModel | undefined,
    cluster: ClusterSnapshot,
    at: number,
  ) {
    this.#book = createAddressBook(cluster);
    this.#interpreter = existing && createInterpreter(existing, cluster, at);
  }

  needsOf({ from, to, protocol, port, targets }: Flow): readonly Need[] {
    if (!hasPorts(protocol)) return [];
    const isService = this.#book.holderOf(to.address)?.service !== undefined;
    const service = isService ? { vip: to.address, port } : undefined;
    return targets.flatMap((target): readonly Need[] => {
      const common = { protocol, port: target.port, service };
      const out: Need[] =
        from.pod === undefined
          ? []
          : [{ ...common, subject: from.pod, direction: 'egress', remote: target.address }];
      const into: Need[] =
        target.pod === undefined
          ? []
          : [{ ...common, subject: target.pod, direction: 'ingress', remote: from.address }];
      return [...out, ...into];
    });
  }

  standingOf(need: Need): Standing {
    if (this.#isExempt(need)) return { kind: 'exempt' };
    if (this.#interpreter === undefined || this.existing === undefined) return { kind: 'open' };
    const judged = this.#judge(this.#interpreter, need);
    const decider = this.existing.deciders[judged.decider] ?? { kind: 'none' };
    if (judged.verdict === 'deny') {
      return judged.reason === 'isolation'
        ? { kind: 'missing' }
        : { kind: 'denied', by: deciderName(decider) ?? judged.reason };
    }
    // The baseline tier is asked for pods alone that nothing isolates.
    const tier = decider.kind === 'rule' ? decider.policy.tier : undefined;
    return tier === undefined || tier === 'baseline' ? { kind: 'open' } : { kind: 'ruled' };
  }

  /** A Service that leads back to the pod itself is judged by policies (SEMANTICS row 40). */
  #isExempt({ subject, direction, remote, service }: Need): boolean {
    const own = subject.addresses.some((one) => addressKey(one) === addressKey(remote));
    if (own) return direction === 'ingress' || service === undefined;
    if (direction === 'egress' || subject.node === undefined) return false;
    return this.#book.holderOf(remote)?.nodes.has(subject.node) === true;
  }

  #judge({ judge, judgeEndpoints }: Interpreter, need: Need): Judgement {
    const { subject, direction, remote, protocol, port, service } = need;
    const own = addressKey(remote);
    if (service !== undefined && subject.addresses.some((one) => addressKey(one) === own)) {
      const endpoints = judgeEndpoints(subject, service.vip, protocol, service.port);
      const found = endpoints.find(({ address }) => addressKey(address) === own);
      if (found !== undefined) return found.judgement;
    }
    return judge(subject, direction, remote, protocol, port, { localOrigin: false });
  }
}
