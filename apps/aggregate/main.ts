import { startApp } from '#libs/platform';
import { AggregateModule } from './aggregate.module.js';

await startApp({ app: 'aggregate', module: AggregateModule, port: 3003 });
