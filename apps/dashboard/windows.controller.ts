import { Controller, Get, Param, Query } from '@nestjs/common';
import { Pipelines } from '#libs/platform';
import { ParameterInvalidError } from './dashboard.errors.js';
import { choosePipeline, chooseSeries } from './pipeline-choice.js';
import { type RawQuery, RequestQuery } from './request-query.js';
import { WindowExplainer } from './window-explainer.js';
import type { WindowView } from './window-view.js';

/** Why a window is still open. */
@Controller('v1/pipelines')
export class WindowsController {
  constructor(
    private readonly pipelines: Pipelines,
    private readonly explainer: WindowExplainer,
  ) {}

  @Get(':name/windows/explain')
  explain(@Param('name') name: string, @Query() raw: RawQuery): Promise<WindowView> {
    const query = new RequestQuery(raw, ['series', 'stream', 'windowStart']);
    const { pipeline, series } = chooseSeries(
      this.pipelines,
      given(query.text('series'), 'series'),
      choosePipeline(this.pipelines, name).name,
    );
    const startMs = query.time('windowStart');
    const place = { pipeline, series, stream: given(query.stream(), 'stream') };
    return this.explainer.explain(startMs === undefined ? place : { ...place, startMs });
  }
}

function given(value: string | undefined, parameter: string): string {
  if (value === undefined) throw new ParameterInvalidError(parameter, '', 'given');
  return value;
}
