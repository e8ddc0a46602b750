import { startApp } from '#libs/platform';
import { DashboardModule } from './dashboard.module.js';

await startApp({ app: 'dashboard', module: DashboardModule, port: 3000 });
