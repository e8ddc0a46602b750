import type { FastifyInstance } from 'fastify';

const METHODS = 'POST';
const HEADERS = 'authorization, content-type, content-encoding, idempotency-key, x-api-key';
const MAX_AGE_SECONDS = '600';
const INGEST = '/v1/streams/';

/**
 * Lets pages of these origins send events: only to the routes of streams, and without cookies. Preflights are answered here, since
 * no route knows OPTIONS. @param origins `*` among them: any
 */
export function admitOrigins(fastify: Pick<FastifyInstance, 'addHook'>, origins: readonly string[]): void {
  if (origins.length === 0) return;
  fastify.addHook('onRequest', (request, reply, done) => {
    const { origin } = request.headers;
    if (origin === undefined || !request.url.startsWith(INGEST)) return done();
    void reply.header('vary', 'origin');
    if (!origins.includes('*') && !origins.includes(origin)) return done();
    void reply.header('access-control-allow-origin', origin);
    if (request.method !== 'OPTIONS') return done();
    void reply
      .headers({
        'access-control-allow-methods': METHODS,
        'access-control-allow-headers': HEADERS,
        'access-control-max-age': MAX_AGE_SECONDS,
      })
      .status(204)
      .send();
  });
}
