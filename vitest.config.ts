import { defineConfig } from 'vitest/config';
import { ClosingLine } from './scripts/closing-line.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    reporters: ['default', new ClosingLine()],
  },
});
