import { SystemClock } from '#libs/kernel';
import { decodeOutbox } from '#libs/functions';
import { Telemetry } from '#libs/observability';
import type { AuditReport, MongodbAdministration, PlannedStep } from '#libs/storage-mongodb';
import { Configuration, ConfigurationInvalidError } from './configuration.js';
import { mongodbOptions } from './open-mongodb.js';
import { Pipelines } from './pipelines.js';

/** Set-up and audit of the store that the settings name, for the command line. */
export class StorageAdministration {
  private constructor(
    private readonly administration: MongodbAdministration,
    /** The database, for messages. */
    readonly database: string,
  ) {}

  /**
   * @param args settings as the apps take them, over those of the environment: `--store mongodb://…`
   * @throws ConfigurationInvalidError, PipelineInvalidError, StoreUnavailableError
   */
  static async open(args: readonly string[]): Promise<StorageAdministration> {
    const configuration = Configuration.load('cli', process.env, args);
    const { store } = configuration.values;
    if (store.kind === 'embedded') {
      const wanted =
        'a MongoDB: the embedded store looks after itself, e.g. --store mongodb://host:27017/?replicaSet=rs0';
      throw new ConfigurationInvalidError([`MILLRACE_STORE is 'embedded', wanted ${wanted}`]);
    }
    const pipelines = Pipelines.load(configuration);
    const telemetry = new Telemetry({ logLevel: 'silent' });
    const tools = { configuration, clock: new SystemClock(), telemetry };
    const options = mongodbOptions(store, pipelines, tools);
    const { MongodbAdministration: Administration } = await import('#libs/storage-mongodb');
    return new StorageAdministration(await Administration.open(options), options.database);
  }

  /** What is missing or different; changes nothing. */
  plan(): Promise<readonly PlannedStep[]> {
    return this.administration.plan();
  }

  /** Does what {@link plan} says. */
  apply(): Promise<readonly PlannedStep[]> {
    return this.administration.apply();
  }

  /** Compares rows with the commits that delivered them; `repair` inserts the missing ones. */
  audit(options: { readonly repair: boolean }): Promise<AuditReport> {
    const readOutbox = (bytes: Uint8Array, what: string) => decodeOutbox(bytes, what).rows;
    return this.administration.audit({ ...options, readOutbox });
  }

  close(): Promise<void> {
    return this.administration.close();
  }
}
