/** Diagnostics as text, in the format that the user asked for. */
import { unreachable, type Diagnostic } from './diagnostics.js';
import { renderGithub } from './render/github.js';
import { renderJson } from './render/json.js';
import { renderSarif } from './render/sarif.js';
import { renderTerminal, type TerminalOptions } from './render/terminal.js';

export type DiagnosticFormat = 'text' | 'json' | 'sarif' | 'github';

export interface RenderOptions extends TerminalOptions {
  readonly format: DiagnosticFormat;
  /** The version of policyc, which SARIF names. */
  readonly version: string;
}

/** Text is empty where there is nothing to say; the other formats are whole documents. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  options: RenderOptions,
): string {
  switch (options.format) {
    case 'text':
      return renderTerminal(diagnostics, options);
    case 'github':
      return renderGithub(diagnostics);
    case 'json':
      return renderJson(diagnostics);
    case 'sarif':
      return renderSarif(diagnostics, options.version);
    default:
      return unreachable(options.format);
  }
}
