/** A draft of policies: what each workload needs, before it is written in a language. */
import type { Address, Prefix } from '../../address.js';
import type { Direction, LabelSelector, PortProtocol } from '../../ir/model.js';
import type { SeenTimes } from '../replay/report.js';

/** Pods that a draft speaks of as one: those of a workload. */
export interface Unit {
  readonly key: string;
  readonly namespace: string;
  /** For names of policies and groups; one in its namespace. */
  readonly name: string;
  readonly selector: LabelSelector;
  /** The cluster's name service, which the language calls `dns`. */
  readonly isDns: boolean;
}

export type DraftPeer =
  | { readonly kind: 'unit'; readonly unit: Unit }
  | { readonly kind: 'addresses'; readonly prefixes: readonly Prefix[] }
  /** Any address outside of the cluster, of both families. */
  | { readonly kind: 'outside' }
  /** Endpoints of default/kubernetes, by addresses, and by the Service's ports where the language can. */
  | {
      readonly kind: 'apiserver';
      readonly addresses: readonly Address[];
      readonly servicePorts: readonly DraftPort[];
    };

export interface DraftPort {
  readonly protocol: PortProtocol;
  readonly first: number;
  readonly last: number;
}

export interface DraftRule {
  readonly direction: Direction;
  readonly peers: readonly DraftPeer[];
  readonly ports: readonly DraftPort[];
  readonly seen: SeenTimes;
}

export interface DraftPolicy {
  readonly unit: Unit;
  /** Of a NetworkPolicy. */
  readonly name: string;
  /** The directions in which its pods are isolated. */
  readonly directions: readonly Direction[];
  readonly rules: readonly DraftRule[];
}

export interface LeftOut {
  readonly why: string;
  readonly from: string;
  readonly to: string;
  readonly ports: string;
  readonly seen: SeenTimes;
}

export interface Draft {
  readonly policies: readonly DraftPolicy[];
  /** Flows that the draft allows, and those that existing policies allow already, as the log counts them. */
  readonly flows: { readonly drafted: number; readonly covered: number; readonly leftOut: number };
  readonly leftOut: readonly LeftOut[];
  /** What a reader must know before trusting it. */
  readonly notes: readonly DraftNote[];
}

export type DraftNote =
  | { readonly kind: 'inexact'; readonly unit: string; readonly others: readonly string[] }
  | { readonly kind: 'isolates'; readonly unit: string; readonly direction: Direction }
  | { readonly kind: 'dns-tcp'; readonly unit: string }
  | { readonly kind: 'node-addresses'; readonly unit: string; readonly count: number }
  | {
      readonly kind: 'many-addresses';
      readonly unit: string;
      readonly direction: Direction;
      readonly count: number;
    }
  | { readonly kind: 'silent'; readonly units: readonly string[] }
  | { readonly kind: 'gone'; readonly units: readonly string[] };
