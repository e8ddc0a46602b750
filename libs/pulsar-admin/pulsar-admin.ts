import { AdminHttp, type AdminOptions, type CallOptions } from './admin-http.js';
import { AdminPolicies } from './admin-policies.js';
import { AdminSchemas } from './admin-schemas.js';
import { AdminSubscriptions } from './admin-subscriptions.js';
import { AdminTenants, namespacePath } from './admin-tenants.js';
import { AdminTopics } from './admin-topics.js';
import { BrokerUnavailableError } from './pulsar-admin.errors.js';
import { topicPath } from './topic-path.js';

/**
 * Pulsar's REST API as far as Millrace uses it. Holds no connection: there is nothing to close.
 *
 * Every call ends within `timeoutMs` or throws: BrokerUnavailableError (backoff) when no broker answers in time or
 * it can't serve now, BrokerUnauthorizedError (backoff) and TokenUnreadableError (backoff) for the token,
 * PulsarNotFoundError, PulsarConflictError and PulsarRefusedError (never) for the request, the reason of `signal`
 * when that aborts.
 */
export class PulsarAdmin {
  readonly topics: AdminTopics;
  readonly subscriptions: AdminSubscriptions;
  readonly tenants: AdminTenants;
  readonly schemas: AdminSchemas;
  readonly #http: AdminHttp;

  constructor(options: AdminOptions) {
    this.#http = new AdminHttp(options);
    this.topics = new AdminTopics(this.#http);
    this.subscriptions = new AdminSubscriptions(this.#http);
    this.tenants = new AdminTenants(this.#http);
    this.schemas = new AdminSchemas(this.#http);
  }

  get address(): string {
    return this.#http.options.address;
  }

  topicPolicies(topic: string): AdminPolicies {
    return AdminPolicies.ofTopic(this.#http, topicPath(topic));
  }

  namespacePolicies(tenant: string, namespace: string): AdminPolicies {
    return AdminPolicies.ofNamespace(this.#http, namespacePath(tenant, namespace));
  }

  /** The broker's version, `4.0.7`. Asks for nothing but an answer: cheap enough for a probe. */
  async version(options: CallOptions = {}): Promise<string> {
    return this.#http.text({ method: 'GET', path: 'brokers/version', ...options });
  }

  /** Resolves when the broker has started: until then it takes connections, and answers many of them never. Needs no rights. */
  async checkReady(options: CallOptions = {}): Promise<void> {
    await this.#http.text({ method: 'GET', path: 'brokers/ready', ...options });
  }

  /**
   * Resolves when the broker could store and read a message of its own just now. Costs a message on a system topic,
   * and needs the rights of an operator.
   */
  async checkHealth(options: CallOptions = {}): Promise<void> {
    const query = { topicVersion: 'V2' };
    const text = await this.#http.text({ method: 'GET', path: 'brokers/health', query, ...options });
    if (text.trim() !== 'ok') throw new BrokerUnavailableError(this.address, `its health is ${text.trim()}`);
  }
}
