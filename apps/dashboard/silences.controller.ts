import { Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Silence } from '#libs/alerting';
import { Clock, type JsonObject } from '#libs/kernel';
import { SilenceUnknownError } from './dashboard.errors.js';
import { type RawQuery, RequestQuery } from './request-query.js';
import { jsonBodyOf } from './redrive/json-body.js';
import { readSilence } from './silence-request.js';
import { SilencesStore, silenceView } from './silences-store.js';

const STATUSES = ['pending', 'active', 'expired'] as const;

/** Who is not to be told of what, until when, and why. */
@Controller('v1/silences')
export class SilencesController {
  constructor(
    private readonly store: SilencesStore,
    private readonly clock: Clock,
  ) {}

  @Get()
  async list(@Query() raw: RawQuery): Promise<{ readonly silences: readonly JsonObject[] }> {
    const status = new RequestQuery(raw, ['status']).choice('status', STATUSES);
    const nowMs = this.clock.nowMs();
    const views = (await this.store.all()).map((silence) => silenceView(silence, nowMs));
    return { silences: views.filter((view) => status === undefined || view.status === status) };
  }

  @Get(':id')
  async one(@Param('id') id: string): Promise<JsonObject> {
    return silenceView(await this.#known(id), this.clock.nowMs());
  }

  @Post()
  async add(@Req() request: FastifyRequest): Promise<JsonObject> {
    const body = await jsonBodyOf(request);
    const nowMs = this.clock.nowMs();
    return silenceView(await this.store.add(readSilence(body, nowMs)), nowMs);
  }

  /** It stays listed, as expired. */
  @Delete(':id')
  @HttpCode(204)
  async expire(@Param('id') id: string): Promise<void> {
    await this.store.expire(await this.#known(id));
  }

  async #known(id: string): Promise<Silence> {
    const silence = await this.store.one(id);
    if (silence === undefined) throw new SilenceUnknownError(id);
    return silence;
  }
}
