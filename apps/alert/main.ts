import { startApp } from '#libs/platform';
import { AlertModule } from './alert.module.js';

await startApp({ app: 'alert', module: AlertModule, port: 3004 });
