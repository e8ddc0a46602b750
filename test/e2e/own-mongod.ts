import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/servers/free-port.mjs';
import { fetchMongod, startMember, startReplicaSet } from '../../scripts/servers/mongod-server.mjs';
import { stopProcess } from '../../scripts/servers/server-process.mjs';

export type MongodParameters = Readonly<Record<string, string | number | boolean>>;

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly program: string;
  readonly parameters: MongodParameters;
}

/** A mongod for one spec, which may be stopped, killed and started again. */
export class OwnMongod {
  private constructor(
    readonly address: string,
    private readonly place: Place,
    private pid: number,
  ) {}

  /** Resolves when it is primary. */
  static async start(parameters: MongodParameters = {}): Promise<OwnMongod> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-mongod-'));
    const place = { folder, port: await freePort(), program: await fetchMongod(), parameters };
    const { pids, addresses } = await startReplicaSet({ ...place, ports: [place.port] });
    return new OwnMongod(addresses.driver, place, pids[0]!);
  }

  /** It answers nobody; its connections stay. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Ends it like a power cut. */
  async kill(): Promise<void> {
    await stopProcess(this.pid, 'SIGKILL');
  }

  /** Starts it over the same data. */
  async startAgain(): Promise<void> {
    this.pid = await startMember(this.place);
  }

  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.place.folder, { recursive: true, force: true });
  }
}
