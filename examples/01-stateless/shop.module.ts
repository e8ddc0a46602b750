import { Module } from '@nestjs/common';
import { FunctionsModule } from '#libs/platform';
import { FlagCheckout } from './flag-checkout.function.js';
import { PriceList } from './price-list.js';

/** What an app imports to run the function. */
@Module({ imports: [FunctionsModule], providers: [FlagCheckout, PriceList] })
export class ShopModule {}
