import { writeFileSync } from 'node:fs';
import { generatedDocuments } from './generated.ts';

for (const [path, content] of await generatedDocuments())
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
