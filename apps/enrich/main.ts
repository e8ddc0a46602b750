import { startApp } from '#libs/platform';
import { EnrichModule } from './enrich.module.js';

await startApp({ app: 'enrich', module: EnrichModule, port: 3002 });
