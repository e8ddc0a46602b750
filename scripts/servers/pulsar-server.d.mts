export interface PulsarInstall {
  readonly classPath: string;
}

export interface PulsarPorts {
  readonly broker: number;
  readonly web: number;
}

export interface PulsarServer {
  readonly pids: readonly number[];
  readonly ports: PulsarPorts;
  readonly folder: string;
  readonly addresses: { readonly native: string; readonly webSocket: string; readonly admin: string };
}

export function fetchPulsar(): Promise<PulsarInstall>;
export function startPulsar(options: {
  readonly folder: string;
  readonly ports: PulsarPorts;
  readonly install: PulsarInstall;
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  readonly isHealthy?: (webPort: number) => Promise<boolean>;
}): Promise<PulsarServer>;
