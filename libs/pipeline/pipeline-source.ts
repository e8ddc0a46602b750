/** One YAML file, already read. */
export interface SourceFile {
  /** As it is to be named in problems. */
  readonly file: string;
  readonly text: string;
}

/** A pipeline file, and the way to the files that it names by `!include`. */
export interface PipelineSource extends SourceFile {
  /** The file of that name as written after `!include`; undefined: there is none. */
  include(name: string): SourceFile | undefined;
}
