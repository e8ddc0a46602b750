import { type AppDescription, Configuration, startApp } from '#libs/platform';
import { StandaloneModule } from './standalone.module.js';

/** What to open and what to try, in three lines. */
const greet: AppDescription['onListening'] = (url, app) => {
  const { demo, dataDir } = app.get(Configuration).values;
  const traffic = demo
    ? 'sample traffic is on the stream demo (--no-demo starts without)'
    : 'no sample traffic';
  process.stdout.write(
    [
      `Millrace runs: open ${url}`,
      `Your own log: curl --data-binary @/var/log/nginx/access.log ${url.replace('http://', '')}/v1/streams/web/logs`,
      `Data is in ${dataDir}; ${traffic}; Ctrl+C stops it`,
      '',
    ].join('\n'),
  );
};

await startApp({ app: 'standalone', module: StandaloneModule, port: 3000, onListening: greet });
