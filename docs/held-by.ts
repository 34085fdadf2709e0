import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which test files speak of which requirement ("requirements 26a, 27 and 54-58") and diagnosis ("D08"). */
export interface HeldBy {
  readonly requirements: ReadonlyMap<number, readonly string[]>;
  readonly diagnoses: ReadonlyMap<string, readonly string[]>;
}

export function heldBy(root: string): HeldBy {
  const requirements = new Map<number, Set<string>>();
  const diagnoses = new Map<string, Set<string>>();
  for (const file of testFiles(root)) {
    for (const title of titles(readFileSync(join(root, file), 'utf8'))) {
      for (const number of requirementsIn(title)) add(requirements, number, file);
      for (const [id] of title.matchAll(/\bD(?:0[1-9]|[12]\d|3[0-6])\b/g)) add(diagnoses, id, file);
    }
  }
  const sorted = <K>(map: Map<K, Set<string>>) => new Map([...map].map(([key, files]) => [key, [...files].sort()]));
  return { requirements: sorted(requirements), diagnoses: sorted(diagnoses) };
}

/** The numbers that a title names, ranges spelled out. Letters behind numbers (26a) are parts of one requirement. */
export function requirementsIn(title: string): number[] {
  return [...title.matchAll(/\brequirements? ((?:\d+[a-c]?(?:-\d+|, | and |,)?)+)/gi)].flatMap(([, list = '']) =>
    list.split(/, | and |,/).flatMap((part) => {
      const [first = Number.NaN, last = first] = part.split('-').map((number) => Number.parseInt(number, 10));
      return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
    }),
  );
}

/** The strings of a test file that name something: titles of tests and of cases. */
function titles(source: string): string[] {
  return source.match(/'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g) ?? [];
}

function testFiles(root: string): string[] {
  return ['src', 'constructs', 'operator', 'test']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .sort();
}

function add<K>(map: Map<K, Set<string>>, key: K, file: string): void {
  const files = map.get(key) ?? new Set();
  files.add(file);
  map.set(key, files);
}
