import type { IncomingMessage, ServerResponse } from 'node:http';
import { PlatformError, type RetryAdvice } from '#libs/kernel';
import type { Telemetry } from '#libs/observability';
import type { Configuration } from './configuration.js';
import type { Substitute } from './front-door.js';
import { problemOf } from './problem.filter.js';
import type { ServerOutages } from './server-outages.js';

/** The process listens, and there is no app (yet, or any more) to answer. */
export class AppNotReadyError extends PlatformError {
  readonly code = 'APP_NOT_READY';
  readonly retry: RetryAdvice = 'backoff';
  readonly httpStatus = 503;
  constructor(reason: string) {
    super(`this process takes no requests at present: ${reason}`, { context: { reason } });
  }
}

interface Process {
  readonly configuration: Configuration;
  readonly telemetry: Telemetry;
  readonly outages: ServerOutages;
}

/** What a process answers while it waits for its servers: probes, metrics, settings; to all else, that it waits. */
export function whileStarting({ configuration, telemetry, outages }: Process): Substitute {
  return (request, response) => {
    switch (routeOf(request)) {
      case '/health/live':
        json(response, 200, { status: 'ok' });
        break;
      case '/health/ready':
      case '/health/startup':
        json(response, 503, notReady(outages));
        break;
      case '/metrics':
        void telemetry.metrics().then(({ contentType, text }) => send(response, 200, contentType, text));
        break;
      case '/v1/config': {
        const { app, processId } = configuration;
        json(response, 200, { app, processId, settings: configuration.effective() });
        break;
      }
      default:
        refuse(response, outages.all.size === 0 ? 'it starts' : `it waits for ${outages.describe()}`);
    }
    return true;
  };
}

/** What has begun goes on; probes and metrics are answered, readiness says no; nothing new is taken in. */
export const whileDraining: Substitute = (request, response) => {
  const route = routeOf(request);
  if (route === '/health/ready')
    json(response, 503, report({ process: { status: 'down', state: 'draining' } }));
  else if (route.startsWith('/health/') || route === '/metrics') return false;
  else refuse(response, 'it stops');
  return true;
};

/** As Terminus tells it. */
function notReady(outages: ServerOutages): object {
  const down = [...outages.all].map(([server, outage]) => [server, { status: 'down', ...outage }] as const);
  // The first attempt has not ended: what it is about is said all the same.
  const process = down.length === 0 ? { state: 'starting', opens: outages.addresses } : { state: 'waiting' };
  return report({ process: { status: 'down', ...process }, ...Object.fromEntries(down) });
}

function report(error: object): object {
  return { status: 'error', info: {}, error, details: error };
}

function refuse(response: ServerResponse, reason: string): void {
  response.setHeader('retry-after', '1');
  // The body of the request stays unread.
  response.setHeader('connection', 'close');
  const problem = problemOf(new AppNotReadyError(reason));
  send(response, problem.status, 'application/problem+json', JSON.stringify(problem));
}

function json(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text);
}

function routeOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}
