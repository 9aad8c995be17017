/** The outside world as commands see it: streams, environment and clock. */

export interface Output {
  readonly write: (content: string | Uint8Array) => void;
  readonly isTerminal: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
}

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  /** The file descriptor of standard input. */
  readonly stdin: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function processIo(): Io {
  return {
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    stdin: 0,
    env: process.env,
    now: Date.now,
  };
}

function outputOf(stream: NodeJS.WriteStream): Output {
  // The types claim that `isTTY` is always there; it is absent where the stream is no terminal.
  const isTerminal = 'isTTY' in stream && stream.isTTY;
  return {
    write: (content) => void stream.write(content),
    isTerminal,
    columns: isTerminal ? stream.columns : undefined,
  };
}
