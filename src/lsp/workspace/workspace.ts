/** Which project each file belongs to: by the folders that are open, and their settings. */
import { basename, dirname, resolve } from 'node:path';
import { findConfig } from '../../config.js';
import { CONFIG_NAMES } from '../../read-sources.js';
import { Disk, holdsPolicy } from './disk.js';
import type { OpenDocument, OpenDocuments } from './documents.js';
import { isBelow, Project, type Findings } from './project.js';
import {
  configIn,
  readFolderConfig,
  sourcesOf,
  type FolderConfig,
  type Settings,
} from './settings.js';

export class Workspace {
  readonly #disk = new Disk();
  readonly #projects = new Map<string, Project>();
  readonly #configs = new Map<string, FolderConfig>();
  #folders: readonly string[] = [];
  #settings: Settings = {};

  constructor(private readonly documents: OpenDocuments) {}

  setFolders(folders: readonly string[]): void {
    this.#folders = folders;
    this.#forgetProjects();
  }

  get folders(): readonly string[] {
    return this.#folders;
  }

  setSettings(settings: Settings): void {
    this.#settings = settings;
    this.#forgetProjects();
  }

  /** Files on the disk may have changed. */
  forgetFiles(): void {
    this.#disk.expire();
    this.documents.forgetLinks();
    for (const one of this.#projects.values()) one.forgetFiles();
  }

  /** A policyc.yaml has changed, on the disk or in the editor. */
  forgetConfig(): void {
    this.forgetFiles();
    this.#forgetProjects();
  }

  /** The projects of the open folders, and of documents outside of them. */
  projects(): readonly Project[] {
    const wanted = new Set<Project>(
      this.#folders.map((folder) => this.#projectIn(this.#rootOf(folder, folder), folder)),
    );
    for (const document of this.documents.all()) {
      const project = this.projectOf(document);
      if (project !== undefined) wanted.add(project);
    }
    for (const [key, project] of this.#projects) {
      if (!wanted.has(project)) this.#projects.delete(key);
    }
    return [...wanted];
  }

  /** What is wrong with the files of settings that were read. */
  configFindings(): Findings {
    return new Map([...this.#configs.values()].map(({ path, diagnostics }) => [path, diagnostics]));
  }

  /** Undefined for documents that are none of ours, such as manifests without policies. */
  projectOf({ source }: OpenDocument): Project | undefined {
    const { path, text } = source;
    if (CONFIG_NAMES.includes(basename(path))) return undefined;
    const folder = this.#folders.find((one) => isBelow(path, one));
    if (folder !== undefined) {
      const project = this.#projectIn(this.#rootOf(dirname(path), folder), folder);
      if (project.holds(path)) return project;
    }
    return path.endsWith('.pol') || holdsPolicy(text) ? this.#ownProject(path) : undefined;
  }

  /** A document that belongs to nothing else stands for itself, with what it uses. */
  #ownProject(path: string): Project {
    return this.#project(`file ${path}`, () => {
      const folder = this.#folders.find((one) => isBelow(path, one)) ?? dirname(path);
      const { cluster } = sourcesOf(undefined, undefined, this.#settings, folder);
      return { policies: [path], cluster };
    });
  }

  /**
   * The nearest folder with settings of its own: up to the open folder, and from there on up to the top
   * of the repository as for commands.
   */
  #rootOf(start: string, folder: string): string {
    for (let at = start; at === folder || isBelow(at, folder); at = dirname(at)) {
      if (configIn(at) !== undefined) return at;
    }
    const above = findConfig(folder);
    return above === undefined ? folder : dirname(resolve(above));
  }

  #projectIn(root: string, folder: string): Project {
    return this.#project(`folder ${root}`, () =>
      sourcesOf(root, this.#configOf(root), this.#settings, folder),
    );
  }

  #configOf(folder: string): FolderConfig | undefined {
    const path = configIn(folder);
    if (path === undefined) return undefined;
    const known = this.#configs.get(path);
    if (known !== undefined) return known;
    const file = this.documents.byPath(path)?.source ?? this.#disk.read(path).value;
    const config = readFolderConfig(path, file);
    this.#configs.set(path, config);
    return config;
  }

  #project(key: string, sources: () => Project['sources']): Project {
    const known = this.#projects.get(key);
    if (known !== undefined) return known;
    const isOther = (folder: string): boolean => configIn(folder) !== undefined;
    const made = new Project(sources(), this.documents, this.#disk, isOther);
    this.#projects.set(key, made);
    return made;
  }

  #forgetProjects(): void {
    this.#projects.clear();
    this.#configs.clear();
  }
}

export function isConfig(path: string): boolean {
  return CONFIG_NAMES.includes(basename(path));
}
