import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Certificate, readCertificate } from '../../src/x509/certificate.ts';
import { type Crl, readCrl } from '../../src/x509/crl.ts';
import { decodePem } from '../../src/x509/pem.ts';
import type { NullProvider } from '../support/null-provider.ts';
import { Project } from '../support/project.ts';
import { type RunResult, run } from '../support/tools.ts';

/** A user's project that terraform applies, with the double of hashicorp/null and a clock that the test sets. */
export class TerraformProject {
  readonly project = new Project();
  /** The clock of synth and of every command that terraform starts. */
  now: string;
  /** All that synth, terraform and its provisioners ever printed. */
  printed = '';
  readonly #terraform: string;
  readonly #provider: NullProvider;

  constructor(terraform: string, provider: NullProvider, now: string) {
    this.#terraform = terraform;
    this.#provider = provider;
    this.now = now;
  }

  async synth(): Promise<void> {
    succeeded(this.#keep(await this.project.synth(this.env)));
  }

  async cli(...args: string[]): Promise<RunResult> {
    return this.#keep(await this.project.cli(args, this.env));
  }

  async terraform(args: readonly string[], options: { stack?: string; env?: Record<string, string> } = {}) {
    const cwd = join(this.project.folder, 'cdktf.out/stacks', options.stack ?? 'collaboration-edge');
    const env = { ...this.env, ...options.env };
    return this.#keep(await run(this.#terraform, [...args, '-no-color'], { cwd, env }));
  }

  async init(stack?: string): Promise<void> {
    succeeded(await this.terraform(['init', '-input=false'], stack === undefined ? {} : { stack }));
  }

  apply(options: { stack?: string; env?: Record<string, string> } = {}): Promise<RunResult> {
    return this.terraform(['apply', '-auto-approve', '-input=false', '-parallelism=10'], options);
  }

  /** Code 0: no changes, 2: changes. */
  plan(options: { stack?: string } = {}): Promise<RunResult> {
    return this.terraform(['plan', '-detailed-exitcode', '-input=false', '-out=plan'], options);
  }

  /** Synth and plan once more: what has been applied asks for nothing. */
  async expectNoChanges(stack?: string): Promise<void> {
    await this.synth();
    const { code, stdout, stderr } = await this.plan(stack === undefined ? {} : { stack });
    expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
  }

  /** Every file of the PKI directory and the lock file, base64 by path. */
  files(): Map<string, string> {
    return new Map([...this.project.files('pki'), ['vcs-pki.lock.json', this.project.read('vcs-pki.lock.json')]]);
  }

  certificate(demand: string, generation: number): Certificate {
    const path = `pki/certificates/${demand}/${generation}/cert.pem`;
    return readCertificate(decodePem(this.project.read(path), path)[0]!.der, path);
  }

  hasCertificate(demand: string, generation: number): boolean {
    return existsSync(join(this.project.folder, 'pki/certificates', demand, String(generation), 'cert.pem'));
  }

  /** The published list of an authority. */
  crl(authority: string): Crl {
    return readCrl(readFileSync(join(this.project.folder, `pki/published/${authority}.crl`)), authority);
  }

  #keep(result: RunResult): RunResult {
    this.printed += result.stdout + result.stderr;
    return result;
  }

  /** Of synth, of Terraform, and of every command that it starts. */
  get env(): Record<string, string> {
    return {
      ...this.#provider.env,
      HOME: this.project.folder,
      TF_CLI_CONFIG_FILE: '/dev/null',
      CHECKPOINT_DISABLE: '1',
      TF_IN_AUTOMATION: '1',
      VCS_PKI_NOW: this.now,
    };
  }
}

export function succeeded({ code, stdout, stderr }: RunResult): void {
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
}

/** What a plan says of each resource, in order of its address. */
export function planned(stdout: string): string[] {
  return [...stdout.matchAll(/^ {2}# (null_resource\S+ (?:must|will) be \w+)/gm)].map(([, what]) => what!).sort();
}
