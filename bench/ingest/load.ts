import { Agent, request } from 'node:http';

export interface Load {
  readonly url: string;
  readonly bodies: readonly Buffer[];
  /** Events of one body. */
  readonly eventsPerBody: number;
  readonly connections: number;
  readonly seconds: number;
}

/** The events that a server answers 202 to, over so many connections that each wait for their answer, and in what time. */
export async function answeredEvents(
  load: Load,
): Promise<{ readonly events: number; readonly elapsedMs: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: load.connections });
  const endMs = performance.now() + load.seconds * 1_000;
  const beganMs = performance.now();
  let answered = 0;
  const connection = async (first: number): Promise<void> => {
    for (let next = first; performance.now() < endMs; next++) {
      await post(agent, load.url, load.bodies[next % load.bodies.length]!);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: load.connections }, (_, index) => connection(index)));
  agent.destroy();
  return { events: answered * load.eventsPerBody, elapsedMs: performance.now() - beganMs };
}

function post(agent: Agent, url: string, body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/v1/streams/bench/events`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('end', () =>
        response.statusCode === 202 ? resolve() : reject(new Error(`it answered ${response.statusCode}`)),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
