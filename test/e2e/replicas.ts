import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import type { PulsarAddresses } from '#libs/testing';
import { ClusterProcess } from './cluster-process.js';
import { Opened } from './opened.js';
import { PulsarNamespace } from './pulsar-namespace.js';

/** Apps as processes, several of each if wanted, over a namespace and a database of their own. */
export class Replicas {
  readonly #opened = new Opened();

  private constructor(private readonly settings: Readonly<Record<string, string>>) {}

  static async open(pulsar: PulsarAddresses, driver: string): Promise<Replicas> {
    const database = `millrace-e2e-${randomUUID().slice(0, 8)}`;
    const namespace = await PulsarNamespace.make(pulsar);
    const replicas = new Replicas({
      ...namespace.settings,
      MILLRACE_STORE: driver.replace('/?', `/${database}?`),
      MILLRACE_APPLY_TOPOLOGY: 'true',
      MILLRACE_VISITOR_SECRET: 'of all runs',
    });
    replicas.#opened.add(() => namespace.remove());
    replicas.#opened.add(async () => {
      const client = new MongoClient(driver);
      await client.db(database).dropDatabase();
      await client.close();
    });
    return replicas;
  }

  /** Starts one more. */
  start(app: string, settings: Readonly<Record<string, string>> = {}): ClusterProcess {
    const started = ClusterProcess.app(app, { ...this.settings, ...settings });
    this.#opened.add(() => started.kill());
    return started;
  }

  async closeAll(): Promise<void> {
    await this.#opened.closeAll();
  }
}
