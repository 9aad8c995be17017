/** Files on the disk, read again only when they have changed, and the search for policies. */
import { readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../../diagnostics.js';
import { readSources } from '../../read-sources.js';
import type { SourceFile } from '../../source.js';

/** Folders that hold what others wrote or tools made. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'vendor', 'dist', 'build', 'target']);

/** A search must end also where somebody opens the root of the disk. */
const MOST_ENTRIES = 200_000;
/** Larger manifests are snapshots of clusters, not policies that somebody writes. */
const MOST_SNIFFED = 4 * 1024 * 1024;

const KINDS =
  '(?:NetworkPolicy|ClusterNetworkPolicy|AdminNetworkPolicy|BaselineAdminNetworkPolicy)(?:List)?';
/** An object of its own, or one of a list: what is further inside is something else's text. */
const OWN_KIND = new RegExp(
  `^["']?kind["']?[ \\t]*:[ \\t]*["']?${KINDS}["']?[ \\t]*(?:#.*)?$`,
  'm',
);
const LIST_KIND = /^kind[ \t]*:[ \t]*["']?List\b/m;
const LISTED_KIND = new RegExp(`^(?:- |  )[ ]*["']?kind["']?[ \\t]*:[ \\t]*["']?${KINDS}\\b`, 'm');
const FLOW = /^(?:\s|---|#[^\n]*\n)*\{/;
const FLOW_KIND = new RegExp(`["']?kind["']?\\s*:\\s*["']?${KINDS}\\b`);
/** What Helm and its like fill in; the text is no manifest before that. */
const TEMPLATE = /\{\{/;

interface Entry {
  readonly stamp: string;
  /** When it was looked at last. */
  round: number;
  readonly outcome: Outcome<SourceFile>;
}

export interface Found {
  readonly paths: readonly string[];
  /** The search was given up: there were too many files. */
  readonly incomplete: boolean;
}

export class Disk {
  readonly #files = new Map<string, Entry>();
  /** Whether a manifest holds a policy; texts of those that hold none are not kept. */
  readonly #glances = new Map<string, { readonly stamp: string; readonly isPolicy: boolean }>();

  #round = 0;

  /** Files may have changed: each is looked at once more when it is asked for. */
  expire(): void {
    this.#round += 1;
  }

  /** The same value as before while the file is the same. */
  read(path: string): Outcome<SourceFile> {
    const known = this.#files.get(path);
    if (known?.round === this.#round) return known.outcome;
    const stat = statOf(path);
    const stamp = stat === undefined ? undefined : stampOf(stat);
    if (known !== undefined && known.stamp === stamp) {
      known.round = this.#round;
      return known.outcome;
    }
    const { value, diagnostics } = readSources([path]);
    const file = value?.[0];
    const outcome = file === undefined ? { diagnostics } : { value: file, diagnostics };
    if (stamp === undefined) this.#files.delete(path);
    else this.#files.set(path, { stamp, round: this.#round, outcome });
    return outcome;
  }

  /** Files of the policy language below a folder, and manifests that hold a policy. */
  findPolicies(folder: string, isOther: (folder: string) => boolean): Found {
    const paths: string[] = [];
    let left = MOST_ENTRIES;
    const walk = (here: string): void => {
      for (const entry of entriesOf(here)) {
        left -= 1;
        if (left < 0) return;
        const path = join(here, entry.name);
        if (entry.name.startsWith('.')) continue;
        if (entry.isDirectory()) {
          if (!SKIPPED.has(entry.name) && !isOther(path)) walk(path);
        } else if (entry.name.endsWith('.pol') || this.#isManifest(path)) paths.push(path);
      }
    };
    walk(folder);
    return { paths, incomplete: left < 0 };
  }

  #isManifest(path: string): boolean {
    if (!/\.(?:ya?ml|json)$/.test(path)) return false;
    const stat = statOf(path);
    if (stat?.isFile() !== true || stat.size > MOST_SNIFFED) return false;
    const stamp = stampOf(stat);
    const known = this.#glances.get(path);
    if (known?.stamp === stamp) return known.isPolicy;
    const text = readSources([path]).value?.[0]?.text;
    const isPolicy = text !== undefined && holdsPolicy(text);
    this.#glances.set(path, { stamp, isPolicy });
    return isPolicy;
  }
}

/** Whether a manifest is one for us, as far as a glance tells; it may be half typed. */
export function holdsPolicy(text: string): boolean {
  if (TEMPLATE.test(text)) return false;
  if (OWN_KIND.test(text) || (LIST_KIND.test(text) && LISTED_KIND.test(text))) return true;
  return FLOW.test(text) && FLOW_KIND.test(text);
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function stampOf({ mtimeMs, ctimeMs, size, ino }: Stats): string {
  return [mtimeMs, ctimeMs, size, ino].join(' ');
}
