import { randomUUID } from 'node:crypto';
import { PulsarAdmin } from '#libs/pulsar-admin';

/** A namespace of its own for one test, on a broker that others use too. */
export class PulsarNamespace {
  private constructor(
    private readonly admin: PulsarAdmin,
    readonly name: string,
    readonly webSocket: string,
  ) {}

  static async make(addresses: {
    readonly admin: string;
    readonly webSocket: string;
  }): Promise<PulsarNamespace> {
    const admin = new PulsarAdmin({ address: addresses.admin });
    const name = `e2e-${randomUUID()}`;
    await admin.tenants.createNamespace('public', name);
    return new PulsarNamespace(admin, name, addresses.webSocket);
  }

  /** What a process needs to run on it. */
  get settings(): Readonly<Record<string, string>> {
    return { MILLRACE_BROKER: this.webSocket, MILLRACE_NAMESPACE: this.name };
  }

  topic(noun: string): string {
    return `persistent://public/${this.name}/web.${noun}`;
  }

  /** Removes it with everything in it. */
  async remove(): Promise<void> {
    const topics = await this.admin.topics.list('public', this.name);
    for (const topic of topics) await this.admin.topics.delete(topic, { force: true });
    // Topics of its own, for policies, go with it; a broker that deletes nothing by force keeps the empty namespace.
    await this.admin.tenants.deleteNamespace('public', this.name).catch(() => undefined);
  }
}
