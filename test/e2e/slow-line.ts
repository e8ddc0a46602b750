import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SocketPairs } from './socket-pairs.js';

/** What goes over the line at once: connections take turns, and a word about a lease does not wait behind a commit. */
const PIECE_BYTES = 2 * 1024;

/** A TCP proxy on loopback that lets only so much through a second, to the server, of all connections together. */
export class SlowLine {
  readonly #pairs = new SocketPairs();
  #bytesPerSecond = Infinity;
  #freeAtMs = 0;
  #bytes = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(host: string, port: number): Promise<SlowLine> {
    const server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = new SlowLine(server, (server.address() as AddressInfo).port);
    server.on('connection', (client: Socket) => line.#carry(client, connect(port, host)));
    return line;
  }

  /** What has gone to the server so far. */
  get bytes(): number {
    return this.#bytes;
  }

  limit(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  async close(): Promise<void> {
    this.#pairs.break();
    this.server.close();
    await once(this.server, 'close');
  }

  #carry(client: Socket, server: Socket): void {
    this.#pairs.join(client, server);
    server.pipe(client);
    void this.#slowly(client, server).catch(() => client.destroy());
  }

  async #slowly(client: Socket, server: Socket): Promise<void> {
    for await (const chunk of client) {
      const bytes = chunk as Buffer;
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const piece = bytes.subarray(at, at + PIECE_BYTES);
        await this.#turn(piece.length);
        this.#bytes += piece.length;
        if (!server.write(piece)) await once(server, 'drain');
      }
    }
    server.end();
  }

  async #turn(bytes: number): Promise<void> {
    const nowMs = performance.now();
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + (bytes / this.#bytesPerSecond) * 1_000;
    if (this.#freeAtMs > nowMs) await sleep(this.#freeAtMs - nowMs);
  }
}
