/** The syntax of Kubernetes names: objects, labels, ports, domains. */

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const LABEL_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const DOMAIN_NAME =
  /^(\*\.)?([a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?$/;

/** What is wrong with a name of at most 63 of a-z, 0-9 and inner hyphens (RFC 1123 label). */
export function faultOfDnsLabel(name: string): string | undefined {
  return name.length <= 63 && DNS_LABEL.test(name)
    ? undefined
    : 'at most 63 of a-z, 0-9 and `-`, with a letter or digit at both ends';
}

/** What is wrong with a name of at most 253 characters: DNS labels joined by dots. */
export function faultOfDnsSubdomain(name: string): string | undefined {
  return name.length <= 253 && DNS_SUBDOMAIN.test(name)
    ? undefined
    : 'at most 253 of a-z, 0-9, `-` and `.`, with a letter or digit at both ends';
}

export function faultOfLabelKey(key: string): string | undefined {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && faultOfDnsSubdomain(prefix) !== undefined) {
    return 'the part ahead of `/` is no DNS name';
  }
  if (name === '') return 'the name is empty';
  if (name.length > 63) return `the name has ${name.length} characters; 63 are allowed`;
  if (!LABEL_PART.test(name)) {
    return 'a name has letters, digits, `-`, `_` and `.`, with a letter or digit at both ends';
  }
  return undefined;
}

export function faultOfLabelValue(value: string): string | undefined {
  if (value === '') return undefined;
  if (value.length > 63) return `it has ${value.length} characters; 63 are allowed`;
  if (!LABEL_PART.test(value)) {
    return 'a value has letters, digits, `-`, `_` and `.`, with a letter or digit at both ends';
  }
  return undefined;
}

/** IANA_SVC_NAME, RFC 6335 section 5.1, lower case as the API wants it. */
export function faultOfPortName(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.length > 15) return `it has ${name.length} characters; 15 are allowed`;
  if (!/^[-a-z0-9]+$/.test(name)) return 'it may have a-z, 0-9 and `-` alone';
  if (!/[a-z]/.test(name)) return 'it has no letter';
  if (name.includes('--')) return 'two hyphens follow each other';
  if (name.startsWith('-') || name.endsWith('-')) return 'a hyphen stands at an end';
  return undefined;
}

export function isDomainName(text: string): boolean {
  return text.length <= 255 && DOMAIN_NAME.test(text);
}
