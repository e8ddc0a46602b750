import { PipelineInvalidError, type PipelineProblem } from '../pipeline.errors.js';
import { describeFound, type Place, type Setting } from './setting.js';

/** Gathers what is wrong, so that all of it is told at once. */
export class ProblemLog {
  readonly #problems: PipelineProblem[] = [];

  /** Something else was wanted in the place of this setting. Gives undefined, for readers to hand on. */
  refuse(setting: Setting, wanted: string): undefined {
    if (setting.kind === 'refused') return;
    this.report(setting.place, setting.path, { found: describeFound(setting), wanted });
  }

  report(place: Place, path: string, what: { readonly found: string; readonly wanted: string }): void {
    const { file, line, column } = place;
    this.#problems.push({ file, line, column, path, ...what });
  }

  /** @throws PipelineInvalidError if anything was wrong */
  throwIfAny(): void {
    if (this.#problems.length > 0)
      throw new PipelineInvalidError(this.#problems.sort(byPlace(this.#problems.map(({ file }) => file))));
  }
}

/** Settings are not read in the order in which they stand. */
function byPlace(files: readonly string[]): (a: PipelineProblem, b: PipelineProblem) => number {
  return (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;
}
