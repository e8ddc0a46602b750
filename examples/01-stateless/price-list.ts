import { Injectable } from '@nestjs/common';

const CENTS: Readonly<Record<string, number>> = { tea: 450, pot: 2_900 };

/** What things cost. */
@Injectable()
export class PriceList {
  centsOf(product: string): number | undefined {
    return CENTS[product];
  }
}
