/** Diagnostics about what policies mean: conflicts, and statements that do nothing. */
import { entry } from './entry.js';

const sentence = (names: readonly string[]): string => {
  const shown = names.slice(0, 3).map((name) => `\`${name}\``);
  const rest = names.length - shown.length;
  return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
};

export const checkCatalog = {
  'check/equal-priority': entry<{
    rule: string;
    other: string;
    priority: number;
    tier: string;
  }>({
    severity: 'error',
    message: ({ rule, other, priority, tier }) =>
      `\`${rule}\` and \`${other}\` may match the same packets with different actions, at equal priority ${priority} in tier \`${tier}\``,
    hint: () => 'give one of the two policies another priority',
    explanation:
      'Which of two policies of equal priority goes first is undefined, so their rules must not overlap with different actions.',
  }),
  'check/unknown-exception-policy': entry<{
    exception: string;
    policy: string;
    near: string | undefined;
  }>({
    severity: 'error',
    message: ({ exception, policy }) =>
      `exception \`${exception}\` is to \`${policy}\`, but no \`policy\` block is called so`,
    hint: ({ near }) => (near === undefined ? undefined : `did you mean \`${near}\`?`),
    explanation: 'An exception goes ahead of the rules of a `policy` block, which it names.',
  }),
  'check/contradictory-selector': entry<{ reason: string }>({
    severity: 'warning',
    message: ({ reason }) => `the selector contradicts itself and selects nothing: ${reason}`,
    explanation: 'All requirements of a selector must hold at once, and these cannot.',
  }),
  'check/empty-addresses': entry<{ blocks: readonly string[] }>({
    severity: 'warning',
    message: ({ blocks }) =>
      blocks.length === 0
        ? 'the list of addresses is empty and matches nothing'
        : `everything in ${sentence(blocks)} is excepted, so that nothing is left to match`,
    explanation: 'What is excepted covers all that is included.',
  }),
  'check/rule-never-matches': entry<{ rule: string; reason: string }>({
    severity: 'warning',
    message: ({ rule, reason }) => `\`${rule}\` can never match: ${reason}`,
    explanation: 'No packet can meet what the rule asks for, in any cluster.',
  }),
  'check/selects-nothing': entry<{ what: string }>({
    severity: 'warning',
    message: ({ what }) => `the selector matches no ${what} of the given cluster`,
    hint: () => 'check the labels; a selector that is empty in every cluster may hide a typo',
    explanation: 'Nothing in the cluster snapshot has the labels that the selector asks for.',
  }),
  'check/unknown-service': entry<{ service: string; near: string | undefined }>({
    severity: 'warning',
    message: ({ service }) => `there is no Service \`${service}\` in the given cluster`,
    hint: ({ near }) => (near === undefined ? undefined : `did you mean \`${near}\`?`),
    explanation: 'A rule to a Service that does not exist matches nothing.',
  }),
  'check/shadowed-rule': entry<{ rule: string; by: string; exceptUnbound: boolean }>({
    severity: 'warning',
    message: ({ rule, by }) =>
      `\`${rule}\` never decides: \`${by}\` matches all that it matches and goes first`,
    hint: ({ exceptUnbound }) =>
      exceptUnbound
        ? 'it only still decides for addresses in the pod ranges that no pod holds'
        : undefined,
    explanation:
      'In an ordered tier the first rule that matches decides; later ones are not asked.',
  }),
  'check/redundant-rule': entry<{ rule: string; by: string }>({
    severity: 'warning',
    message: ({ rule, by }) => `\`${rule}\` adds nothing: \`${by}\` allows all that it allows`,
    explanation:
      'Rules of one policy are added up, so that a rule within a wider one has no effect.',
  }),
  'check/allow-without-isolation': entry<{ policy: string; direction: string }>({
    severity: 'warning',
    message: ({ policy, direction }) =>
      `the allow in \`${policy}\` changes nothing: nothing isolates its pods for ${direction}`,
    hint: ({ direction }) => `write \`isolate ${direction}\` in the namespace block`,
    explanation: 'Pods that no policy isolates are open, whatever else is allowed to them.',
  }),
  'check/service-mixed': entry<{
    service: string;
    port: string;
    pod: string;
    allowed: readonly string[];
    denied: readonly string[];
  }>({
    severity: 'warning',
    message: ({ service, port, pod, allowed, denied }) =>
      `\`${pod}\` cannot use Service \`${service}\` at ${port}: ${sentence(denied)} behind it is denied, ${sentence(allowed)} allowed`,
    hint: () => 'allow every endpoint, or none',
    explanation:
      'A packet to a Service may end at any endpoint, so it is denied where the policies let only some be reached.',
  }),
};
