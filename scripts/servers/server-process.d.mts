export function isRunning(pid: number): boolean;
export function stopProcess(pid: number, signal?: NodeJS.Signals): Promise<void>;
