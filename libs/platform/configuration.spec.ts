import { describe, expect, it } from '@jest/globals';
import { Configuration, ConfigurationInvalidError } from './configuration.js';

function problemsOf(
  environment: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): readonly string[] {
  try {
    Configuration.load('enrich', environment, args);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationInvalidError) return error.problems;
    throw error;
  }
}

describe('a setting that can not be used', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['MILLRACE_PORT', '70000', 'a port, 0 to 65535'],
    ['MILLRACE_PORT', '3000 ', 'a port, 0 to 65535'],
    ['MILLRACE_BROKER', 'localhost:8080', 'ws://host:8080'],
    ['MILLRACE_BROKER_ADMIN', 'ws://host:8080', 'http://host:8080'],
    ['MILLRACE_BROKER_RETENTION', '7', 'a duration such as'],
    ['MILLRACE_APPLY_TOPOLOGY', 'yes', 'true or false'],
    ['MILLRACE_STORE', 'http://host', 'mongodb://host:27017/?replicaSet=rs0'],
    ['MILLRACE_STORE', 'mongodb://host/%zz', 'the name of a database, in which %25 stands for %'],
    ['MILLRACE_STORE_DATABASE', 'a.b', 'the name of a database'],
    ['MILLRACE_STORE_SETUP', 'none', 'one of apply, check'],
    ['MILLRACE_STORE_RETENTION', 'web/sessions', 'a duration such as'],
    ['MILLRACE_DATA_MAX_BYTES', '1MB', 'a size such as 2GiB'],
    ['MILLRACE_AUTH', 'off', 'one of auto, keys, none'],
    ['MILLRACE_CORS_ORIGINS', 'https://shop.example/', 'without a path'],
    ['MILLRACE_INGEST_MAX_BACKLOG', '1e6', 'a whole number above 0'],
    ['MILLRACE_NAMESPACE', 'public/default', 'a name of letters, digits, _ and -'],
    ['MILLRACE_LOG_LEVEL', 'verbose', 'one of debug, info'],
    ['MILLRACE_DRAIN_TIMEOUT', '30', 'a duration such as'],
    ['MILLRACE_DRAIN_TIMEOUT', '0s', 'a duration from 1ms to 24h'],
    ['MILLRACE_DRAIN_TIMEOUT', '30d', 'a duration from 1ms to 24h'],
    ['MILLRACE_COMMIT_INTERVAL', '0s', 'a duration from 1ms to 24h'],
    ['MILLRACE_LIVE_INTERVAL', '60d', 'a duration from 1ms to 24h'],
    ['MILLRACE_STATE_FORMAT', 'old', 'one of stored, newest'],
  ];

  it.each(cases)('is named with its value and with what would be right: %s=%s', (variable, value, wanted) => {
    const problems = problemsOf({ [variable]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      new RegExp(
        `^${variable} is '${value.replace(/[.*+?^$()|[\]\\/]/g, '\\$&')}' \\(environment\\), wanted`,
      ),
    );
    expect(problems[0]).toContain(wanted);
  });

  it('shows no password', () => {
    const problems = problemsOf({
      MILLRACE_BROKER: 'ws://user:hidden@host:8080',
      MILLRACE_BROKER_ADMIN: 'http://user:hidden@host:8080',
      MILLRACE_STORE: 'mongodb://user:hid@den@host/?replicaSet=rs0',
      MILLRACE_ADMIN_KEY: 'hidden',
    });
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).not.toMatch(/hid|den/);
  });
});

describe('a variable that is no setting', () => {
  it.each([
    ['MILLRACE_BROKR', 'MILLRACE_BROKER'],
    ['MILLRACE_NAMESAPCE', 'MILLRACE_NAMESPACE'],
    ['MILLRACE_PORTS', 'MILLRACE_PORT'],
    ['MILLRACE_STORE_URL', 'MILLRACE_STORE'],
    ['MILLRACE_BROKER_ADMIN_URL', 'MILLRACE_BROKER_ADMIN'],
  ])('is refused, and what was probably meant is said: %s', (written, meant) => {
    expect(problemsOf({ [written]: 'x' })).toEqual([
      `${written} is not a setting (did you mean ${meant}?); docs/configuration.md lists them`,
    ]);
  });

  it('is refused without a guess where nothing is near', () => {
    expect(problemsOf({ MILLRACE_ZOOKEEPER: 'x' })).toEqual([
      'MILLRACE_ZOOKEEPER is not a setting; docs/configuration.md lists them',
    ]);
  });

  it('may be a secret of functions, or of the tests', () => {
    expect(problemsOf({ MILLRACE_SECRET_TOKEN: 'x', MILLRACE_TEST_RUNS: '5' })).toEqual([]);
  });
});

describe('one app of several', () => {
  const SERVERS = { MILLRACE_BROKER: 'ws://host:8080', MILLRACE_STORE: 'mongodb://host/?replicaSet=rs0' };

  it.each([
    [{}, ['MILLRACE_BROKER', 'MILLRACE_STORE']],
    [{ MILLRACE_BROKER: SERVERS.MILLRACE_BROKER }, ['MILLRACE_STORE']],
    [{ MILLRACE_STORE: SERVERS.MILLRACE_STORE }, ['MILLRACE_BROKER']],
  ])('is warned of what only one process can have: %j', (environment, missing) => {
    const configuration = Configuration.load('enrich', environment, []);
    const problems = missing.map((variable) =>
      expect.stringMatching(new RegExp(`^${variable} is 'embedded' \\(default\\), wanted the address of a`)),
    );
    expect(configuration.ownedAlone()).toEqual(problems);
  });

  it('is not, with a Pulsar and a MongoDB', () => {
    expect(Configuration.load('enrich', SERVERS, []).ownedAlone()).toEqual([]);
  });
});
