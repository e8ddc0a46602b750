import { Module } from '@nestjs/common';
import { AlertExplainer } from './alert-explainer.js';
import { AlertHolds } from './alert-holds.js';
import { AlertsController } from './alerts.controller.js';
import { AlertsReader } from './alerts-reader.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { FatesReader } from './fates-reader.js';
import { FunctionSeries } from './function-series.js';
import { LiveController } from './live.controller.js';
import { LiveHubs } from './live-hubs.js';
import { LiveRunner } from './live-runner.js';
import { PageController } from './page.controller.js';
import { PageFiles } from './page-files.js';
import { PipelineViews } from './pipeline-view.js';
import { PipelinesController } from './pipelines.controller.js';
import { ProgressReader } from './progress-reader.js';
import { RawWriter } from './redrive/raw-writer.js';
import { Redriver } from './redrive/redriver.js';
import { SeriesController } from './series.controller.js';
import { SeriesReader } from './series-reader.js';
import { SilencesController } from './silences.controller.js';
import { SilencesStore } from './silences-store.js';
import { StoreReaders } from './store-readers.js';
import { WindowExplainer } from './window-explainer.js';
import { WindowsController } from './windows.controller.js';

/** The query API, the live stream and the web page, over the ports that the platform provides. */
@Module({
  controllers: [
    PageController,
    LiveController,
    SeriesController,
    DeadLettersController,
    AlertsController,
    SilencesController,
    PipelinesController,
    WindowsController,
  ],
  providers: [
    AlertExplainer,
    AlertHolds,
    AlertsReader,
    FatesReader,
    FunctionSeries,
    LiveHubs,
    LiveRunner,
    PageFiles,
    PipelineViews,
    ProgressReader,
    RawWriter,
    Redriver,
    SeriesReader,
    SilencesStore,
    StoreReaders,
    WindowExplainer,
  ],
})
export class DashboardModule {}
