import type { Log } from '../log.ts';

/** A log that keeps its lines, as `level: line`. */
export class RecordedLog implements Log {
  readonly lines: string[] = [];

  info(line: string): void {
    this.lines.push(`info: ${line}`);
  }

  warn(line: string): void {
    this.lines.push(`warn: ${line}`);
  }

  error(line: string): void {
    this.lines.push(`error: ${line}`);
  }
}
