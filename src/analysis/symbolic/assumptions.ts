/** Assumptions: what an answer for all clusters takes for granted, in sentences for people. */
import { peersOf, type SymbolicUniverse } from './universe.js';

/** @param triesNumbers whether names were tried with the numbers that rules name as well */
export function assumptionsOf(
  { kinds, freshPorts, families }: SymbolicUniverse,
  triesNumbers: boolean,
): readonly string[] {
  const models = [...new Set(families[0]?.universe.models)];
  const names = [...new Set(freshPorts.map(({ name }) => `"${name}"`))];
  const services = kinds.services.map(({ namespace, name }) => `${namespace}/${name}`);
  const hasDomains = peersOf(models).some(({ kind }) => kind === 'nothing');
  return [
    'pods on the host network are their node; connections through Services follow those of the pods behind them',
    ...(names.length === 0
      ? []
      : [
          triesNumbers
            ? `port ${names.join(', ')}: no pod gives two of its ports' names one number`
            : `port ${names.join(', ')}: each name means a number of its own that no rule names; what changes only where pods give it a number that rules do name, only a cluster tells`,
        ]),
    ...(services.length === 0
      ? []
      : [
          `service ${services.join(', ')}: the ports that rules name (of a range the first), at the same numbers behind it; endpoints are pods of its namespace, nodes and outside addresses, which serve one of them each`,
        ]),
    ...(hasDomains ? ['rules for domain names and other unknown peers match nothing'] : []),
  ];
}
