import { Accumulator } from '../accumulator.js';
import type { GlobalContext } from '../global/global-windows.js';
import type { WindowResult } from '../global/window-result.js';
import { keyId } from '../key.js';
import type { RowCell } from './row-cell.js';
import type { KeyedPane } from './sorted-panes.js';

/** The row of one window and key, put together from its panes; `panes`: so many of them were looked into. */
export function assembledRow(
  { series, stream }: Pick<GlobalContext, 'series' | 'stream'>,
  { window, key, revision }: Pick<RowCell, 'window' | 'key' | 'revision'>,
  panes: Iterable<KeyedPane>,
): { readonly result: WindowResult; readonly oldestReceivedMs: number; readonly panes: number } {
  const sum = new Accumulator(series.measures);
  const id = keyId(series, key);
  let [oldestReceivedMs, looked] = [Infinity, 0];
  for (const { cells } of panes) {
    looked += 1;
    const cell = cells.get(id);
    if (cell?.isIn(window.startMs) !== true) continue;
    cell.addTo(sum, window.startMs);
    oldestReceivedMs = Math.min(oldestReceivedMs, cell.show());
  }
  const result: WindowResult = {
    series: series.name,
    stream,
    key,
    windowStartMs: window.startMs,
    windowEndMs: window.endMs,
    measures: sum.results(window),
    revision,
  };
  return { result, oldestReceivedMs, panes: looked };
}
