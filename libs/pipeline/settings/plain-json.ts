import type { JsonValue } from '#libs/kernel';
import type { Setting } from './setting.js';

/** A setting as plain JSON; what was refused is null. */
export function plainJson(setting: Setting): JsonValue {
  switch (setting.kind) {
    case 'scalar':
      return setting.value;
    case 'list':
      return setting.items.map(plainJson);
    case 'refused':
      return null;
    case 'map':
      return Object.fromEntries([...setting.entries].map(([name, { value }]) => [name, plainJson(value)]));
    default:
      return setting satisfies never;
  }
}
