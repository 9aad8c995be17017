/** Completion in policy files: what the grammar, the names in scope and the cluster could go on with. */
import { posix } from 'node:path';
import type { CompletionList } from 'vscode-languageserver';
import type { SourceFile } from '../../source.js';
import type { Cursor } from '../language/navigate.js';
import { rangeOf } from '../workspace/positions.js';
import { placeAt, type Place } from './context.js';
import { toItem, type Offer } from './items.js';
import { offersFor, textOf } from './offers.js';
import * as t from '../../../grammar/tokens.js';

/** More would only be slow to show; the editor asks again with more letters. */
const MOST_ITEMS = 1000;

export interface CompletionOptions {
  readonly snippets: boolean;
  /** The character that made the editor ask by itself. */
  readonly trigger: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function completePolicy(
  cursor: Cursor,
  source: SourceFile,
  options: CompletionOptions,
): CompletionList {
  const place = placeAt(source, cursor.offset);
  // A blank asks by itself only inside of a statement: nobody wants a list with each indentation.
  const unasked = options.trigger === ' ' && place?.begins !== false;
  if (place === undefined || unasked) return { isIncomplete: false, items: [] };
  const offers = allOffers(cursor, place, options);
  const range = rangeOf(place.typed);
  return {
    isIncomplete: offers.length > MOST_ITEMS,
    items: matching(offers, source, place)
      .slice(0, MOST_ITEMS)
      .map((offer) => toItem(offer, range, options.snippets)),
  };
}

function allOffers(cursor: Cursor, place: Place, { now }: CompletionOptions): readonly Offer[] {
  const { view, path } = cursor;
  const around = {
    view,
    home: view.homeOf(path, namespaceOf(place)),
    place,
    usable: () => usableFrom(cursor),
    now,
  };
  const byText = new Map<string, Offer>();
  for (const proposal of place.proposals) {
    for (const offer of offersFor(proposal, around)) {
      const key = offer.insert ?? offer.label;
      if (!byText.has(key)) byText.set(key, offer);
    }
  }
  return [...byText.values()];
}

/** Where there are very many, those that what is typed could become. */
function matching(
  offers: readonly Offer[],
  source: SourceFile,
  { typed }: Place,
): readonly Offer[] {
  if (offers.length <= MOST_ITEMS) return offers;
  const text = source.text.slice(typed.start, typed.end).replace(/"/g, '').toLowerCase();
  return offers.filter(({ label }) => label.toLowerCase().includes(text));
}

/** By the tokens, since the block may not be closed yet. */
function namespaceOf({ blocks }: Place): string | undefined {
  const [word, name] = blocks[0] ?? [];
  return word?.tokenType === t.Namespace ? textOf(name) : undefined;
}

/** The project's other policy files, as `use` would name them here. */
function usableFrom({ view, path }: Cursor): readonly string[] {
  return view.files
    .map(({ file }) => file.source.path)
    .filter((one) => one !== path)
    .map((one) => posix.relative(posix.dirname(path), one))
    .sort();
}
