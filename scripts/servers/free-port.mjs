import { createServer } from 'node:net';

/** `wanted` if nobody listens there, otherwise some free port of loopback. */
export async function freePort(wanted = 0) {
  return (await listenOnce(wanted)) ?? (await listenOnce(0));
}

function listenOnce(port) {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const { port: found } = server.address();
      server.close(() => done(found));
    });
  });
}
