/** Exceptions: effects of views on classes, turned around to be read class by class. */
import type { ViewEffects } from '../view-effects.js';

/** For each class, the views that treat it as an exception, and how. */
export interface Exceptions {
  readonly starts: Int32Array;
  readonly views: Int32Array;
  readonly effects: Int32Array;
}

export function exceptionsByClass(count: number, views: readonly ViewEffects[]): Exceptions {
  const starts = new Int32Array(count + 1);
  for (const { classes } of views)
    for (const id of classes) starts[id + 1] = (starts[id + 1] ?? 0) + 1;
  for (let i = 0; i < count; i += 1) starts[i + 1] = (starts[i + 1] ?? 0) + (starts[i] ?? 0);
  const ends = starts.slice();
  const total = starts[count] ?? 0;
  const found = { starts, views: new Int32Array(total), effects: new Int32Array(total) };
  for (const [view, { classes, effects }] of views.entries()) {
    for (let i = 0; i < classes.length; i += 1) {
      const id = classes[i] ?? 0;
      const at = ends[id] ?? 0;
      ends[id] = at + 1;
      found.views[at] = view;
      found.effects[at] = effects[i] ?? 0;
    }
  }
  return found;
}
