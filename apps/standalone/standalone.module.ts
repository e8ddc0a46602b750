import { Module } from '@nestjs/common';
import { AggregateModule } from '../aggregate/aggregate.module.js';
import { AlertModule } from '../alert/alert.module.js';
import { DashboardModule } from '../dashboard/dashboard.module.js';
import { EnrichModule } from '../enrich/enrich.module.js';
import { IngestModule } from '../ingest/ingest.module.js';
import { SamplePlayer } from './sample-player.js';

/** Every app in one process, on one port, over the embedded log and store. */
@Module({
  imports: [IngestModule, EnrichModule, AggregateModule, AlertModule, DashboardModule],
  providers: [SamplePlayer],
})
export class StandaloneModule {}
