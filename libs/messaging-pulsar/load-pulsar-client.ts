import { PulsarClientMissingError } from './messaging-pulsar.errors.js';
import type { NativeModule } from './native-client.js';

/** In a variable: a literal would be looked up by the compiler, and the package need not be there. */
const PACKAGE: string = 'pulsar-client';

/**
 * The native client.
 *
 * @throws PulsarClientMissingError that says what is missing and how to get it
 */
export async function loadPulsarClient(serviceUrl: string): Promise<NativeModule> {
  try {
    const loaded = (await import(PACKAGE)) as { readonly default: NativeModule };
    return loaded.default;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new PulsarClientMissingError(serviceUrl, reason, error);
  }
}
