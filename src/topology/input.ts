import type { z } from 'zod';
import { VcsPkiError } from '../errors.ts';

/**
 * Parses `value`, or throws INPUT_INVALID for its first fault and counts the others.
 * A message of a schema reads "must be ...; how to mend it": the part behind the semicolon becomes the fix.
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, at: string): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue, ...others] = result.error.issues;
  if (issue === undefined) throw new TypeError('a failed parse names no issue');
  const found = valueAt(value, issue.path);
  const { message, fix } = explain(issue, found === undefined);
  throw new VcsPkiError('INPUT_INVALID', {
    at: [at, pathText(issue.path)].filter(Boolean).join(': '),
    message: others.length === 0 ? message : `${message} (and ${others.length} more to mend)`,
    fix,
    ...(isPlain(found) && { value: String(found) }),
  });
}

function explain(issue: z.core.$ZodIssue, missing: boolean): { message: string; fix: string } {
  const [own = '', mend] = issue.message.split('; ');
  if (mend !== undefined) return { message: own, fix: mend };
  switch (issue.code) {
    case 'invalid_value': {
      const allowed = issue.values.map(String).join(', ');
      return { message: `must be one of ${allowed}`, fix: `use one of ${allowed}` };
    }
    case 'unrecognized_keys':
      return {
        message: `has no field ${issue.keys.join(', ')}`,
        fix: `remove ${issue.keys.join(', ')}, or correct the spelling`,
      };
    case 'invalid_type':
      if (missing) return { message: 'is missing', fix: 'add it to the declaration' };
      return { message: `must be of type ${issue.expected}`, fix: `give a value of type ${issue.expected}` };
    case 'too_small':
      return {
        message: `must be at least ${issue.minimum}${unitOf(issue.origin)}`,
        fix: `give ${issue.minimum} or more`,
      };
    case 'too_big':
      return {
        message: `must be at most ${issue.maximum}${unitOf(issue.origin)}`,
        fix: `give ${issue.maximum} or fewer`,
      };
    default:
      return { message: issue.message, fix: 'correct it in the declaration' };
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' || origin === 'set' ? ' items' : '';
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found: unknown = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

function isPlain(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
