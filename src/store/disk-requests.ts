import { join } from 'node:path';
import { fromFormat1 } from '../authority/format-1.ts';
import type { Requests } from '../authority/ports.ts';
import { type PendingRequest, pendingRequestSchema } from '../authority/record.ts';
import { VcsPkiError } from '../errors.ts';
import type { DemandId } from '../topology/ids.ts';
import { parseInput } from '../topology/input.ts';
import { type FileSystem, makeDirectories, writeAtomically } from './file-system.ts';

/** What is delivered beside a request, for the authority. */
const SENT = ['README.txt', 'certcsr.pem', 'certcsr.der', 'recipe.sh'];

/** Requests in a PKI directory: `requests/<cluster>/<peer>/<role>/request.json`, beside what is sent to the authority. */
export class DiskRequests implements Requests {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** Where the files for the authority lie. */
  folder(demand: DemandId): string {
    return join(this.#directory, 'requests', ...demand.split('/'));
  }

  async pending(): Promise<ReadonlyMap<DemandId, PendingRequest>> {
    const found = new Map<DemandId, PendingRequest>();
    const root = join(this.#directory, 'requests');
    for (const cluster of await this.#fs.readDirectory(root)) {
      for (const peer of await this.#fs.readDirectory(join(root, cluster))) {
        for (const role of await this.#fs.readDirectory(join(root, cluster, peer))) {
          const demand = `${cluster}/${peer}/${role}` as DemandId;
          const request = await this.#read(demand);
          if (request) found.set(demand, request);
        }
      }
    }
    return found;
  }

  async store(demand: DemandId, request: PendingRequest): Promise<void> {
    await makeDirectories(this.#fs, this.#directory, this.folder(demand), 0o700);
    await writeAtomically(this.#fs, this.#path(demand), Buffer.from(`${JSON.stringify(request, undefined, 2)}\n`));
  }

  /** Leaves what people put there; the request itself goes last. */
  async remove(demand: DemandId): Promise<void> {
    for (const name of SENT) await this.#fs.removeFile(join(this.folder(demand), name));
    await this.#fs.removeFile(this.#path(demand));
  }

  async #read(demand: DemandId): Promise<PendingRequest | undefined> {
    const path = this.#path(demand);
    const bytes = await this.#fs.readFile(path);
    if (!bytes) return undefined;
    try {
      return parseInput(pendingRequestSchema, fromFormat1.pendingRequest(JSON.parse(bytes.toString())), path);
    } catch (cause) {
      throw new VcsPkiError('LEDGER_CORRUPT', {
        at: path,
        message: 'is not a request that vcs-pki wrote',
        fix: 'restore the file from a backup, or remove its folder to have a new request made',
        cause,
      });
    }
  }

  #path(demand: DemandId): string {
    return join(this.folder(demand), 'request.json');
  }
}
