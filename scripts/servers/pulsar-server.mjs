// Apache Pulsar, standalone, from its jars on Maven Central.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScriptFailure } from '../workspace.mjs';
import { CACHE_FOLDER, cachedFolder } from './download-cache.mjs';
import { outputOf, startProcess, whenReady } from './server-process.mjs';

const VERSION = '4.0.7';
const WANTED_JAVA = 17;
/** Ten seconds on a quiet machine; one whose processors are shared by thirty took two minutes. */
const START_WITHIN_MS = 300_000;

/** What Netty, BookKeeper and Pulsar's own metrics reach into. */
const OPENED_PACKAGES = [
  'java.base/java.io',
  'java.base/java.nio',
  'java.base/java.util.zip',
  'java.base/sun.net',
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.platform',
  'java.management/sun.management',
  'jdk.management/com.sun.management.internal',
];

/** The bookie inside would listen on every interface. */
const LOOPBACK = { linux: 'lo', darwin: 'lo0' }[process.platform];
const LOOPBACK_OF_BOOKIE = {
  allowLoopback: true,
  ...(LOOPBACK === undefined ? {} : { listeningInterface: LOOPBACK }),
};

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>millrace</groupId><artifactId>test-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.pulsar</groupId><artifactId>pulsar-broker</artifactId><version>${VERSION}</version></dependency>
  </dependencies>
</project>
`;

const LOG4J = `<Configuration status="WARN">
  <Appenders><Console name="console"><PatternLayout pattern="%d{ISO8601} %-5level [%t] %logger{36} - %msg%n%throwable"/></Console></Appenders>
  <Loggers><Root level="info"><AppenderRef ref="console"/></Root></Loggers>
</Configuration>
`;

/** Brings the jars into the cache, once (about 270 MB). Gives their class path. */
export async function fetchPulsar() {
  await checkJava();
  const folder = await cachedFolder(`pulsar-${VERSION}`, async (unfinished) => {
    console.error(`fetching Pulsar ${VERSION} from Maven Central (270 MB, once) …`);
    writeFileSync(join(unfinished, 'pom.xml'), POM);
    await outputOf(
      'mvn',
      [
        '--batch-mode',
        '--quiet',
        `-Dmaven.repo.local=${join(CACHE_FOLDER, 'maven')}`,
        `-Dmdep.outputFile=${join(unfinished, 'classpath')}`,
        '-DincludeScope=runtime',
        'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath',
      ],
      { cwd: unfinished, missing: 'Pulsar needs Maven to fetch its jars: install `mvn` 3.8 or newer' },
    );
  });
  return { classPath: readFileSync(join(folder, 'classpath'), 'utf8').trim() };
}

async function checkJava() {
  const missing = `Pulsar needs Java ${WANTED_JAVA} or newer: install a JDK or JRE, so that \`java\` is on the PATH`;
  const text = await outputOf('java', ['-version'], { missing });
  const found = Number(/version "(\d+)/.exec(text)?.[1]);
  if (!(found >= WANTED_JAVA)) throw new ScriptFailure(`${missing}; found: ${text.split('\n')[0]}`);
}

/**
 * Starts a broker over the data in `folder`, which may be that of a former run, and waits until it is healthy.
 *
 * @param settings lines of the broker's configuration over the ones given here, such as `authenticationEnabled`
 * @returns {Promise<{pids: number[], ports: {broker: number, web: number}, folder: string, addresses: Record<string, string>}>}
 */
export async function startPulsar({ folder, ports, install, settings = {}, isHealthy = isAnswering }) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'log4j2.xml'), LOG4J);
  writeFileSync(join(folder, 'standalone.conf'), configuration({ ...settingsFor(ports), ...settings }));
  const logFile = join(folder, 'pulsar.log');
  const pid = await startProcess('java', javaArguments(folder, install.classPath), { logFile, cwd: folder });
  await whenReady({
    name: 'Pulsar',
    pid,
    logFile,
    timeoutMs: START_WITHIN_MS,
    isReady: () => isHealthy(ports.web),
  });
  return {
    pids: [pid],
    ports,
    folder,
    addresses: {
      native: `pulsar://127.0.0.1:${ports.broker}`,
      webSocket: `ws://127.0.0.1:${ports.web}`,
      admin: `http://127.0.0.1:${ports.web}`,
    },
  };
}

function settingsFor(ports) {
  return {
    clusterName: 'standalone',
    bindAddress: '127.0.0.1',
    advertisedAddress: '127.0.0.1',
    ...LOOPBACK_OF_BOOKIE,
    brokerServicePort: ports.broker,
    webServicePort: ports.web,
    webSocketServiceEnabled: true,
    // The default of five minutes is how long a process that stands still keeps its consumers from others.
    webSocketSessionIdleTimeoutMillis: 15_000,
    managedLedgerDefaultEnsembleSize: 1,
    managedLedgerDefaultWriteQuorum: 1,
    managedLedgerDefaultAckQuorum: 1,
    loadBalancerEnabled: false,
    // As Pulsar's own standalone.conf has it. BookKeeper's default storage lost its index after a few kills with -9: a
    // ledger then failed to open with a digest mismatch, and took acknowledged messages with it.
    ledgerStorageClass: 'org.apache.bookkeeper.bookie.storage.ldb.DbLedgerStorage',
    dbStorage_writeCacheMaxSizeMb: 32,
    dbStorage_readAheadCacheMaxSizeMb: 16,
    dbStorage_rocksDB_blockCacheSize: 16 * 2 ** 20,
    // A test machine's disk may be nearly full; the bookie would turn read-only at 95 %.
    diskUsageThreshold: 0.99,
    diskUsageWarnThreshold: 0.98,
  };
}

function configuration(settings) {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function javaArguments(folder, classPath) {
  return [
    '-Xms128m',
    '-Xmx512m',
    '-XX:MaxDirectMemorySize=512m',
    ...OPENED_PACKAGES.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
    '-Dio.netty.tryReflectionSetAccessible=true',
    `-Dlog4j2.configurationFile=${join(folder, 'log4j2.xml')}`,
    '-cp',
    classPath,
    'org.apache.pulsar.PulsarStandaloneStarter',
    ...['--config', join(folder, 'standalone.conf'), '-nss', '-nfw'],
    ...['--metadata-dir', join(folder, 'metadata'), '--bookkeeper-dir', join(folder, 'bookkeeper')],
  ];
}

async function isAnswering(webPort) {
  try {
    const address = `http://127.0.0.1:${webPort}`;
    const health = await fetch(`${address}/admin/v2/brokers/health`);
    // Healthy a moment before the tenant and namespace of standalone are made.
    const namespace = await fetch(`${address}/admin/v2/namespaces/public/default`);
    await Promise.all([health.text(), namespace.text()]);
    return health.ok && namespace.ok;
  } catch {
    return false;
  }
}
