import { explainPipeline } from '#libs/pipeline';
import { loadPipeline } from '#libs/platform';
import { complaintsOf } from './command-failure.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** Checks pipeline files without starting anything: every problem of every file, or what the pipeline does. */
export function validate(files: readonly string[], terminal: Terminal): ExitCode {
  const outcomes = files.map((file) => isValid(file, terminal));
  return outcomes.every(Boolean) ? EXIT_CODE.done : EXIT_CODE.refused;
}

function isValid(file: string, terminal: Terminal): boolean {
  try {
    const pipeline = loadPipeline(file);
    terminal.out(`${file}: ok\n${explainPipeline(pipeline)}`);
    return true;
  } catch (error) {
    for (const line of complaintsOf(error)) terminal.complain(line);
    return false;
  }
}
