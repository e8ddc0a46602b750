import fastify from 'fastify';

// What the ratio is taken to: the least that a server in Node does with these bodies.

const server = fastify({ bodyLimit: 64 * 1024 * 1024 });
server.post('/v1/streams/:stream/events', async (request, reply) => {
  const accepted = Array.isArray(request.body) ? request.body.length : 1;
  return await reply
    .status(202)
    .send({ accepted, duplicates: 0, rejected: 0, errors: [], errorsTruncated: false });
});
process.stdout.write(`${await server.listen({ port: 0, host: '127.0.0.1' })}\n`);
process.once('SIGTERM', () => void server.close());
