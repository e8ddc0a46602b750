import { freePort } from '../../scripts/servers/free-port.mjs';
import { fetchPulsar, type PulsarServer, startPulsar } from '../../scripts/servers/pulsar-server.mjs';
import { stopProcess } from '../../scripts/servers/server-process.mjs';
import { removeFolder, temporaryFolder } from './standalone-process.js';

/** Lines of the broker's configuration. */
type BrokerSettings = Readonly<Record<string, string | number | boolean>>;
type HealthCheck = (webPort: number) => Promise<boolean>;

/** A broker of its own for a test that kills it. Its data outlives it, its ports stay the same. */
export class OwnPulsar {
  #server: PulsarServer;
  #starting: Promise<void> = Promise.resolve();

  private constructor(
    server: PulsarServer,
    private readonly options: { readonly settings: BrokerSettings; readonly isHealthy?: HealthCheck },
  ) {
    this.#server = server;
  }

  /** @param isHealthy where it takes more than asking without a token */
  static async start(settings: BrokerSettings = {}, isHealthy?: HealthCheck): Promise<OwnPulsar> {
    const ports = { broker: await freePort(), web: await freePort() };
    const install = await fetchPulsar();
    const options = { settings, ...(isHealthy === undefined ? {} : { isHealthy }) };
    const server = await startPulsar({ folder: temporaryFolder(), ports, install, ...options });
    return new OwnPulsar(server, options);
  }

  get webSocket(): string {
    return this.#server.addresses.webSocket;
  }

  /** Ends it like a power cut. */
  async kill(): Promise<void> {
    for (const pid of this.#server.pids) await stopProcess(pid, 'SIGKILL');
  }

  /** Starts it over the same data; resolves when it is healthy. */
  async startAgain(): Promise<void> {
    this.#starting = this.#startAgain();
    await this.#starting;
  }

  /** Also while it is being started, as at the end of a test that has run out of time. */
  async remove(): Promise<void> {
    await this.#starting.catch(() => undefined);
    await this.kill();
    removeFolder(this.#server.folder);
  }

  async #startAgain(): Promise<void> {
    const { folder, ports } = this.#server;
    this.#server = await startPulsar({ folder, ports, install: await fetchPulsar(), ...this.options });
  }
}
