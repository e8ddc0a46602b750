import { execFileSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../scripts/servers/free-port.mjs';
import { OwnPulsar } from './own-pulsar.js';
import { removeFolder, temporaryFolder } from './standalone-process.js';

const SUPERUSER = 'admin';
const DAY_SECONDS = 86_400;
const STORE_PASSWORD = 'of-the-test';

/** A broker of its own that wants a token, and speaks TLS by a certificate that nobody knows. */
export class GuardedPulsar {
  private constructor(
    readonly broker: OwnPulsar,
    private readonly folder: string,
    private readonly key: Buffer,
    private readonly tlsPort: number,
  ) {}

  static async start(): Promise<GuardedPulsar> {
    const folder = temporaryFolder();
    const key = randomBytes(32);
    writeFileSync(join(folder, 'secret.key'), key);
    makeCertificate(folder);
    const tlsPort = await freePort();
    const token = signed(key, DAY_SECONDS);
    const settings = { webServicePortTls: tlsPort, ...tlsSettings(folder), ...tokenSettings(folder, token) };
    const broker = await OwnPulsar.start(settings, (webPort) => isHealthy(webPort, token));
    return new GuardedPulsar(broker, folder, key, tlsPort);
  }

  get webSocket(): string {
    return `wss://localhost:${this.tlsPort}`;
  }

  get caFile(): string {
    return join(this.folder, 'ca.pem');
  }

  /** One that is accepted, for a day. */
  validToken(): string {
    return signed(this.key, DAY_SECONDS);
  }

  /** One that was accepted until a minute ago. */
  expiredToken(): string {
    return signed(this.key, -60);
  }

  async remove(): Promise<void> {
    await this.broker.remove();
    removeFolder(this.folder);
  }
}

/** The certificate is its own authority. By Java's own tool: the broker needs Java anyway. */
function makeCertificate(folder: string): void {
  const store = ['-keystore', 'broker.p12', '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD];
  const names = [
    '-dname',
    'CN=localhost',
    '-ext',
    'SAN=dns:localhost,ip:127.0.0.1',
    '-ext',
    'bc:critical=ca:true',
  ];
  const keytool = (...args: readonly string[]): void => {
    execFileSync('keytool', [...args, '-alias', 'broker', ...store], { cwd: folder, stdio: 'pipe' });
  };
  keytool('-genkeypair', '-keyalg', 'EC', '-validity', '2', ...names);
  keytool('-exportcert', '-rfc', '-file', 'ca.pem');
}

function tlsSettings(folder: string): Readonly<Record<string, string | boolean>> {
  const store = join(folder, 'broker.p12');
  return {
    tlsEnabledWithKeyStore: true,
    tlsKeyStoreType: 'PKCS12',
    tlsKeyStore: store,
    tlsKeyStorePassword: STORE_PASSWORD,
    tlsTrustStoreType: 'PKCS12',
    tlsTrustStore: store,
    tlsTrustStorePassword: STORE_PASSWORD,
  };
}

function tokenSettings(folder: string, token: string): Readonly<Record<string, string | boolean>> {
  return {
    authenticationEnabled: true,
    authorizationEnabled: true,
    authenticationProviders: 'org.apache.pulsar.broker.authentication.AuthenticationProviderToken',
    tokenSecretKey: `file://${join(folder, 'secret.key')}`,
    superUserRoles: SUPERUSER,
    brokerClientAuthenticationPlugin: 'org.apache.pulsar.client.impl.auth.AuthenticationToken',
    brokerClientAuthenticationParameters: `token:${token}`,
  };
}

async function isHealthy(webPort: number, token: string): Promise<boolean> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const answers = await Promise.all(
      ['brokers/health', 'namespaces/public/default'].map((path) =>
        fetch(`http://127.0.0.1:${webPort}/admin/v2/${path}`, { headers }),
      ),
    );
    await Promise.all(answers.map((answer) => answer.text()));
    return answers.every(({ ok }) => ok);
  } catch {
    return false;
  }
}

/** A JSON Web Token by HMAC. */
function signed(key: Buffer, expiresInSeconds: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + expiresInSeconds;
  const text = `${part({ alg: 'HS256' })}.${part({ sub: SUPERUSER, exp })}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}
