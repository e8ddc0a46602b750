import { explainPipeline } from '#libs/pipeline';
import { checkOwnSteps, loadPipeline } from '#libs/platform';
import { complaintsOf } from './command-failure.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

/**
 * Checks pipeline files without starting anything: every problem of every file, or what the pipeline does. Steps of the user's
 * own are loaded and made, as a start would.
 */
export async function validate(files: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODE.done;
  for (const file of files) if (!(await isValid(file, terminal))) exitCode = EXIT_CODE.refused;
  return exitCode;
}

async function isValid(file: string, terminal: Terminal): Promise<boolean> {
  try {
    const pipeline = loadPipeline(file);
    const problems = await checkOwnSteps(pipeline);
    for (const { message } of problems) terminal.complain(message);
    if (problems.length > 0) return false;
    terminal.out(`${file}: ok\n${explainPipeline(pipeline)}`);
    return true;
  } catch (error) {
    for (const line of complaintsOf(error)) terminal.complain(line);
    return false;
  }
}
