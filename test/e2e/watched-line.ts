import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { SocketPairs } from './socket-pairs.js';

/** What becomes of what a client sends: it goes on; it never arrives, and nobody is told; or the connection breaks before it arrives. */
export type Verdict = 'pass' | 'swallow' | 'break';

/** A TCP proxy on loopback that judges everything clients send, and can be cut. */
export class WatchedLine {
  readonly #pairs = new SocketPairs();
  #judge: (text: string) => Verdict = () => 'pass';
  #isCut = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(host: string, port: number): Promise<WatchedLine> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = new WatchedLine(server, (server.address() as AddressInfo).port);
    server.on('connection', (client: Socket) => line.#carry(client, connect(port, host)));
    return line;
  }

  /** @param judge of each piece that arrives, as Latin-1: names in it can be searched for */
  watch(judge: (text: string) => Verdict): void {
    this.#judge = judge;
  }

  /** Breaks every connection, and each one that is tried, until `mend`. */
  cut(): void {
    this.#isCut = true;
    this.#pairs.break();
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  #carry(client: Socket, server: Socket): void {
    this.#pairs.join(client, server);
    if (this.#isCut) client.destroy();
    server.pipe(client);
    client.on('data', (bytes) => this.#pass(bytes, client, server));
  }

  #pass(bytes: Buffer, client: Socket, server: Socket): void {
    const verdict = this.#judge(bytes.toString('latin1'));
    if (verdict === 'break') client.destroy();
    else if (verdict === 'pass' && !server.write(bytes)) {
      client.pause();
      server.once('drain', () => client.resume());
    }
  }
}
