import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const LIBS_URL = pathToFileURL(join(import.meta.dirname, '..')).href;

/** Node runs TypeScript as it stands; this only finds `./x.ts` for `./x.js`, and the sources behind `#libs/x`. */
const RESOLVE_TYPESCRIPT = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier.startsWith('#libs/')) return next(${JSON.stringify(LIBS_URL)} + specifier.slice(5) + '/index.ts', context);
      try {
        return next(specifier, context);
      } catch (error) {
        if (specifier.startsWith('.') && specifier.endsWith('.js')) return next(specifier.slice(0, -3) + '.ts', context);
        throw error;
      }
    },
  });`)}`;

/**
 * Starts a TypeScript file of this repository as a process of its own, from source, with a channel for messages:
 * for tests that kill it.
 *
 * @param file absolute path
 */
export function forkTypeScript(file: string, args: readonly string[]): ChildProcess {
  return fork(file, [...args], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--import', RESOLVE_TYPESCRIPT],
  });
}

/** Kill -9, and wait until it is gone. */
export async function killProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
