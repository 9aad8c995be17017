/** Diagnostics about reading files, before any language is known. */
import { entry } from './entry.js';

export const sourceCatalog = {
  'source/not-found': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `no file or folder matches \`${path}\``,
    hint: () => 'check the path; quote a glob so that the shell leaves it alone',
    explanation: 'A path on the command line names nothing that exists.',
  }),
  'source/unreadable': entry<{ path: string; reason: string }>({
    severity: 'error',
    message: ({ path, reason }) => `cannot read \`${path}\`: ${reason}`,
    explanation: 'The operating system refused to read the file.',
  }),
  'source/not-utf8': entry<{ path: string; offset: number }>({
    severity: 'error',
    message: ({ path, offset }) => `\`${path}\` is not UTF-8: bad byte at offset ${offset}`,
    hint: () => 'save the file as UTF-8',
    explanation: 'Policy files, manifests and snapshots are UTF-8 text, with or without a BOM.',
  }),
  'source/bundle': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` is a bundle, and files of text are wanted here`,
    hint: () => 'name the policies that it was compiled from',
    explanation:
      '`diff`, `explain`, `replay` and `report` take bundles in place of policies; other commands read policies alone.',
  }),
  'source/too-large': entry<{ path: string; bytes: number; limit: number }>({
    severity: 'error',
    message: ({ path, bytes, limit }) =>
      `\`${path}\` has ${bytes} bytes; a file may have ${limit} at most`,
    hint: () => 'split the file',
    explanation: 'A text is held in memory as one string, which the JavaScript engine limits.',
  }),
  'source/binary': entry<{ path: string; offset: number }>({
    severity: 'error',
    message: ({ path, offset }) => `\`${path}\` is no text: zero byte at offset ${offset}`,
    explanation: 'Texts have no zero bytes; the file is an archive, an image or UTF-16.',
  }),
  'source/empty-folder': entry<{ path: string; endings: readonly string[] }>({
    severity: 'error',
    message: ({ path }) => `the folder \`${path}\` holds no file to read`,
    hint: ({ endings }) =>
      `files that end in ${endings.join(', ')} are read, hidden ones are not; others must be named`,
    explanation: 'An empty folder given by mistake would otherwise look like an empty policy.',
  }),
};
