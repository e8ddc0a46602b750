import type { AdminHttp, CallOptions } from './admin-http.js';

/** Tenants and namespaces. */
export class AdminTenants {
  constructor(private readonly http: AdminHttp) {}

  async list(options: CallOptions = {}): Promise<readonly string[]> {
    return (await this.http.ask({ method: 'GET', path: 'tenants', ...options })) as readonly string[];
  }

  /** The clusters of this Pulsar. */
  async clusters(options: CallOptions = {}): Promise<readonly string[]> {
    return (await this.http.ask({ method: 'GET', path: 'clusters', ...options })) as readonly string[];
  }

  /** A tenant that may use these clusters. @throws PulsarConflictError where it exists */
  async create(tenant: string, clusters: readonly string[], options: CallOptions = {}): Promise<void> {
    const body = JSON.stringify({ allowedClusters: clusters });
    await this.http.ask({ method: 'PUT', path: `tenants/${encodeURIComponent(tenant)}`, body, ...options });
  }

  /** @throws PulsarConflictError while it has namespaces */
  async delete(tenant: string, options: CallOptions = {}): Promise<void> {
    await this.http.ask({ method: 'DELETE', path: `tenants/${encodeURIComponent(tenant)}`, ...options });
  }

  /** As `tenant/namespace`. @throws PulsarNotFoundError where the tenant does not exist */
  async namespaces(tenant: string, options: CallOptions = {}): Promise<readonly string[]> {
    const path = `namespaces/${encodeURIComponent(tenant)}`;
    return (await this.http.ask({ method: 'GET', path, ...options })) as readonly string[];
  }

  /** @throws PulsarConflictError where it exists; PulsarNotFoundError where the tenant does not */
  async createNamespace(tenant: string, namespace: string, options: CallOptions = {}): Promise<void> {
    await this.http.ask({ method: 'PUT', path: namespacePath(tenant, namespace), ...options });
  }

  /** With `force`, with all its topics. */
  async deleteNamespace(
    tenant: string,
    namespace: string,
    options: CallOptions & { readonly force?: boolean } = {},
  ): Promise<void> {
    const { force = false, ...rest } = options;
    await this.http.ask({
      method: 'DELETE',
      path: namespacePath(tenant, namespace),
      query: { force },
      ...rest,
    });
  }
}

export function namespacePath(tenant: string, namespace: string): string {
  return `namespaces/${encodeURIComponent(tenant)}/${encodeURIComponent(namespace)}`;
}
