import { describe, expect, it } from 'vitest';
import { MemoryFileSystem } from './testing/memory-file-system.ts';
import { type Holder, type Processes, withWriterLock } from './writer-lock.ts';

class Population implements Processes {
  readonly alive = new Set<number>();
  #next = 0;
  readonly #self: number;

  constructor(parent?: Population) {
    this.alive = parent?.alive ?? this.alive;
    this.#self = parent ? parent.#take() : 0;
    this.alive.add(this.#self);
  }

  #take(): number {
    this.#next += 1;
    return this.#next;
  }

  async self(command: string): Promise<Holder> {
    return {
      id: `id-${this.#self}`,
      host: 'here',
      boot: 'b',
      process: this.#self,
      started: '',
      command,
      since: '2026-11-21T12:00:00Z',
    };
  }

  async isAlive(holder: Holder): Promise<boolean | undefined> {
    return holder.host === 'here' ? this.alive.has(holder.process) : undefined;
  }
}

async function directory(): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  await fs.makeDirectory('/pki');
  return fs;
}

const options = (processes: Processes, timeoutMs = 1000) => ({
  command: 'test',
  timeoutMs,
  processes,
  wait: () => new Promise<void>((done) => setImmediate(done)),
});

describe('the writer lock', () => {
  it('lets one writer in at a time, and every one in turn', async () => {
    const fs = await directory();
    const everybody = new Population();
    let inside = 0;
    let most = 0;
    let done = 0;
    const writers = Array.from({ length: 8 }, () => new Population(everybody));
    await Promise.all(
      writers.map((writer) =>
        withWriterLock(fs, '/pki', options(writer, 1e9), async () => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise((tick) => setImmediate(tick));
          inside -= 1;
          done += 1;
        }),
      ),
    );
    expect({ most, done }).toEqual({ most: 1, done: 8 });
    expect([...fs.files().keys()]).toEqual([]);
  });

  it('is taken over from a dead holder by exactly one of many', async () => {
    const fs = await directory();
    const everybody = new Population();
    const dead = new Population(everybody);
    await fs.createFile('/pki/.writer', Buffer.from(JSON.stringify(await dead.self('crashed'))), 0o644);
    dead.alive.delete(1);
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 6 }, () => new Population(everybody)).map((writer) =>
        withWriterLock(fs, '/pki', options(writer, 1e9), async () => {
          inside += 1;
          most = Math.max(most, inside);
          await new Promise((tick) => setImmediate(tick));
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
    expect([...fs.files().keys()]).toEqual([]);
  });

  it('is taken over also when one who wanted to died at it', async () => {
    const fs = await directory();
    const everybody = new Population();
    const [dead, second] = [new Population(everybody), new Population(everybody)];
    const holder = await dead.self('crashed');
    await fs.createFile('/pki/.writer', Buffer.from(JSON.stringify(holder)), 0o644);
    await fs.createFile(
      `/pki/.writer.${holder.id}.1`,
      Buffer.from(JSON.stringify(await second.self('crashed too'))),
      0o644,
    );
    everybody.alive.delete(1);
    everybody.alive.delete(2);
    await withWriterLock(fs, '/pki', options(new Population(everybody)), async () => undefined);
    expect([...fs.files().keys()]).toEqual([]);
  });

  it('names its holder when one has waited long enough, and leaves it alone', async () => {
    const fs = await directory();
    const everybody = new Population();
    const holder = new Population(everybody);
    await withWriterLock(fs, '/pki', options(holder), async () => {
      const refused = withWriterLock(fs, '/pki', options(new Population(everybody), 200), async () => undefined);
      await expect(refused).rejects.toMatchObject({
        code: 'DIRECTORY_LOCKED',
        message: expect.stringContaining('process 1 on here (test)'),
      });
    });
  });

  it('is never taken from a holder on another host, which nobody here can see', async () => {
    const fs = await directory();
    const everybody = new Population();
    const holder = { ...(await everybody.self('far away')), host: 'there' };
    await fs.createFile('/pki/.writer', Buffer.from(JSON.stringify(holder)), 0o644);
    await expect(withWriterLock(fs, '/pki', options(everybody, 100), async () => undefined)).rejects.toMatchObject({
      code: 'DIRECTORY_LOCKED',
    });
  });

  it('is given back when the work fails', async () => {
    const fs = await directory();
    const failing = withWriterLock(fs, '/pki', options(new Population()), async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect([...fs.files().keys()]).toEqual([]);
  });
});
