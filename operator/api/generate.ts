import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { definitionFiles } from './definition-files.ts';

const folder = fileURLToPath(new URL('../deploy/crds/', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [name, content] of definitionFiles()) writeFileSync(`${folder}${name}`, content);
