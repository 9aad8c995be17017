/** Diagnostics about the kernel and the native addon that leads to it. */
import { entry } from './entry.js';

export const kernelCatalog = {
  'kernel/addon-missing': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `the native addon \`${path}\` has not been built`,
    hint: () => 'run `make build` in the checkout, as root so that it can install what it needs',
    explanation:
      'Loading programs into a kernel goes through a small native addon. Compiling, checking and the ' +
      'user-space machine work without it.',
  }),
  'kernel/addon-unusable': entry<{ path: string; reason: string }>({
    severity: 'error',
    message: ({ path, reason }) => `the native addon \`${path}\` cannot be loaded: ${reason}`,
    hint: () =>
      'run `make clean build`; at run time it needs libbpf.so.1, libelf.so.1 and libz.so.1',
    explanation:
      'The addon exists but the dynamic linker refused it: it was built for another machine, or a ' +
      'shared library that it needs is missing.',
  }),
  'kernel/not-permitted': entry<{ operation: string; code: string; root: boolean }>({
    severity: 'error',
    message: ({ operation, code }) => `not allowed to ${operation}: ${code}`,
    hint: ({ root }) =>
      root
        ? 'this process is root, so a container without CAP_BPF and CAP_NET_ADMIN, or kernel lockdown, is in the way'
        : 'run it as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN',
    explanation:
      'The kernel refused for lack of privilege. Loading programs needs CAP_BPF and CAP_PERFMON, ' +
      'attaching them CAP_NET_ADMIN; kernels before 5.8 ask for CAP_SYS_ADMIN.',
  }),
  'kernel/refused': entry<{ operation: string; code: string; reason: string }>({
    severity: 'error',
    message: ({ operation, code, reason }) =>
      `the kernel refused to ${operation}: ${code}${reason === '' ? '' : ` (${reason})`}`,
    explanation: 'A system call failed. The code is the errno that the kernel gave.',
  }),
  'kernel/verifier': entry<{ operation: string; reason: string; place: string | undefined }>({
    severity: 'error',
    message: ({ operation, reason, place }) =>
      `the kernel's verifier refused to ${operation}${place === undefined ? '' : ` at \`${place}\``}: ${reason}`,
    hint: () =>
      'this is a fault of policyc and not of the policy: please report it with the whole log',
    explanation:
      'The kernel proves every program safe before it runs it, and could not prove this one. The place ' +
      'is the policy line whose instructions it was looking at.',
  }),
  'kernel/bpffs-unavailable': entry<{ path: string; code: string }>({
    severity: 'error',
    message: ({ path, code }) =>
      `no BPF file system at \`${path}\`, and it cannot be mounted: ${code}`,
    hint: ({ path }) => `as root, run \`mount -t bpf bpf ${path}\``,
    explanation:
      'Programs, maps and links are pinned in a BPF file system so that enforcement outlives the process.',
  }),
};
