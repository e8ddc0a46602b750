import { type AddressInfo, connect, createServer } from 'node:net';
import { SocketPairs } from './socket-pairs.js';

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
  const pairs = new SocketPairs();
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    pairs.join(near, far);
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((done) => server.listen(from, '127.0.0.1', done));
  const cut = async (): Promise<void> => {
    pairs.break();
    await new Promise((done) => server.close(done));
  };
  return { cut };
}
