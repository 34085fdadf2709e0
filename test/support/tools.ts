import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from 'vitest';

export type ToolName =
  | 'openssl'
  | 'certtool'
  | 'gnutls-serv'
  | 'gnutls-cli'
  | 'terraform'
  | 'kubectl'
  | (string & Record<never, never>);

/** What does as well. */
const alternatives: Readonly<Record<string, string>> = { terraform: 'tofu' };

/** The path of a program on PATH; undefined when it is not installed. */
export function tool(name: ToolName): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [name, alternatives[name] ?? name]
    .flatMap((each) => folders.map((folder) => join(folder, each)))
    .find(isExecutable);
}

/**
 * A describe block that needs a program, whose path the body gets. Without the program it is skipped with one visible
 * line; with CI=true it fails, so that nothing stays unproved unnoticed.
 */
export function describeWithTool(name: ToolName, what: string, body: (path: string) => void): void {
  const path = tool(name);
  describe(what, () => {
    if (path !== undefined) return body(path);
    it(`needs ${name}`, (context) => {
      if (process.env.CI === 'true') throw new Error(`${what} needs ${name}, which is not installed`);
      process.stderr.write(`skipped: ${what} needs ${name}\n`);
      context.skip(`needs ${name}`);
    });
  });
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** 127 when the program could not be started. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell and waits for its end. A non-zero exit code is a result, not an exception. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { input, env, cwd, signal } = options;
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { cwd, signal, env: { ...process.env, ...env }, maxBuffer: 256 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ code: exitCode(error), stdout, stderr: stderr || (error?.message ?? '') }),
    );
    // A program that does not read its input closes the pipe.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

function exitCode(error: (Error & { code?: unknown }) | null): number {
  if (!error) return 0;
  if (typeof error.code === 'number') return error.code;
  return error.code === 'ENOENT' || error.code === 'EACCES' ? 127 : 1;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
