import { Controller, Get, Param, Query } from '@nestjs/common';
import { Pipelines } from '#libs/platform';
import { choosePipeline } from './pipeline-choice.js';
import { PipelineViews } from './pipeline-view.js';
import { type RawQuery, RequestQuery } from './request-query.js';

/** What runs: stages with rate and backlog, watermarks, what waits for what, and the guarantee of every edge. */
@Controller('v1/pipelines')
export class PipelinesController {
  constructor(
    private readonly pipelines: Pipelines,
    private readonly views: PipelineViews,
  ) {}

  @Get()
  async list(@Query() raw: RawQuery): Promise<{ readonly pipelines: readonly object[] }> {
    new RequestQuery(raw, []);
    return { pipelines: await Promise.all(this.pipelines.all.map((pipeline) => this.views.brief(pipeline))) };
  }

  @Get(':name')
  one(@Param('name') name: string, @Query() raw: RawQuery): Promise<object> {
    new RequestQuery(raw, []);
    return this.views.full(choosePipeline(this.pipelines, name));
  }
}
