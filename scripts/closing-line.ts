/** A vitest reporter that ends a run with one plain line: `N passed, N failed`, and `N skipped` if any. */
import type { Reporter, TestModule } from 'vitest/node';

export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let skipped = 0;
    // An error outside any test, or a file that cannot even be collected, is a failure of its own.
    let failed = unhandled.length;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else skipped += 1;
      }
      const ownFault =
        module.state() === 'failed' && !tests.some((one) => one.result().state === 'failed');
      if (ownFault) failed += 1;
    }
    // After the other reporters' summary, which is written in the same turn of the loop.
    process.once('exit', () => {
      const line = `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
      process.stdout.write(`${line}\n`);
    });
  }
}
