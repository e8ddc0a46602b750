import { startSubscriber } from '#libs/platform';
import { Pager } from './pager.js';

await startSubscriber({ subscribers: [Pager] });
