import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isStreamName } from '#libs/kernel';
import { keyOf, Pipelines } from '#libs/platform';
import { BacklogWatch } from './backlog-watch.js';
import type { IntakeReceipt } from './intake-request.js';
import { KeyLimits } from './key-limits.js';

/** Whether a request may begin, before anything of its body is read. */
@Injectable()
export class Admission {
  constructor(
    @Inject(KeyLimits) private readonly limits: KeyLimits,
    @Inject(BacklogWatch) private readonly backlog: BacklogWatch,
    @Inject(Pipelines) private readonly pipelines: Pipelines,
  ) {}

  /**
   * Takes a request in: what it has taken is charged to its key.
   *
   * @throws RateLimitedError, QuotaExhaustedError, BacklogFullError
   */
  async through(
    request: FastifyRequest,
    place: { readonly stream: string; readonly pipeline?: string | undefined },
    take: () => Promise<IntakeReceipt>,
  ): Promise<IntakeReceipt> {
    const key = keyOf(request);
    if (key !== undefined) await this.limits.admit(key);
    if (isStreamName(place.stream))
      this.backlog.assertRoom(this.pipelines.forStream(place.stream, place.pipeline).name);
    const receipt = await take();
    this.limits.charge(key, receipt.accepted + receipt.duplicates + receipt.rejected);
    return receipt;
  }
}
