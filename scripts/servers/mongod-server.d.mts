export interface ReplicaSet {
  readonly pids: readonly number[];
  readonly ports: readonly number[];
  readonly folder: string;
  readonly addresses: { readonly driver: string };
}

export function fetchMongod(): Promise<string>;
export function startReplicaSet(options: {
  readonly folder: string;
  readonly ports: readonly number[];
  readonly program: string;
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly name?: string;
}): Promise<ReplicaSet>;
export function startMember(options: {
  readonly folder: string;
  readonly port: number;
  readonly program: string;
  readonly parameters?: Readonly<Record<string, string | number | boolean>>;
  readonly name?: string;
}): Promise<number>;
export function replicaSetAddress(ports: readonly number[], name?: string): string;
