/** Between the URIs of editors and the paths of source files. */
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Language ids that mean the policy language, whatever a file's name is. */
const POLICY_LANGUAGES: ReadonlySet<string> = new Set(['pol', 'policyc']);

/**
 * The path of a document. Documents that are no files (`untitled:…`, `git:…`) are called by their
 * URI, with the ending of their language.
 */
export function pathOfUri(uri: string, languageId?: string): string {
  const path = filePath(uri) ?? uri;
  const isPolicy = languageId !== undefined && POLICY_LANGUAGES.has(languageId);
  return isPolicy && !path.endsWith('.pol') ? `${path}.pol` : path;
}

/** The path of a `file:` URI without a host; editors on other machines have other schemes. */
export function filePath(uri: string): string | undefined {
  try {
    return uri.startsWith('file:') ? fileURLToPath(uri) : undefined;
  } catch {
    return undefined;
  }
}

export function uriOfPath(path: string): string {
  return path.startsWith('/') ? pathToFileURL(path).href : path;
}
