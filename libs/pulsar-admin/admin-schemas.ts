import type { AdminHttp, CallOptions } from './admin-http.js';
import { parseTopic } from './topic-path.js';

/** A schema as the registry takes it. */
export interface SchemaToRegister {
  /** `JSON` is described by an Avro record; its values travel as JSON. */
  readonly type: 'JSON' | 'AVRO' | 'STRING' | 'BYTES';
  /** The definition's text. */
  readonly schema: string;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A schema as the registry holds it. */
export interface RegisteredSchema {
  readonly version: number;
  readonly type: string;
  /** The definition's text. */
  readonly data: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Schemas of topics. */
export class AdminSchemas {
  constructor(private readonly http: AdminHttp) {}

  /** The newest of a topic; undefined where it has none. */
  async latest(topic: string, options: CallOptions = {}): Promise<RegisteredSchema | undefined> {
    const answer = await this.http.find({ method: 'GET', path: `${schemaPath(topic)}/schema`, ...options });
    return answer as RegisteredSchema | undefined;
  }

  /** Adds a version, unless the newest is the same. @throws PulsarConflictError where it is not compatible */
  async register(topic: string, schema: SchemaToRegister, options: CallOptions = {}): Promise<void> {
    const body = JSON.stringify({ properties: {}, ...schema });
    await this.http.ask({ method: 'POST', path: `${schemaPath(topic)}/schema`, body, ...options });
  }

  /** All versions of a topic. */
  async delete(topic: string, options: CallOptions = {}): Promise<void> {
    await this.http.ask({ method: 'DELETE', path: `${schemaPath(topic)}/schema`, ...options });
  }
}

function schemaPath(topic: string): string {
  const { tenant, namespace, localName } = parseTopic(topic);
  return ['schemas', ...[tenant, namespace, localName].map(encodeURIComponent)].join('/');
}
