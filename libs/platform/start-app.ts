import { AppProcess } from './app-process.js';
import { type AppDescription, prepareApp } from './create-app.js';
import { PlatformError } from '#libs/kernel';

/** A process that cannot start ends with this code: the configuration or the data has to change first. */
const EXIT_REFUSED = 78;

/**
 * Starts an app as a process: reads its configuration, listens, opens what it stands on, waiting for servers that are
 * away, and ends on SIGTERM or SIGINT after intake has stopped and everything is committed and delivered.
 */
export async function startApp(description: AppDescription): Promise<void> {
  try {
    const prepared = await prepareApp(description, process.env, process.argv.slice(2));
    await new AppProcess(description, prepared).run();
  } catch (error) {
    refuseToStart(error);
  }
}

/** Ends the process with what keeps it from starting. */
export function refuseToStart(error: unknown): never {
  const text =
    error instanceof PlatformError
      ? `${error.code}: ${error.message}`
      : String((error as Error).stack ?? error);
  process.stderr.write(`millrace cannot start.\n${text}\n`);
  process.exit(EXIT_REFUSED);
}
