/** A line of index.txt, as far as it is looked at. */
interface IndexedCertificate {
  /** Hexadecimal. */
  readonly serial: string;
  readonly revocation?: object;
}

/** What is in a directory of `openssl ca`: texts as they are, undefined for a file that is not there. */
export interface OpensslDirectoryFiles {
  /** index.txt; of index.txt.old, which openssl keeps of the state before, below. */
  readonly index: readonly IndexedCertificate[];
  readonly indexBefore?: readonly IndexedCertificate[] | undefined;
  /** The names of the files in newcerts, and of those with a serial number as name beside it (`-outdir .`). */
  readonly newCertificates: readonly string[];
  readonly serial?: string | undefined;
  /** openssl writes serial.old when it has issued something. */
  readonly serialBefore?: string | undefined;
  /** index.txt.attr. */
  readonly attributes?: string | undefined;
  /** The configuration in this directory, or beside it. */
  readonly config?: string | undefined;
  /** Access bits of the file of the CA key. */
  readonly keyMode?: number | undefined;
}

/** The facts of a directory of `openssl ca`: the demoCA of either guide, or any other. */
export interface OpensslDirectory {
  readonly index: readonly IndexedCertificate[];
  /** Hexadecimal serial numbers of certificates that were issued here and of which index.txt has no line. */
  readonly forgotten: readonly string[];
  /** Something was issued, and index.txt is empty. */
  readonly emptied: boolean;
  /** Whether two valid certificates may not have the same subject, so that renewals fail; true unless told. */
  readonly uniqueSubject: boolean;
  /** The digest that it signs with, as the configuration says. */
  readonly digest: string | undefined;
  /** What of a request goes into the certificate, as the configuration says. */
  readonly copyExtensions: string | undefined;
  readonly keyMode: number | undefined;
}

export function readOpensslDirectory(files: OpensslDirectoryFiles): OpensslDirectory {
  const { index, indexBefore = [], newCertificates, serial, serialBefore, attributes = '', config = '' } = files;
  const known = new Set(index.map((entry) => plainHex(entry.serial)));
  const kept = newCertificates.flatMap((name) => /^([0-9A-F]{2,40})\.pem$/i.exec(name)?.[1] ?? []);
  const issued = [...indexBefore.map((entry) => entry.serial), ...kept, ...between(index, serial)];
  const settings = authoritySettings(config);
  const unique = settingsOf(attributes).get('')?.get('unique_subject') ?? settings.get('unique_subject');
  return {
    index,
    forgotten: [...new Set(issued.map(plainHex))].filter((one) => !known.has(one)),
    emptied: index.length === 0 && serialBefore !== undefined,
    uniqueSubject: unique !== 'no',
    digest: settings.get('default_md'),
    copyExtensions: settings.get('copy_extensions'),
    keyMode: files.keyMode,
  };
}

/** Capitals of even length, as openssl writes them. */
function plainHex(serial: string): string {
  const digits = serial.toUpperCase().replace(/^0+(?=.)/, '');
  return digits.length % 2 === 0 ? digits : `0${digits}`;
}

/** The serial numbers from the first that is recorded to the next that will be given, where they were counted up. */
function between(index: readonly IndexedCertificate[], serial = ''): string[] {
  const next = /^[0-9A-F]{1,40}$/i.test(serial.trim()) ? BigInt(`0x${serial.trim()}`) : 0n;
  const first = index.map((entry) => BigInt(`0x${entry.serial}`)).reduce((a, b) => (b < a ? b : a), next);
  return next - first > MOST_COUNTED ? [] : Array.from({ length: Number(next - first) }, (_, step) => hex(first, step));
}

/** With random serial numbers the distance between two says nothing; it is astronomical. */
const MOST_COUNTED = 100_000n;

function hex(first: bigint, step: number): string {
  return (first + BigInt(step)).toString(16);
}

// ---- configuration -------------------------------------------------------------------------------------------------

type Settings = ReadonlyMap<string, string>;

/** The section that `openssl ca` works by: what default_ca of [ca] names, unless told CA_default. */
function authoritySettings(config: string): Settings {
  const sections = settingsOf(config);
  const name = sections.get('ca')?.get('default_ca') ?? 'CA_default';
  return new Map([...(sections.get('') ?? []), ...(sections.get(name) ?? [])]);
}

/** By section; those before the first one have the name ''. Of a setting that occurs twice the last counts. */
function settingsOf(config: string): Map<string, Map<string, string>> {
  let current = new Map<string, string>();
  const sections = new Map([['', current]]);
  for (const line of config.split(/\r?\n/)) {
    const plain = line.slice(0, LONGEST_SETTING).replace(/#.*/, '').trim();
    const section = /^\[\s*([^\]\s]+)\s*\]$/.exec(plain)?.[1];
    const equals = plain.indexOf('=');
    if (section !== undefined) {
      current = sections.get(section) ?? new Map();
      sections.set(section, current);
    } else if (equals > 0) current.set(plain.slice(0, equals).trim(), plain.slice(equals + 1).trim());
  }
  return sections;
}

const LONGEST_SETTING = 1024;
