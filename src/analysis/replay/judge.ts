/** Judges what was seen by policies: the verdict on an entry, and the rules that its packets match. */
import type { Address } from '../../address.js';
import { bug } from '../../diagnostics.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../../ir/cluster.js';
import { judgeFlow, type Flow, type FlowJudgement } from '../../ir/flows.js';
import { connectEnds, isDiagnostic } from '../../ir/flows/ends.js';
import { createInterpreter, hasPorts, type Interpreter } from '../../ir/interpret.js';
import {
  createAddressBook,
  type AddressBook,
  type AddressHolder,
} from '../../ir/interpret/addresses.js';
import { createRuleMatcher, type RuleMatcher } from '../../ir/interpret/match.js';
import { createPodSelection } from '../../ir/interpret/selectors.js';
import type { Direction } from '../../ir/model.js';
import type { DeciderId, NormalModel, NormalRule } from '../../ir/normal-model.js';
import type { TallyEntry } from './tally.js';

/** ICMP that policies judge is a request. */
const ECHO_REQUEST = { ICMP: 8, ICMPv6: 128 } as const;

/** Clients' ports are not looked at by policies. */
const SOURCE_PORT = 49152;

/** Judges by one cluster: the snapshot, or the snapshot with pods that are gone. */
class ClusterJudge {
  readonly book: AddressBook;
  readonly interpreter: Interpreter;
  readonly matches: RuleMatcher['matches'];

  constructor(model: NormalModel, cluster: ClusterSnapshot, at: number) {
    this.book = createAddressBook(cluster);
    this.interpreter = createInterpreter(model, cluster, at);
    this.matches = createRuleMatcher(cluster, createPodSelection(cluster)).matches;
  }
}

export class EntryJudge {
  readonly #now: ClusterJudge;
  readonly #withGone: ClusterJudge;
  /** Rules of a pod that no packet has matched so far. */
  readonly #unmatched = new Map<Pod, Record<Direction, readonly NormalRule[]>>();
  readonly matched = new Set<DeciderId>();

  /** @param withGone the snapshot with pods that are gone */
  constructor(
    readonly model: NormalModel,
    cluster: ClusterSnapshot,
    withGone: ClusterSnapshot,
    at: number,
  ) {
    this.#now = new ClusterJudge(model, cluster, at);
    const isSame = withGone.pods.length === cluster.pods.length;
    this.#withGone = isSame ? this.#now : new ClusterJudge(model, withGone, at);
  }

  /** Who holds the address, pods that are gone among them. */
  holderOf(address: Address): AddressHolder | undefined {
    return this.#withGone.book.holderOf(address);
  }

  flowOf(entry: TallyEntry): Flow {
    return this.#flow(entry, entry.fromAddress, entry.toAddress);
  }

  /** Undefined where the log leaves an address out, and the verdict depends on it. */
  judge(entry: TallyEntry): FlowJudgement | undefined {
    const judged = this.#flows(entry).map((flow) =>
      judgeFlow(flow, this.#judgeFor(entry).interpreter.judge),
    );
    const [first] = judged;
    return judged.every(({ verdict }) => verdict === first?.verdict) ? first : undefined;
  }

  /** Notes every rule that matches the packets of the entry, whether it decides or not. */
  match(entry: TallyEntry): void {
    for (const flow of this.#flows(entry)) {
      const { from, to, targets } = flow;
      const isService = this.#judgeFor(entry).book.holderOf(to.address)?.service !== undefined;
      if (from.pod !== undefined) {
        const remotes =
          isService && hasPorts(flow.protocol) ? targets : [{ ...to, port: flow.port }];
        for (const { address, port } of remotes) {
          this.#matchSide(entry, from.pod, 'egress', address, flow, port);
        }
      }
      for (const { pod, port } of targets) {
        if (pod !== undefined) this.#matchSide(entry, pod, 'ingress', from.address, flow, port);
      }
    }
  }

  #matchSide(
    entry: TallyEntry,
    subject: Pod,
    direction: Direction,
    remote: Address,
    { protocol }: Flow,
    port: number,
  ): void {
    const { book, interpreter, matches } = this.#judgeFor(entry);
    if (!isPolicyPod(subject)) return;
    let rules = this.#unmatched.get(subject);
    if (rules === undefined) {
      const of = (one: Direction): readonly NormalRule[] => interpreter.rulesOf(subject, one);
      rules = { ingress: of('ingress'), egress: of('egress') };
      this.#unmatched.set(subject, rules);
    }
    const open = rules[direction];
    if (open.length === 0) return;
    const holder = book.holderOf(remote);
    const unbound = book.isUnbound(remote);
    const packet = { subject, direction, remote, holder, unbound, protocol, port };
    const left = open.filter((rule) => {
      if (this.matched.has(rule.id)) return false;
      if (!matches(rule, packet)) return true;
      this.matched.add(rule.id);
      return false;
    });
    if (left.length < open.length) {
      this.#unmatched.set(subject, { ...rules, [direction]: left });
    }
  }

  #judgeFor({ from, to }: TallyEntry): ClusterJudge {
    return from.gone || to.gone ? this.#withGone : this.#now;
  }

  #flows(entry: TallyEntry): readonly Flow[] {
    const { from, to, fromAddress, toAddress } = entry;
    const { family } = fromAddress;
    const choices = (
      own: Address,
      candidates: readonly Address[] | undefined,
    ): readonly Address[] => candidates?.filter((one) => one.family === family) ?? [own];
    return choices(fromAddress, from.candidates).flatMap((a) =>
      choices(toAddress, to.candidates).map((b) => this.#flow(entry, a, b)),
    );
  }

  #flow(entry: TallyEntry, from: Address, to: Address): Flow {
    const { protocol, port } = entry;
    const shape = {
      index: 0,
      protocol,
      sourcePort: hasPorts(protocol) ? SOURCE_PORT : 0,
      port,
      icmpType: hasPorts(protocol) ? 0 : ECHO_REQUEST[protocol],
      icmpCode: 0,
    };
    const end = (address: Address): Parameters<typeof connectEnds>[2] => ({
      text: '',
      kind: 'address',
      addresses: [address],
    });
    const place = { where: 'a logged flow', span: undefined };
    const { book } = this.#judgeFor(entry);
    const flow = connectEnds(book, shape, end(from), end(to), place);
    return isDiagnostic(flow) ? bug(`a logged flow has no meaning: ${flow.message}`) : flow;
  }
}
