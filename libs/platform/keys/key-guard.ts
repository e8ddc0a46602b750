import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ApiKey, KeyScope } from './api-key.js';
import { KeyMissingError } from './key.errors.js';
import { KeyRing } from './key-ring.js';

const HEADER = 'x-api-key';
const COOKIE = /(?:^|;\s*)millrace_key=([^;]+)/;
const INGEST = /^\/v1\/streams\/([^/?]+)\//;
const keys = new WeakMap<object, ApiKey>();

/** The key that a request has shown; undefined: none was needed. */
export function keyOf(request: FastifyRequest): ApiKey | undefined {
  return keys.get(request);
}

/** Lets a request through that shows a key for what it wants, where keys are needed. */
@Injectable()
export class KeyGuard implements CanActivate {
  constructor(@Inject(KeyRing) private readonly ring: KeyRing) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return context.getType() !== 'http' || this.ring.isOpen || this.#isAuthorised(context);
  }

  async #isAuthorised(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const scope = scopeOf(request);
    if (scope === undefined) return true;
    try {
      const key = await this.ring.authorise(textOf(request), scope);
      if (key !== undefined) keys.set(request, key);
      return true;
    } catch (error) {
      if (error instanceof KeyMissingError)
        void http.getResponse<FastifyReply>().header('www-authenticate', 'Bearer realm="millrace"');
      throw error;
    }
  }
}

/** What a request needs; undefined: nothing, as for probes, metrics and the files of the page. */
export function scopeOf({ method, url }: Pick<FastifyRequest, 'method' | 'url'>): KeyScope | undefined {
  const path = url.split('?', 1)[0] ?? '';
  if (isOpen(path) || method === 'OPTIONS') return undefined;
  if (path === '/v1/keys' || path.startsWith('/v1/keys/')) return 'admin';
  const stream = INGEST.exec(path)?.[1];
  if (stream !== undefined && method === 'POST') return `ingest:${decoded(stream)}`;
  return isReading(method) ? 'read' : 'admin';
}

function isOpen(path: string): boolean {
  return !path.startsWith('/v1/') || path === '/v1/config';
}

function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A page can't put a header on everything it asks for: to read, a cookie will do, and a beacon has its key in the address. */
function textOf({ headers, method, url }: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const given = headers[HEADER];
  if (typeof given === 'string') return given;
  if (isReading(method)) return COOKIE.exec(headers.cookie ?? '')?.[1];
  return INGEST.test(url)
    ? (new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('key') ?? undefined)
    : undefined;
}
