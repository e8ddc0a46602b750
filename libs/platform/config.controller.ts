import { Controller, Get, Inject } from '@nestjs/common';
import { Configuration, type EffectiveSetting } from './configuration.js';

@Controller('v1/config')
export class ConfigController {
  constructor(@Inject(Configuration) private readonly configuration: Configuration) {}

  @Get()
  show(): {
    readonly app: string;
    readonly processId: string;
    readonly settings: readonly EffectiveSetting[];
  } {
    const { app, processId } = this.configuration;
    return { app, processId, settings: this.configuration.effective() };
  }
}
