import type { Socket } from 'node:net';

/** The connections that go through a proxy: where one side of a pair ends, the other does. */
export class SocketPairs {
  readonly #open = new Set<Socket>();

  join(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#open.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
  }

  /** Breaks all of them. */
  break(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
