import * as z from 'zod';
import { help } from '../src/cli/help.ts';
import { commands, overview } from '../src/cli/main.ts';
import { errorCodes } from '../src/errors.ts';
import { topologySchema } from '../src/topology/schema.ts';

/** The documents that are made from the sources, by path. `npm run generate` writes them, a test holds them current. */
export async function generatedDocuments(): Promise<Map<string, string>> {
  return new Map([
    ['docs/errors.md', errors()],
    ['docs/cli.md', await commandLine()],
    ['docs/topology.schema.json', topology()],
  ]);
}

function errors(): string {
  const rows = Object.entries(errorCodes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return `# Errors

Every error of vcs-pki has a stable code, the place, what is wrong and how to mend it:

\`\`\`
error KEY_MISMATCH: pki/authorities/root-ca/private/cakey.pem: is not the key of cacert.pem of authority root-ca
  fix: restore both from the same backup
\`\`\`

| code | meaning |
| --- | --- |
${rows.join('\n')}
`;
}

async function commandLine(): Promise<string> {
  const sections = [];
  for (const [name, { load }] of Object.entries(commands)) {
    sections.push(`## vcs-pki ${name}\n\n\`\`\`\n${help(name, await load())}\`\`\``);
  }
  return `# Command line

\`\`\`
${overview()}\`\`\`

${sections.join('\n\n')}
`;
}

function topology(): string {
  const schema = z.toJSONSchema(topologySchema, { io: 'input', unrepresentable: 'any' });
  return `${JSON.stringify({ title: 'vcs-pki topology', ...schema }, undefined, 2)}\n`;
}
