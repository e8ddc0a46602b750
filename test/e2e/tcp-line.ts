import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A port that nobody listens at. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

/** A line to a server, that can be cut. */
export interface TcpLine {
  readonly cut: () => Promise<void>;
}

/** Passes on what comes to a port of this machine to another. */
export async function openLine(from: number, to: number): Promise<TcpLine> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => other.destroy());
      socket.pipe(other);
    }
  });
  await new Promise<void>((done) => server.listen(from, '127.0.0.1', done));
  const cut = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    await new Promise((done) => server.close(done));
  };
  return { cut };
}
