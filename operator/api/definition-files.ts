import { stringify } from 'yaml';
import { definitionOf } from './crd.ts';
import { kinds } from './resources.ts';

/** The files of operator/deploy/crds, by name. */
export function definitionFiles(): Map<string, string> {
  return new Map(
    kinds.map((kind) => [
      `${kind.plural}.yaml`,
      `# Generated from src/resources by npm run generate.\n${stringify(definitionOf(kind), { lineWidth: 0, aliasDuplicateObjects: false })}`,
    ]),
  );
}
