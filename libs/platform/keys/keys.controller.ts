import { Controller, Delete, Get, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { Clock, type JsonObject } from '#libs/kernel';
import { type ApiKey, shownKey } from './api-key.js';
import { KeyRequestInvalidError } from './key.errors.js';
import { readKeyRequest, readOverlapMs } from './key-request.js';
import { KeyRing } from './key-ring.js';

const MAX_BODY_BYTES = 16 * 1024;

/** Keys are made, listed, rotated and revoked. The text of a key is told once, by the answer that made it. */
@Controller('v1/keys')
export class KeysController {
  constructor(
    @Inject(KeyRing) private readonly ring: KeyRing,
    @Inject(Clock) private readonly clock: Clock,
  ) {}

  @Get()
  async list(): Promise<{ readonly keys: readonly JsonObject[] }> {
    const nowMs = this.clock.nowMs();
    return { keys: (await this.ring.list()).map((key) => shownKey(key, nowMs)) };
  }

  @Post()
  async make(@Req() request: FastifyRequest): Promise<JsonObject> {
    return this.#told(await this.ring.make(readKeyRequest(await jsonOf(request), this.clock.nowMs())));
  }

  @Post(':id/rotate')
  async rotate(@Param('id') id: string, @Req() request: FastifyRequest): Promise<JsonObject> {
    return this.#told(await this.ring.rotate(id, readOverlapMs(await jsonOf(request))));
  }

  @Delete(':id')
  @HttpCode(200)
  async revoke(@Param('id') id: string): Promise<JsonObject> {
    return shownKey(await this.ring.revoke(id), this.clock.nowMs());
  }

  #told({ key, text }: { readonly key: ApiKey; readonly text: string }): JsonObject {
    return { ...shownKey(key, this.clock.nowMs()), key: text };
  }
}

async function jsonOf(request: FastifyRequest): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of (request.body ?? request.raw) as Readable) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) throw new KeyRequestInvalidError(`the body may have ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk as Buffer);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw new KeyRequestInvalidError(`the body is not JSON: ${(error as Error).message}`);
  }
}
