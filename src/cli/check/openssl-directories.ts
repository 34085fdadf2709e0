import { basename, dirname, join } from 'node:path';
import { VcsPkiError } from '../../errors.ts';
import { type IndexEntry, parseIndex } from '../../store/index-txt.ts';
import type { Artefact } from '../../verify/diagnosis/artefact.ts';
import { readOpensslDirectory } from '../../verify/diagnosis/openssl-directory.ts';
import { serialHex } from '../../x509/certificate.ts';
import type { Gathered, ReadFile } from './gathered.ts';

/** The directories of `openssl ca` among the files that were read (69), known by index.txt; where that is gone, by what was issued there. */
export function opensslDirectories(files: readonly ReadFile[], artefacts: readonly Artefact[]): Gathered {
  const found: Artefact[] = [];
  const notChecked: string[] = [];
  const foldersWith = (name: string) => files.flatMap(({ path }) => (basename(path) === name ? dirname(path) : []));
  const issuing = foldersWith('serial').filter((path) => artefacts.some((artefact) => isIssuedHere(artefact, path)));
  for (const path of new Set([...foldersWith('index.txt'), ...issuing])) {
    try {
      found.push(directoryOf(path, files, artefacts));
    } catch (error) {
      if (!(error instanceof VcsPkiError)) throw error;
      notChecked.push(`${error.message}; ${error.fix}`);
    }
  }
  return { artefacts: found, notChecked };
}

function directoryOf(path: string, files: readonly ReadFile[], artefacts: readonly Artefact[]): Artefact {
  const textOf = (name: string) => files.find((file) => file.path === join(path, name))?.bytes.toString();
  const before = textOf('index.txt.old');
  const directory = readOpensslDirectory({
    index: parseIndex(textOf('index.txt') ?? '', join(path, 'index.txt')),
    indexBefore: before === undefined ? undefined : parsedIfWhole(before),
    newCertificates: artefacts.filter((artefact) => isIssuedHere(artefact, path)).map((one) => basename(one.path)),
    serial: textOf('serial'),
    serialBefore: textOf('serial.old'),
    attributes: textOf('index.txt.attr'),
    config: configOf(path, files),
    keyMode: keyModeOf(path, files, artefacts),
  });
  return { kind: 'openssl directory', path, directory };
}

/** openssl keeps the state before for itself: where it is damaged, it says nothing. */
function parsedIfWhole(text: string): IndexEntry[] | undefined {
  try {
    return parseIndex(text, 'index.txt.old');
  } catch (error) {
    if (error instanceof VcsPkiError) return undefined;
    throw error;
  }
}

/** In newcerts, or with `-outdir .` beside index.txt or the folder that it is in, under its serial number: "ca.pem" has a name of hexadecimal digits too. */
function isIssuedHere(artefact: Artefact, path: string): boolean {
  if (artefact.kind !== 'file' || ![path, join(path, 'newcerts'), dirname(path)].includes(dirname(artefact.path)))
    return false;
  const name = basename(artefact.path, '.pem').toUpperCase();
  return artefact.contents.items.some(
    (item) => item.kind === 'certificate' && serialHex(item.certificate.serialNumber) === name,
  );
}

function configOf(path: string, files: readonly ReadFile[]): string | undefined {
  const configs = files.filter((file) => /\.(cnf|conf|cfg)$/.test(file.path));
  const found = [path, dirname(path)].flatMap((folder) => configs.filter((file) => dirname(file.path) === folder));
  return found[0]?.bytes.toString();
}

/** What the key of the authority, here or in private, may be read by. */
function keyModeOf(path: string, files: readonly ReadFile[], artefacts: readonly Artefact[]): number | undefined {
  const keys = artefacts.filter(
    (artefact) =>
      artefact.kind === 'file' &&
      [path, join(path, 'private')].includes(dirname(artefact.path)) &&
      artefact.contents.items.some(({ kind }) => kind === 'key' || kind === 'encrypted key'),
  );
  const modes = files.filter((file) => keys.some((key) => key.path === file.path)).map(({ mode }) => mode);
  return modes.length === 0 ? undefined : modes.reduce((a, b) => a | b);
}
