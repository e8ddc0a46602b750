import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedPost {
  readonly key: string;
  readonly body: string;
}

/** A receiver of webhooks on loopback that remembers every post, and may be told what to do before it answers. */
export class WebhookReceiver {
  readonly posts: ReceivedPost[] = [];
  /** Called with each post, before the answer. */
  onPost: (post: ReceivedPost) => void | Promise<void> = () => undefined;
  readonly #waiting = new Set<() => void>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<WebhookReceiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const receiver = new WebhookReceiver(server, `http://127.0.0.1:${port}/`);
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const key = String(request.headers['idempotency-key']);
        void receiver.#take({ key, body }).then(() => response.end());
      });
    });
    return receiver;
  }

  /** Resolves once a post has come whose status is this. */
  async untilTold(status: string): Promise<void> {
    const isTold = (): boolean => this.posts.some(({ body }) => statusOf(body) === status);
    while (!isTold()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  async #take(post: ReceivedPost): Promise<void> {
    this.posts.push(post);
    await this.onPost(post);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

function statusOf(body: string): unknown {
  return (JSON.parse(body) as { status?: unknown }).status;
}
