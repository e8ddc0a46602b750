import { inspect } from 'node:util';

/**
 * From here on the process ends at once when something exits it: user code with `process.exit`, an error that nobody
 * has caught, a drain that took too long. For as long as an embedded store is open: at an exit, Node waits for the
 * threads of its pool, and LMDB's writer on one of them may wait for the main thread, which waits. Whatever is not
 * committed is lost, as it is for a process that is killed; what is committed is not.
 *
 * @returns takes it back
 */
export function exitAtOnce(): () => void {
  let uncaught: unknown;
  const remember = (error: unknown): void => void (uncaught = error);
  const end = (exitCode: number): void => {
    // Node itself says it only after this.
    if (uncaught !== undefined) process.stderr.write(`${inspect(uncaught)}\n`);
    endWith(exitCode);
  };
  process.on('uncaughtExceptionMonitor', remember);
  process.on('exit', end);
  return () => {
    process.off('uncaughtExceptionMonitor', remember);
    process.off('exit', end);
  };
}

/** Another program in this process's place takes its threads away, and keeps its exit code. */
function endWith(exitCode: number): void {
  try {
    process.execve?.(process.execPath, [process.execPath, '--eval', `process.exit(${exitCode})`], {});
  } catch {
    // Not offered on this system.
  }
  process.kill(process.pid, 'SIGKILL');
}
