import { Injectable } from '@nestjs/common';
import { AlertsReader } from './alerts-reader.js';
import { FatesReader } from './fates-reader.js';
import { ProgressReader } from './progress-reader.js';
import { SeriesReader } from './series-reader.js';

/** Everything that is read from the stores, for those who need all of it. */
@Injectable()
export class StoreReaders {
  constructor(
    readonly series: SeriesReader,
    readonly progress: ProgressReader,
    readonly fates: FatesReader,
    readonly alerts: AlertsReader,
  ) {}
}
