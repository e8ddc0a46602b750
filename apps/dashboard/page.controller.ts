import { Controller, Get, Headers, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { PageFileUnknownError } from './dashboard.errors.js';
import { PageFiles } from './page-files.js';

/** Everything comes from this app; nothing else is loaded, and the page can't be framed. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The web page. */
@Controller()
export class PageController {
  constructor(private readonly files: PageFiles) {}

  @Get()
  index(@Headers() headers: Record<string, string>, @Res() reply: FastifyReply): void {
    void reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    void reply.header('referrer-policy', 'no-referrer');
    this.#send('index.html', headers, reply);
  }

  @Get('assets/:name')
  asset(
    @Param('name') name: string,
    @Headers() headers: Record<string, string>,
    @Res() reply: FastifyReply,
  ): void {
    this.#send(name, headers, reply);
  }

  @Get('assets/uplot/:name')
  chart(
    @Param('name') name: string,
    @Headers() headers: Record<string, string>,
    @Res() reply: FastifyReply,
  ): void {
    this.#send(`uplot/${name}`, headers, reply);
  }

  #send(name: string, headers: Record<string, string>, reply: FastifyReply): void {
    const file = this.files.get(name);
    if (file === undefined) throw new PageFileUnknownError(name);
    void reply.headers({
      // Ask every time, download only what changed: a new version shows at the first reload.
      'cache-control': 'no-cache',
      etag: file.etag,
      vary: 'accept-encoding',
      'x-content-type-options': 'nosniff',
    });
    if (headers['if-none-match'] === file.etag) {
      void reply.status(304).send();
      return;
    }
    const acceptsGzip = /\bgzip\b/.test(headers['accept-encoding'] ?? '');
    if (acceptsGzip) void reply.header('content-encoding', 'gzip');
    void reply.type(file.contentType).send(acceptsGzip ? file.gzipped : file.body);
  }
}
