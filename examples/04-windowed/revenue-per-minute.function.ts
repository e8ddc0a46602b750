import { count, defineWindowFunction, quantile, sum, tumbling } from '#libs/functions';

/** What comes in: the data of an event. */
export interface Order {
  readonly shopId: string;
  readonly total: number;
}

/** What each shop has sold in each minute: one row a shop and minute, corrected for half a minute. */
export const revenuePerMinute = defineWindowFunction({
  name: 'revenue-per-minute',
  input: 'shop.enriched',
  window: tumbling('1m').withAllowedLateness('30s'),
  by: (order: Order) => ({ shop: order.shopId }),
  measures: {
    orders: count(),
    revenue: sum((order) => order.total),
    p95: quantile(0.95, (order) => order.total),
  },
});
