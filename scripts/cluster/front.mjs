// What an ingress does in front of the apps: /v1/streams goes to ingest, everything else to the dashboard; by turns to their
// replicas, and past one that is not there.

import { createServer, request as sendOn } from 'node:http';
import { ScriptFailure } from '../workspace.mjs';

const HOST = '127.0.0.1';

/**
 * @param {{port: number, targets: {ingest: number[], dashboard: number[]}}} options ports of the replicas
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function openFront({ port, targets }) {
  let turn = 0;
  const server = createServer((request, response) => {
    const app = request.url?.startsWith('/v1/streams/') ? 'ingest' : 'dashboard';
    const first = turn++ % targets[app].length;
    const ports = [...targets[app].slice(first), ...targets[app].slice(0, first)];
    passOn({ app, ports, request, response });
  });
  // A body may take as long as its sender likes.
  server.requestTimeout = 0;
  await new Promise((done, fail) => {
    server.once('error', (error) => fail(failureOf(error, port)));
    server.listen(port, HOST, done);
  });
  return {
    url: `http://localhost:${server.address().port}`,
    close: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}

function passOn({ app, ports: [port, ...others], request, response }) {
  const { method, url, headers } = request;
  const onward = sendOn({ host: HOST, port, method, path: url, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
    answer.once('error', () => response.destroy());
  });
  let isConnected = false;
  onward.once('socket', (socket) =>
    socket.once('connect', () => {
      isConnected = true;
      request.pipe(onward);
    }),
  );
  onward.once('error', (error) => {
    // Nothing of the body is gone.
    if (!isConnected && others.length > 0) passOn({ app, ports: others, request, response });
    else refuse(response, `${app} at port ${port}: ${error.message}`);
  });
  response.once('close', () => onward.destroy());
}

function refuse(response, detail) {
  if (response.headersSent) return response.destroy();
  const problem = { type: 'about:blank', title: 'Bad Gateway', status: 502, detail };
  response.writeHead(502, { 'content-type': 'application/problem+json', 'retry-after': '1' });
  response.end(JSON.stringify(problem));
}

function failureOf(error, port) {
  if (error.code !== 'EADDRINUSE') return error;
  return new ScriptFailure(
    `port ${port} is in use; stop what listens there, or choose another (MILLRACE_PORT)`,
  );
}
