/** Where a command writes: results to `out`, complaints to `complain`; each call is a line or more. */
export interface Terminal {
  out(text: string): void;
  complain(text: string): void;
}
