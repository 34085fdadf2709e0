import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunResult, run } from './tools.ts';

const root = join(import.meta.dirname, '../..');

/** A user's project in a temporary folder: the example, and vcs-pki installed beside it. Needs a build. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'vcs-pki-project-'));
  readonly program = join(this.folder, 'examples/collaboration-edge/main.ts');

  constructor() {
    cpSync(join(root, 'examples/collaboration-edge'), join(this.folder, 'examples/collaboration-edge'), {
      recursive: true,
    });
    cpSync(join(root, 'cdktf.json'), join(this.folder, 'cdktf.json'));
    writeFileSync(join(this.folder, 'package.json'), '{ "name": "user-project", "private": true, "type": "module" }\n');
    const modules = join(this.folder, 'node_modules');
    mkdirSync(modules);
    for (const name of ['cdktf', 'constructs', '@cdktf', 'tsx', '.bin'])
      symlinkSync(join(root, 'node_modules', name), join(modules, name));
    symlinkSync(root, join(modules, 'vcs-pki'));
  }

  get stack(): string {
    return join(this.folder, 'cdktf.out/stacks/collaboration-edge');
  }

  /** Edits the program as a user would. Fails when the text is not there. */
  edit(from: string, to: string): void {
    const source = readFileSync(this.program, 'utf8');
    if (!source.includes(from)) throw new Error(`the example does not contain: ${from}`);
    writeFileSync(this.program, source.replace(from, to));
  }

  cli(args: readonly string[], env: Record<string, string> = {}): Promise<RunResult> {
    return run(process.execPath, [join(root, 'dist/bin/cli/main.js'), ...args], {
      cwd: this.folder,
      env,
    });
  }

  synth(env: Record<string, string> = {}): Promise<RunResult> {
    return run(process.execPath, ['--import', 'tsx', this.program], {
      cwd: this.folder,
      env,
    });
  }

  /** Content of every file below a folder, by relative path. */
  files(folder: string): Map<string, string> {
    const base = join(this.folder, folder);
    const found = new Map<string, string>();
    for (const entry of readdirSync(base, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.set(path.slice(base.length + 1), readFileSync(path, 'base64'));
    }
    return found;
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
