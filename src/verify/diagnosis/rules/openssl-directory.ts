import { join } from 'node:path';
import type { EvidenceRule } from './rule.ts';

/** Requirement 76: the printed repair empties index.txt, and with it the memory of what was revoked. */
export const indexLost: EvidenceRule = {
  code: 'INDEX_LOST',
  title: 'index.txt of an authority lacks certificates that it issued.',
  holds: [76],
  diagnosis: 'D36',
  severity: 'error',
  releases: 'all',
  *check({ directories }) {
    for (const { path, directory } of directories) {
      const { forgotten, emptied } = directory;
      if (forgotten.length === 0 && !emptied) continue;
      const serials = forgotten.slice(0, 3).join(', ');
      yield {
        at: join(path, 'index.txt'),
        value: forgotten.length > 0 ? `serial ${serials}${forgotten.length > 3 ? ' ...' : ''}` : 'empty',
        message: `${forgotten.length > 0 ? `it has no line of ${forgotten.length} that were issued` : 'it is empty, and certificates were issued'}: what of them was revoked counts as valid on the next list`,
        fix: 'restore it from a backup, or write a line for each certificate in newcerts, with its revocation; never empty it',
      };
    }
  },
};

/** An index that was edited by hand, or cut off. */
export const indexDamaged: EvidenceRule = {
  code: 'INDEX_DAMAGED',
  title: 'index.txt of an authority cannot be read.',
  holds: [76],
  diagnosis: 'D36',
  severity: 'error',
  releases: 'all',
  *check({ artefacts }) {
    for (const artefact of artefacts) {
      if (artefact.kind !== 'unreadable' || artefact.error.code !== 'LEDGER_CORRUPT') continue;
      const { at, message, fix, value = '' } = artefact.error;
      yield { at: artefact.path, value, message: message.slice(`${at}: `.length), fix };
    }
  },
};

/** What leads to the printed repair: every renewal has the subject of the certificate before it. */
export const uniqueSubject: EvidenceRule = {
  code: 'UNIQUE_SUBJECT',
  title: 'The directory of an authority allows one valid certificate per subject.',
  holds: [76],
  diagnosis: 'D36',
  severity: 'advice',
  releases: 'all',
  *check({ directories }) {
    for (const { path, directory } of directories) {
      if (!directory.uniqueSubject || directory.index.every(({ revocation }) => revocation)) continue;
      yield {
        at: join(path, 'index.txt.attr'),
        value: 'unique_subject = yes',
        message: 'a renewal before the old certificate is revoked fails with "TXT_DB error number 2"',
        fix: 'write unique_subject = no into index.txt.attr',
      };
    }
  },
};

/** Requirements 72 and 75. */
export const directoryDigest: EvidenceRule = {
  code: 'DEFAULT_MD_WEAK',
  title: 'openssl ca is configured to sign with SHA-1 or MD5.',
  holds: [75],
  diagnosis: 'D30',
  severity: 'warning',
  releases: 'all',
  *check({ directories }) {
    for (const { path, directory } of directories) {
      if (!/^(?:sha1|md5)$/i.test(directory.digest ?? '')) continue;
      yield {
        at: path,
        value: `default_md = ${directory.digest}`,
        message: 'what it signs is refused by verifiers of today',
        fix: 'write default_md = sha256, and sign without -md sha1',
      };
    }
  },
};

/** Requirement 70: the line that keeps names and usages also keeps whatever else a request asks for. */
export const copyExtensions: EvidenceRule = {
  code: 'COPY_EXTENSIONS',
  title: 'openssl ca copies what a request asks for into the certificate.',
  holds: [70],
  severity: 'advice',
  releases: 'all',
  *check({ directories }) {
    for (const { path, directory } of directories) {
      const { copyExtensions: copied } = directory;
      if (copied !== 'copy' && copied !== 'copyall') continue;
      yield {
        at: path,
        value: `copy_extensions = ${copied}`,
        message: 'whoever makes the request decides on its extensions, up to CA:TRUE',
        fix: 'write copy_extensions = none, and give names and usages with -extfile',
      };
    }
  },
};

/** Requirement 71. */
export const caKeyReadable: EvidenceRule = {
  code: 'CA_KEY_READABLE',
  title: 'Other accounts of the machine can read the key of an authority.',
  holds: [5, 71],
  severity: 'error',
  releases: 'all',
  *check({ directories }) {
    for (const { path, directory } of directories) {
      const { keyMode = 0 } = directory;
      if ((keyMode & 0o007) === 0) continue;
      yield {
        at: path,
        value: (keyMode & 0o777).toString(8),
        message: 'every account of the machine can read the private key, and issue with it what it likes',
        fix: 'chmod 600 on the key file, and 700 on its folder',
      };
    }
  },
};
