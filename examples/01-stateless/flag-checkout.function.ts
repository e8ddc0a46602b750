import { Inject } from '@nestjs/common';
import { type EventFunction, RefuseEventError } from '#libs/functions';
import type { StreamEvent } from '#libs/kernel';
import { StreamFunction } from '#libs/platform';
import { PriceList } from './price-list.js';

export interface Request {
  readonly path: string;
  readonly status: number;
}

export interface Checkout {
  readonly product: string;
  readonly cents: number;
}

const CHECKOUT = /^\/checkout\/([a-z]+)$/;

/** Sends each checkout that went well on, with its price. */
@StreamFunction<Request>({ name: 'flag-checkout', input: 'web.enriched', output: 'web.checkouts' })
export class FlagCheckout implements EventFunction<Request, Checkout> {
  constructor(@Inject(PriceList) private readonly prices: PriceList) {}

  process({ data }: StreamEvent<Request>): Checkout | undefined {
    const product = CHECKOUT.exec(data.path)?.[1];
    if (product === undefined || data.status >= 400) return undefined;
    const cents = this.prices.centsOf(product);
    if (cents === undefined) throw new RefuseEventError(`there is no price for '${product}'`);
    return { product, cents };
  }
}
