import type { FileSystem } from './file-system.ts';

/**
 * A file system in which every change is checked right before it: rejects with what `check` rejects with, changing nothing.
 * Files that writeAtomically writes are so checked before their rename too.
 */
export function fenced(fs: FileSystem, check: () => Promise<void>): FileSystem {
  const after =
    <Args extends unknown[], Result>(change: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      await check();
      return change(...args);
    };
  return {
    readFile: (...args) => fs.readFile(...args),
    readDirectory: (...args) => fs.readDirectory(...args),
    sync: (...args) => fs.sync(...args),
    makeDirectory: after((...args) => fs.makeDirectory(...args)),
    writeFile: after((...args) => fs.writeFile(...args)),
    createFile: after((...args) => fs.createFile(...args)),
    appendFile: after((...args) => fs.appendFile(...args)),
    truncateFile: after((...args) => fs.truncateFile(...args)),
    rename: after((...args) => fs.rename(...args)),
    removeFile: after((...args) => fs.removeFile(...args)),
  };
}
