import { Module } from '@nestjs/common';
import { Admission } from './admission.js';
import { BacklogWatch } from './backlog-watch.js';
import { CloseController } from './close.controller.js';
import { CloseProgress } from './close-progress.js';
import { EventIntake } from './event-intake.js';
import { EventsController } from './events.controller.js';
import { FramePublishers } from './frame-publishers.js';
import { KeyLimits } from './key-limits.js';
import { KnownStreams } from './known-streams.js';
import { LogsController } from './logs.controller.js';
import { RequestBodies } from './request-body.js';
import { StreamCloser } from './stream-closer.js';

/** Takes events over HTTP into `raw`, over the ports that the platform provides. */
@Module({
  controllers: [EventsController, LogsController, CloseController],
  providers: [
    Admission,
    BacklogWatch,
    CloseProgress,
    EventIntake,
    FramePublishers,
    KeyLimits,
    KnownStreams,
    RequestBodies,
    StreamCloser,
  ],
  exports: [EventIntake],
})
export class IngestModule {}

// What code in the same process needs to take events in without HTTP.
export { EventIntake, type IntakeOptions } from './event-intake.js';
export type { IncomingEvent } from './intake-item.js';
export type { IntakeReceipt } from './intake-request.js';
