/** Connection maps, which outlive generations as long as their shape stays the same. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BoundMap } from '../../codegen/contents.js';
import { listPins, pinName, removePins } from '../bpffs.js';
import { layout, makeFolder } from './pins.js';
import { damaged } from './record.js';
import { nativeDoor, type MapHandle } from '../native.js';
import { boundMapTypes, type LoadedContents } from '../pod-programs.js';
import { mapTypeNumber } from '../uapi.js';

/** A name that maps of one shape share, and no others. */
export function stateName(map: BoundMap): string {
  const { name, type, keySize, valueSize, maxEntries, flags } = map;
  return pinName([name, type, keySize, valueSize, maxEntries, flags].join('-'));
}

/** The connection map of this shape that earlier generations left. */
export function openState(root: string, map: BoundMap): MapHandle | undefined {
  const path = join(layout.state(root), stateName(map));
  if (map.lifetime !== 'node' || !existsSync(path)) return undefined;
  const handle = nativeDoor().openPinnedMap(path);
  const shape = handle.shape();
  if (
    shape.type === mapTypeNumber[boundMapTypes[map.type]] &&
    shape.keySize === map.keySize &&
    shape.valueSize === map.valueSize &&
    shape.maxEntries === map.maxEntries
  ) {
    return handle;
  }
  handle.close();
  return damaged(path, 'the map has another shape than its name says');
}

/** Pins the connection maps that are new. Returns the paths of these. */
export function pinState(
  root: string,
  maps: readonly BoundMap[],
  loaded: LoadedContents,
): readonly string[] {
  const folder = layout.state(root);
  makeFolder(folder);
  return maps.flatMap((map) => {
    const path = join(folder, stateName(map));
    if (map.lifetime !== 'node' || existsSync(path)) return [];
    loaded.shared.maps.get(map.name)?.pin(path);
    return [path];
  });
}

/** Lets go of connection maps of shapes that no generation uses any more. */
export function removeOtherState(root: string, maps: readonly BoundMap[]): void {
  const kept = new Set(maps.map(stateName));
  for (const { name } of listPins(layout.state(root))) {
    if (!kept.has(name)) removePins(join(layout.state(root), name));
  }
}
