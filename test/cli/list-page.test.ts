/** The page of `policyc list --format html` with 500 workloads: its script runs over a document that only remembers. */
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { PageData } from '../../src/cli/list/html.js';
import { PAGE_SCRIPT } from '../../src/cli/list/html-parts.js';

type Listener = (event: object) => void;

/** What the script does to an element is kept. */
class FakeElement {
  readonly attributes = new Map<string, string>();
  readonly children: FakeElement[] = [];
  readonly listeners = new Map<string, Listener>();
  readonly style: Record<string, string> = {};
  readonly rects: (readonly number[])[] = [];
  value = '';
  width = 0;
  height = 0;
  #text = '';

  constructor(readonly kind: string) {}

  get textContent(): string {
    return this.#text;
  }

  set textContent(text: string) {
    this.#text = text;
    this.children.splice(0);
  }

  append(...children: readonly FakeElement[]): void {
    this.children.push(...children);
  }

  setAttribute(name: string, value: unknown): void {
    this.attributes.set(name, String(value));
  }

  addEventListener(kind: string, listener: Listener): void {
    this.listeners.set(kind, listener);
  }

  insertRow(): FakeElement {
    return this.#child('tr');
  }

  insertCell(): FakeElement {
    return this.#child('td');
  }

  getContext(): object {
    const { rects } = this;
    rects.splice(0);
    const nothing = (): void => undefined;
    return {
      measureText: (text: string) => ({ width: 7 * text.length }),
      fillRect: (...rect: readonly number[]) => void rects.push(rect),
      ...{ setTransform: nothing, fillText: nothing, save: nothing, restore: nothing },
      ...{ translate: nothing, rotate: nothing },
    };
  }

  all(kind: string): readonly FakeElement[] {
    return this.children.flatMap((one) => [...(one.kind === kind ? [one] : []), ...one.all(kind)]);
  }

  #child(kind: string): FakeElement {
    const child = new FakeElement(kind);
    this.append(child);
    return child;
  }
}

interface Page {
  readonly element: (id: string) => FakeElement;
  /** Fires an event at once: timers do not wait. */
  readonly fire: (id: string, kind: string, event?: object) => void;
}

function open(data: PageData): Page {
  const elements = new Map<string, FakeElement>();
  const element = (id: string): FakeElement => {
    const known = elements.get(id) ?? new FakeElement(id);
    elements.set(id, known);
    return known;
  };
  element('data').textContent = JSON.stringify(data);
  const document = {
    documentElement: {},
    getElementById: element,
    createElementNS: (_: string, kind: string) => new FakeElement(kind),
    addEventListener: () => undefined,
  };
  const scope = {
    document,
    window: { devicePixelRatio: 1 },
    getComputedStyle: () => ({ getPropertyValue: () => '#000' }),
    setTimeout: (work: () => void) => work(),
    clearTimeout: () => undefined,
  };
  runInNewContext(PAGE_SCRIPT, scope);
  const fire = (id: string, kind: string, event: object = {}): void =>
    element(id).listeners.get(kind)?.(event);
  return { element, fire };
}

const NAMESPACES = 20;
const EACH = 25;
const workloads = Array.from({ length: NAMESPACES * EACH }, (_, i) => ({
  namespace: `team-${String(Math.floor(i / EACH)).padStart(2, '0')}`,
  name: `workload-${i % EACH}`,
  pods: 1 + (i % 3),
}));
const all = workloads.map((_, i) => i);
const of = (namespace: number, every = 1): readonly number[] =>
  all.filter((i) => Math.floor(i / EACH) === namespace && i % every === 0);
const none = { from: [], to: [] };

/** Each namespace within itself, and with the next one; all to outside, and everybody to one workload of each. */
const CONNECTIONS: PageData['connections'] = [
  ...Array.from({ length: NAMESPACES }, (_, n) => [
    {
      from: `f${n}`,
      to: `t${n}`,
      ports: '80/tcp',
      sources: of(n),
      destinations: of(n, 5),
      others: none,
    },
    {
      ...{ from: `n${n}`, to: `n${n + 1}`, ports: '8080/tcp', sources: of(n, 5), others: none },
      destinations: of((n + 1) % NAMESPACES, 5),
    },
  ]).flat(),
  {
    from: 'all pods',
    to: 'anywhere outside',
    ports: 'any port',
    sources: all,
    destinations: [],
    others: { from: [], to: ['outside the cluster'] },
  },
  {
    from: 'all pods',
    to: 'some',
    ports: '443/tcp',
    sources: all,
    destinations: all.filter((i) => i % EACH === 0),
    others: none,
  },
];
const DATA: PageData = { workloads, connections: CONNECTIONS };
const CELL = 15;
/** A label is 12 pixels high. */
const LEAST_DISTANCE = 12;

function labels({ element }: Page): readonly FakeElement[] {
  return element('graph').all('text');
}

function placesOf(page: Page): readonly (readonly [number, number])[] {
  return labels(page).map((label) => {
    const [, x, y] = /translate\((.*),(.*)\) /.exec(label.attributes.get('transform') ?? '') ?? [];
    return [Number(x), Number(y)] as const;
  });
}

function edges({ element }: Page): readonly FakeElement[] {
  return element('graph')
    .all('path')
    .filter((path) => path.attributes.has('marker-end'));
}

/** Without the bands behind the names: those are as long as the matrix. */
function cells({ element }: Page): number {
  return element('matrix').rects.filter(
    ([, , width, height]) => width === CELL - 2 && height === CELL - 2,
  ).length;
}

describe('the page at 500 workloads', () => {
  it('shows namespaces first: a cell for each pair that may talk, and a line for what tells them apart', () => {
    const page = open(DATA);
    expect(labels(page).length).toBe(NAMESPACES + 1);
    // To outside, and everybody to every namespace, its own among them.
    expect(cells(page)).toBe(NAMESPACES + NAMESPACES ** 2);
    expect(edges(page).length).toBe(NAMESPACES);
    expect(page.element('note').textContent).toMatch(
      /^20 lines between 21 names; what nearly everyone may/,
    );
    expect(page.element('rows').children.length).toBe(CONNECTIONS.length);
  });

  it('opens all namespaces, and no two names overlap', () => {
    const page = open(DATA);
    for (const state of ['closed', 'open']) {
      if (state === 'open') page.fire('open', 'click');
      const places = placesOf(page);
      expect(places.length).toBe(state === 'open' ? workloads.length + 1 : NAMESPACES + 1);
      for (const [i, [x, y]] of places.entries()) {
        const [nextX, nextY] = places[(i + 1) % places.length] ?? [0, 0];
        expect(Math.hypot(nextX - x, nextY - y)).toBeGreaterThanOrEqual(LEAST_DISTANCE);
      }
    }
    const within = NAMESPACES * (EACH * (EACH / 5) - EACH / 5);
    expect(edges(page).length).toBe(within + NAMESPACES * (EACH / 5) ** 2);
  });

  it('tells what is chosen: its own lines in front, all others faint, and only its rows', () => {
    const page = open(DATA);
    const chosen = labels(page).find((label) => label.textContent.includes('team-03'));
    chosen?.listeners.get('click')?.({});
    const own = edges(page).map((edge) => [
      edge.attributes.get('class'),
      edge.attributes.get('opacity'),
    ]);
    expect(own.filter(([kind]) => kind === 'edge out')).toEqual([['edge out', '0.95']]);
    expect(own.filter(([kind]) => kind === 'edge in')).toEqual([['edge in', '0.95']]);
    expect(own.filter(([kind]) => kind === 'edge').every(([, opacity]) => opacity === '0.04')).toBe(
      true,
    );
    expect(page.element('count').textContent).toMatch(/^5 of 42 lines for team-03/);
  });

  it('shows the lines behind a cell of the matrix', () => {
    const page = open(DATA);
    const { width } = page.element('matrix');
    const left = width - CELL * (NAMESPACES + 1);
    const at = { offsetX: left + CELL * (1 + 4) + 5, offsetY: left + CELL * (1 + 3) + 5 };
    page.fire('matrix', 'mousemove', at);
    expect(page.element('tip').textContent).toBe('team-03 → team-04: 8080/tcp; 443/tcp');
    page.fire('matrix', 'click', at);
    expect(page.element('count').textContent).toMatch(/^2 of 42 lines for team-03 → team-04/);
  });

  it('opens a namespace by its mark, and closes it again', () => {
    const page = open(DATA);
    const left = page.element('matrix').width - CELL * (NAMESPACES + 1);
    page.fire('matrix', 'click', { offsetX: 5, offsetY: left + CELL + 5 });
    expect(labels(page).length).toBe(NAMESPACES + EACH);
    page.fire('close', 'click');
    expect(labels(page).length).toBe(NAMESPACES + 1);
  });

  it('searches', () => {
    const page = open(DATA);
    page.element('search').value = 'TEAM-07 8080';
    page.fire('search', 'input');
    expect(page.element('rows').children.map(({ children }) => children[0]?.textContent)).toEqual([
      'n6',
      'n7',
    ]);
    expect(cells(page)).toBe(2);
  });

  it('draws what everyone may where workloads are few', () => {
    const few = workloads.slice(0, 3).map((one, i) => ({ ...one, namespace: `n${i}` }));
    const page = open({
      workloads: few,
      connections: [
        {
          from: 'all',
          to: 'all',
          ports: 'any',
          sources: [0, 1, 2],
          destinations: [0, 1, 2],
          others: none,
        },
      ],
    });
    expect(edges(page).length).toBe(6);
  });

  it('says nothing where there is nothing', () => {
    const page = open({ workloads: [], connections: [] });
    expect(page.element('count').textContent).toBe('0 of 0 lines');
  });
});
