/** The small alphabets that generated clusters and policies are drawn from, so that things collide. */
import fc from 'fast-check';

export const NAMESPACES = ['default', 'shop', 'dev'] as const;
export const NODES = ['n1', 'n2'] as const;
export const KEYS = ['a', 'b'] as const;
export const VALUES = ['x', 'y', ''] as const;
export const NUMBERS = [80, 81, 443, 8080] as const;
export const NAMES = ['http', 'dns'] as const;
export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

export const CIDRS = [
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.0.0.0/24',
  '10.0.0.0/30',
  '10.0.0.2/31',
  '10.0.0.1/32',
  '10.96.0.0/16',
  '192.168.0.0/24',
  '192.168.0.1/32',
  '203.0.113.0/24',
  '::/0',
  'fd00::/64',
  'fd00::/126',
  'fd00::1/128',
  'fd96::/64',
  'fd99::1/128',
  '2001:db8::/32',
];

export const labels = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), {
  maxKeys: 2,
});
/** Sometimes null, sometimes absent. */
export const maybeEmpty = <Value>(
  value: fc.Arbitrary<Value>,
): fc.Arbitrary<Value | null | undefined> =>
  fc.oneof(
    { weight: 4, arbitrary: value },
    { weight: 1, arbitrary: fc.constantFrom(null, undefined) },
  );

type Defined<Shape> = {
  [Key in keyof Shape as undefined extends Shape[Key] ? never : Key]: Shape[Key];
} & {
  [Key in keyof Shape as undefined extends Shape[Key] ? Key : never]?: Exclude<
    Shape[Key],
    undefined
  >;
};

/** Leaves the undefined fields out, as a YAML text has no way to write them. */
export function definedOnly<Shape extends object>(shape: Shape): Defined<Shape> {
  const entries = Object.entries(shape).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<Shape>;
}
