import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { Project } from '../support/project.ts';
import { describeWithTool, run } from '../support/tools.ts';
import { succeeded } from './terraform-project.ts';

const root = join(import.meta.dirname, '../..');
const env = { VCS_PKI_NOW: '2026-11-21T12:00:00Z' };

/** An alias and an override in package.json, and nothing else, move a project to CDK Terrain, the maintained fork of CDKTF. */
describeWithTool('npm', 'a project with cdktf aliased to cdktn', (npm) => {
  const folder = mkdtempSync(join(tmpdir(), 'vcs-pki-cdktn-'));
  const withCdktf = new Project();
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    withCdktf.remove();
  });

  it('installs by `npm ci`, and gets the fork alone', async () => {
    cpSync(join(root, 'test/cdktn'), folder, { recursive: true });
    succeeded(await run(npm, ['ci', '--ignore-scripts'], { cwd: folder }));
    expect(JSON.parse(readFileSync(join(folder, 'node_modules/cdktf/package.json'), 'utf8'))).toMatchObject({
      name: 'cdktn',
      version: '0.24.0',
    });
  });

  it('synthesizes the same but for the version stamp and the spaces in empty objects', async () => {
    installVcsPki(join(folder, 'node_modules'));
    const program = 'examples/collaboration-edge/main.ts';
    cpSync(join(root, program), join(folder, program));
    succeeded(await run(process.execPath, ['--import', 'tsx', program], { cwd: folder, env }));
    succeeded(await withCdktf.synth(env));

    const expected = texts(withCdktf, 'cdktf.out');
    const found = texts(withCdktf, relative(withCdktf.folder, join(folder, 'cdktf.out')));
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    expect(expected.size).toBeGreaterThan(8);
    for (const [name, text] of expected) {
      const stamped = /(cdk\.tf|manifest)\.json$/.test(name);
      if (stamped) expect(found.get(name), name).toContain('"version": "0.24.0"');
      expect(found.get(name), name).toBe(
        stamped ? compact(text).replace('"version": "0.21.0"', '"version": "0.24.0"') : text,
      );
    }
  });
});

/** What is published, copied, so that its `cdktf` is that of the project. */
function installVcsPki(modules: string): void {
  const own = join(modules, 'vcs-pki');
  mkdirSync(own);
  cpSync(join(root, 'package.json'), join(own, 'package.json'));
  cpSync(join(root, 'dist'), join(own, 'dist'), { recursive: true });
  for (const name of [...Object.keys(packageJson.dependencies), 'tsx']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
}

function texts(project: Project, folder: string): Map<string, string> {
  return new Map([...project.files(folder)].map(([name, base64]) => [name, Buffer.from(base64, 'base64').toString()]));
}

function compact(json: string): string {
  return json.replace(/([[{])\s+([\]}])/g, '$1$2');
}
