/** Real connects, listeners and captures in many network namespaces, through one small C process. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { bug } from '../diagnostics.js';

export type ProbeProtocol = 'tcp' | 'udp' | 'sctp';

/** What became of a connect and one echo on it. */
export type ProbeResult = 'ok' | 'timeout' | 'refused' | 'closed';

/** A connection that was opened: `say` echoes once more on it, datagrams of any length up to 16,384 bytes. */
export interface Opened {
  readonly result: ProbeResult;
  say(milliseconds: number, bytes?: number): Promise<ProbeResult>;
  close(): Promise<void>;
}

export interface StreamCount {
  readonly sent: number;
  readonly received: number;
  /** The longest time without an echo. */
  readonly longestGapMicroseconds: number;
}

export interface Stream {
  stop(): Promise<StreamCount>;
}

export interface Capture {
  /** Packets that came in so far, from their IP headers on. */
  packets(): Promise<readonly Buffer[]>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly netns: string;
  readonly protocol: ProbeProtocol;
  readonly address: string;
  readonly port: number;
  readonly milliseconds: number;
  readonly localPort?: number;
}

/** Drives netprobe; one process serves any number of namespaces. */
export class Prober {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<string, (answer: string) => void>();
  #next = 1;
  #ended: string | undefined;

  constructor() {
    this.#process = spawn(buildNetprobe(), { stdio: 'pipe' });
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const space = line.indexOf(' ');
      const request = line.slice(0, space);
      this.#waiting.get(request)?.(line.slice(space + 1));
      this.#waiting.delete(request);
    });
    this.#process.on('exit', (code, signal) => {
      this.#ended = `error netprobe ended (${signal ?? String(code)})`;
      for (const resolve of this.#waiting.values()) resolve(this.#ended);
      this.#waiting.clear();
    });
    // A write to a process that has just died fails; its exit is what is reported.
    this.#process.stdin.on('error', () => undefined);
  }

  async listen(netns: string, protocol: ProbeProtocol, port: number): Promise<void> {
    await this.#demand(`listen ${netns} ${protocol} ${port}`);
  }

  /** Connects, and waits for one echo. */
  async open(options: ConnectOptions): Promise<Opened> {
    const { netns, protocol, address, port, milliseconds, localPort } = options;
    const { request, answer } = await this.#ask(
      `open ${netns} ${protocol} ${address} ${port} ${milliseconds} ${localPort ?? 0}`,
    );
    return {
      result: resultOf(answer),
      say: async (patience, bytes) => {
        const length = bytes === undefined ? '' : ` ${bytes}`;
        return resultOf((await this.#ask(`say ${request} ${patience}${length}`)).answer);
      },
      close: async () => {
        await this.#ask(`close ${request}`);
      },
    };
  }

  /** Connects, sees one echo, and lets go. */
  async probe(options: ConnectOptions): Promise<ProbeResult> {
    const opened = await this.open(options);
    if (opened.result === 'ok') await opened.close();
    return opened.result;
  }

  /** Sends UDP datagrams at an interval, until stopped, and counts their echoes. */
  async stream(
    netns: string,
    address: string,
    port: number,
    everyMicroseconds: number,
  ): Promise<Stream> {
    const request = await this.#demand(`stream ${netns} ${address} ${port} ${everyMicroseconds}`);
    return {
      stop: async () => {
        const { answer } = await this.#ask(`stop ${request}`);
        const [status, sent, received, gap] = answer.split(' ');
        if (status !== 'ok') throw new Error(`stop: ${answer}`);
        return {
          sent: Number(sent),
          received: Number(received),
          longestGapMicroseconds: Number(gap),
        };
      },
    };
  }

  async capture(netns: string, device: string): Promise<Capture> {
    const request = await this.#demand(`capture ${netns} ${device}`);
    return {
      packets: async () => {
        const { answer } = await this.#ask(`captured ${request}`);
        const hex = answer.slice('ok '.length);
        return hex === '' ? [] : hex.split(',').map((packet) => Buffer.from(packet, 'hex'));
      },
      close: async () => {
        await this.#ask(`close ${request}`);
      },
    };
  }

  /** Sends one IP packet as it is, by the namespace's routes. */
  async inject(netns: string, packet: Uint8Array): Promise<void> {
    await this.#demand(`inject ${netns} ${Buffer.from(packet).toString('hex')}`);
  }

  /** Writes a file under /proc/sys/net of the namespace. */
  async writeSysctl(netns: string, path: string, value: string): Promise<void> {
    await this.#demand(`write ${netns} /proc/sys/net/${path} ${value}`);
  }

  /** Ends the process, and with it all its sockets. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async #demand(command: string): Promise<string> {
    const { request, answer } = await this.#ask(command);
    if (!answer.startsWith('ok')) throw new Error(`${command}: ${answer}`);
    return request;
  }

  #ask(command: string): Promise<{ request: string; answer: string }> {
    const request = String(this.#next);
    this.#next += 1;
    return new Promise((resolve) => {
      if (this.#ended !== undefined) {
        resolve({ request, answer: this.#ended });
        return;
      }
      this.#waiting.set(request, (answer) => resolve({ request, answer }));
      this.#process.stdin.write(`${request} ${command}\n`);
    });
  }
}

function resultOf(answer: string): ProbeResult {
  switch (answer) {
    case 'ok':
    case 'timeout':
    case 'refused':
    case 'closed':
      return answer;
    default:
      throw new Error(`netprobe: ${answer}`);
  }
}

/** The project's folder, from a source file and from its build in dist alike. */
export function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) bug('package.json is in no folder above this file');
    folder = parent;
  }
  return folder;
}

/** Builds the C program where it is missing or older than its sources. */
export function buildNetprobe(): string {
  const folder = join(projectFolder(), 'src/demo/netprobe');
  const sources = readdirSync(folder).map((name) => join(folder, name));
  const binary = join(projectFolder(), 'build/netprobe');
  const newest = Math.max(...sources.map((path) => statSync(path).mtimeMs));
  if (existsSync(binary) && statSync(binary).mtimeMs >= newest) return binary;
  mkdirSync(dirname(binary), { recursive: true });
  // Others may build at the same time: only a whole binary ever has the final name.
  const temporary = `${binary}.${process.pid}`;
  const units = sources.filter((path) => path.endsWith('.c'));
  const made = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-o', temporary, ...units], {
    encoding: 'utf8',
  });
  if (made.status !== 0) {
    throw new Error(`cannot build netprobe: ${made.error?.message ?? made.stderr}`);
  }
  renameSync(temporary, binary);
  return binary;
}
