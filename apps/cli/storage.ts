import { StorageAdministration } from '#libs/platform';
import { failWith } from './command-failure.js';
import { EXIT_CODE, type ExitCode } from './exit-code.js';
import type { Terminal } from './terminal.js';

export type StorageAction = 'plan' | 'apply' | 'check';

export interface StorageSettings {
  readonly isJson: boolean;
  /** Settings of the apps, `--store mongodb://…`. */
  readonly args: readonly string[];
}

type Report = Awaited<ReturnType<StorageAdministration['audit']>>;

/** Compares the database with what the pipelines need, and with `apply` puts it right. */
export async function runStorage(
  action: StorageAction,
  { isJson, args }: StorageSettings,
  terminal: Terminal,
): Promise<ExitCode> {
  return await withStorage(args, terminal, async (storage) => {
    const steps = await (action === 'apply' ? storage.apply() : storage.plan());
    const needed = steps.filter(({ isNeeded }) => isNeeded).length;
    for (const step of steps) terminal.out(isJson ? JSON.stringify(step) : step.text);
    if (!isJson) terminal.out(`database ${storage.database}: ${summaryOf(action, needed)}`);
    return action === 'check' && needed > 0 ? EXIT_CODE.refused : EXIT_CODE.done;
  });
}

/** Compares rows with commits; says what is wrong, and with `repair` inserts what is missing. */
export async function runAudit(
  { isJson, args, repair }: StorageSettings & { readonly repair: boolean },
  terminal: Terminal,
): Promise<ExitCode> {
  return await withStorage(args, terminal, async (storage) => {
    const report = await storage.audit({ repair });
    if (isJson) terminal.out(JSON.stringify(report));
    else reportAudit(report, storage.database, terminal);
    const wrong = report.missing + report.doubled + report.differing - report.repaired;
    return wrong > 0 ? EXIT_CODE.refused : EXIT_CODE.done;
  });
}

function summaryOf(action: StorageAction, needed: number): string {
  if (needed === 0) return 'all as wanted';
  const steps = needed === 1 ? '1 step' : `${needed} steps`;
  return action === 'apply' ? `${steps} done` : `${steps}; \`millrace storage apply\` does it`;
}

function reportAudit(report: Report, database: string, terminal: Terminal): void {
  for (const { kind, collection, id, row, repaired } of report.findings) {
    const window =
      row === undefined
        ? ''
        : ` ${row.stream} ${new Date(row.windowStartMs).toISOString()} ${JSON.stringify(row.key)}`;
    terminal.out(`${kind}${repaired === true ? ', inserted' : ''}: ${collection} ${id}${window}`);
  }
  const { rows, commits, missing, doubled, differing, repaired } = report;
  terminal.out(
    `database ${database}: ${rows} rows of ${commits} commits compared: ${missing} missing (${repaired} inserted), ${doubled} doubled, ${differing} differing`,
  );
  if (doubled > 0)
    terminal.out('doubled rows stay: MongoDB 6 and older delete no single rows of a time-series collection');
}

async function withStorage(
  args: readonly string[],
  terminal: Terminal,
  use: (storage: StorageAdministration) => Promise<ExitCode>,
): Promise<ExitCode> {
  let storage: StorageAdministration | undefined;
  try {
    storage = await StorageAdministration.open(args);
    return await use(storage);
  } catch (error) {
    return failWith(error, terminal);
  } finally {
    await storage?.close();
  }
}
