export class StoreProxy {
  static open(targetPort: number): Promise<StoreProxy>;
  readonly port: number;
  cut(): void;
  slow(delayMs: number): void;
  heal(): void;
  close(): Promise<void>;
}
