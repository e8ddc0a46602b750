import type { Clock } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import { type AuditReport, type OutboxReader, RowAudit } from './audit/row-audit.js';
import { MongodbConnection } from './mongodb-connection.js';
import { SeriesCollections } from './rows/series-collections.js';
import type { SeriesLayout } from './rows/series-layout.js';
import { examineServer } from './server-examination.js';
import { applyStorage } from './setup/apply-storage.js';
import { describeStep, isNeeded, planStorage, type StorageStep } from './setup/storage-plan.js';
import { StoreSetupError } from './storage-mongodb.errors.js';

/** To build an index over what is there takes longer than a call of an app may. */
const CALL_TIMEOUT_MS = 3_600_000;

/** One line of a plan. */
export interface PlannedStep {
  readonly text: string;
  /** False: only to be known; nothing is done about it. */
  readonly isNeeded: boolean;
}

/** What `millrace storage` and `millrace audit` do. */
export class MongodbAdministration {
  private constructor(
    private readonly connection: MongodbConnection,
    private readonly database: string,
    private readonly layouts: readonly SeriesLayout[],
  ) {}

  /** @throws StoreUnavailableError, StoreUnauthorizedError, StoreTooOldError, StoreUnsuitableError */
  static async open(options: {
    readonly address: string;
    readonly database: string;
    readonly clock: Clock;
    readonly telemetry: Telemetry;
    readonly series?: readonly SeriesLayout[];
  }): Promise<MongodbAdministration> {
    const connection = new MongodbConnection({ ...options, callTimeoutMs: CALL_TIMEOUT_MS });
    try {
      await examineServer(connection, options.telemetry);
    } catch (error) {
      await connection.close();
      throw error;
    }
    return new MongodbAdministration(connection, options.database, options.series ?? []);
  }

  /** What is missing or different; changes nothing. */
  async plan(): Promise<readonly PlannedStep[]> {
    return (await planStorage(this.connection, this.layouts)).map(planned);
  }

  /** Does what {@link plan} says; gives what was done. @throws StoreSetupError if a newer Millrace has set it up */
  async apply(): Promise<readonly PlannedStep[]> {
    const steps = await planStorage(this.connection, this.layouts);
    if (steps.some(({ kind }) => kind === 'newer'))
      throw new StoreSetupError(this.database, steps.map(describeStep));
    await applyStorage(this.connection, steps);
    return steps.map(planned);
  }

  /** Compares rows with the commits that delivered them. */
  async audit(options: {
    readonly readOutbox: OutboxReader;
    readonly repair: boolean;
  }): Promise<AuditReport> {
    const collections = new SeriesCollections(this.connection, this.layouts);
    return await new RowAudit(this.connection, collections, options).run();
  }

  async close(): Promise<void> {
    await this.connection.close();
  }
}

function planned(step: StorageStep): PlannedStep {
  return { text: describeStep(step), isNeeded: isNeeded(step) };
}
