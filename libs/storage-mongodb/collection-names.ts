/** The collections that are there whatever the pipelines say. Rows have one for each series: {@link SeriesLayout}. */
export const NAMES = {
  /** One record a task: version, progress, facts, lease, where its parts are. */
  tasks: 'tasks',
  /** Processes that run tasks, and until when others count on them. */
  members: 'members',
  /** Blobs of state and outboxes, in chunks. */
  parts: 'parts',
  /** Who may write: one record for each task, and for each task and collection of rows. */
  fences: 'fences',
  documents: 'documents',
  openWindows: 'open_windows',
  /** How each series is kept. */
  series: 'series',
  /** Which streams have rows in which series. */
  streams: 'streams',
  /** What the server keeps its word on is tried here at every start. */
  probe: 'probe',
  health: 'health',
  /** Which version of all this is there. */
  setup: 'setup',
} as const;
