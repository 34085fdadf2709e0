import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Token } from 'cdktf';
import type { IConstruct } from 'constructs';
import { VcsPkiError } from '../src/errors.ts';

/** What goes into a certificate is known at synthesis: a Terraform reference in it would be hashed, planned and proven as its placeholder. */
export function refuseTokens(construct: IConstruct, props: object): void {
  for (const [field, value] of Object.entries(props)) {
    // A list with one token in place of its items is told from a list of strings with tokens in them.
    const values: readonly unknown[] = [
      value,
      ...(Array.isArray(value) || isPlainObject(value) ? Object.values(value) : []),
    ];
    if (!values.some((item) => Token.isUnresolved(item))) continue;
    throw new VcsPkiError('INPUT_INVALID', {
      at: `${construct.node.path}: ${field}`,
      message: 'must be known at synthesis, and is a reference to something that Terraform will only know later',
      fix: 'give a plain string',
    });
  }
}

/** Reads a PEM file that a declaration names, relative to where the program runs. */
export function readDeclaredFile(construct: IConstruct, field: string, path: string, fix: string): string {
  try {
    return readFileSync(resolve(path), 'utf8');
  } catch (cause) {
    throw new VcsPkiError('INPUT_UNREADABLE', {
      at: `${construct.node.path}: ${field}`,
      value: path,
      message: `cannot read ${path}`,
      fix,
      cause,
    });
  }
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
