import { startApp } from '#libs/platform';
import { IngestModule } from './ingest.module.js';

await startApp({ app: 'ingest', module: IngestModule, port: 3001 });
