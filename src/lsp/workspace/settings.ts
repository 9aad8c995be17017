/** What a project checks: by the editor's settings, or by the policyc.yaml of its folder. */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseConfig } from '../../config.js';
import type { ConfigValues, Paths } from '../../config/values.js';
import { InputError, type Diagnostic } from '../../diagnostics.js';
import { CONFIG_NAMES } from '../../read-sources.js';
import type { SourceFile } from '../../source.js';
import type { ProjectSources } from './project.js';

/** What the editor, or the command line, says. Paths start from the open folder. */
export interface Settings {
  readonly policies?: readonly string[];
  /** Paths, or the name of a cluster of policyc.yaml. */
  readonly cluster?: readonly string[];
}

export interface FolderConfig {
  readonly values: ConfigValues;
  readonly path: string;
  /** What is wrong with the file; its values are not used then. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The file of policyc's defaults in a folder. */
export function configIn(folder: string): string | undefined {
  return CONFIG_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

export function readFolderConfig(path: string, file: SourceFile | undefined): FolderConfig {
  if (file === undefined) return { path, values: {}, diagnostics: [] };
  try {
    return { path, values: parseConfig(file).values, diagnostics: [] };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { path, values: {}, diagnostics: error.diagnostics };
  }
}

/** @param folder which relative paths of the settings start from */
export function sourcesOf(
  root: string | undefined,
  config: FolderConfig | undefined,
  settings: Settings,
  folder: string,
): ProjectSources {
  const base = config === undefined ? folder : dirname(config.path);
  const values = config?.values ?? {};
  const policies =
    values.policies === undefined
      ? settings.policies?.map((path) => resolve(folder, path))
      : listOf(values.policies).map((path) => resolve(base, path));
  return {
    ...(root === undefined ? {} : { root }),
    ...(policies === undefined ? {} : { policies }),
    cluster: clusterOf(values, base, settings, folder),
  };
}

function clusterOf(
  { clusters = {}, cluster }: ConfigValues,
  base: string,
  settings: Settings,
  folder: string,
): readonly string[] {
  const named = (name: string | undefined): readonly string[] | undefined => {
    const paths = name !== undefined && Object.hasOwn(clusters, name) ? clusters[name] : undefined;
    return paths === undefined ? undefined : listOf(paths).map((path) => resolve(base, path));
  };
  if (settings.cluster !== undefined && settings.cluster.length > 0) {
    return settings.cluster.flatMap((one) => named(one) ?? [resolve(folder, one)]);
  }
  // An editor shows one cluster; where none is chosen the first is as good as any.
  return named(cluster ?? Object.keys(clusters)[0]) ?? [];
}

function listOf(paths: Paths): readonly string[] {
  return typeof paths === 'string' ? [paths] : paths;
}
