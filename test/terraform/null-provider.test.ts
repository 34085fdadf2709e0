import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type NullProvider, startNullProvider } from '../support/null-provider.ts';
import { describeWithTool, type RunResult, run } from '../support/tools.ts';

/** What constructs/ relies on: how terraform drives one null_resource per authority, with for_each over its certificates. */
describeWithTool('terraform', 'terraform with the double of hashicorp/null', (path) => {
  let home: string;
  let provider: NullProvider;
  let count = 0;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'vcs-pki-terraform-'));
    provider = await startNullProvider();
  });
  afterAll(async () => {
    await provider.stop();
    await rm(home, { recursive: true, force: true });
  });

  /** A stack with a resource like that of an authority, one without triggers, and one that depends on the id of another. */
  async function newStack() {
    const folder = join(home, `stack-${count++}`);
    await mkdir(folder);
    const env = {
      ...provider.env,
      HOME: home,
      TF_CLI_CONFIG_FILE: '/dev/null',
      CHECKPOINT_DISABLE: '1',
      TF_IN_AUTOMATION: '1',
    };
    const terraform = (...args: string[]) => run(path, [...args, '-no-color'], { cwd: folder, env });
    const log = join(folder, 'log');
    await writeFile(log, '');
    await writeFile(
      join(folder, 'log.mjs'),
      `import { appendFileSync } from 'node:fs';\nappendFileSync('log', process.argv[2] + '\\n');\n`,
    );
    return {
      terraform,
      declare: (certificates: Readonly<Record<string, string>>) =>
        writeFile(join(folder, 'cdk.tf.json'), JSON.stringify(declaration(certificates))),
      /** What the provisioners have been called with since this was last asked. */
      async commands(): Promise<unknown[]> {
        const lines = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
        await writeFile(log, '');
        return lines.map((line): unknown => JSON.parse(line));
      },
      async apply(certificates: Readonly<Record<string, string>>): Promise<void> {
        await this.declare(certificates);
        succeeded(await terraform('init', '-input=false'));
        succeeded(await terraform('apply', '-auto-approve', '-input=false'));
      },
      /** 0: no changes, 2: changes (`plan -detailed-exitcode`). */
      plan: () => terraform('plan', '-detailed-exitcode', '-input=false'),
    };
  }

  function declaration(certificates: Readonly<Record<string, string>>) {
    const provisioner = (what: string, more = {}) => ({
      'local-exec': {
        interpreter: ['node', 'log.mjs'],
        command: `\${jsonencode([${JSON.stringify(what)}, each.key, self.triggers.names])}`,
        ...more,
      },
    });
    return {
      terraform: { required_providers: { null: { source: 'hashicorp/null', version: '3.2.4' } } },
      provider: { null: [{}] },
      resource: {
        null_resource: {
          certificates: {
            for_each: Object.fromEntries(Object.entries(certificates).map(([id, names]) => [id, { names }])),
            triggers: { names: `\${each.value.names}` },
            lifecycle: { create_before_destroy: true },
            provisioner: [provisioner('issue'), provisioner('revoke', { when: 'destroy' })],
          },
          plain: {},
          after: { triggers: { plain: `\${null_resource.plain.id}`, long: 'x'.repeat(70_000) } },
        },
      },
    };
  }

  function succeeded({ code, stdout, stderr }: RunResult): void {
    expect({ code, output: stdout + stderr }).toMatchObject({ code: 0 });
  }

  it('applies, with provisioner arguments that no shell has touched, and then plans no changes', async () => {
    const stack = await newStack();
    const names = `a b; "c" 'd' $e \`f\` é`;
    await stack.apply({ 'edge/expe1/server': names, 'edge/expe2/server': 'expe2' });
    expect(await stack.commands()).toEqual(
      expect.arrayContaining([
        ['issue', 'edge/expe1/server', names],
        ['issue', 'edge/expe2/server', 'expe2'],
      ]),
    );
    expect(await stack.plan()).toMatchObject({ code: 0, stdout: expect.stringContaining('No changes.') });
    expect(await stack.commands()).toEqual([]);
  });

  it('replaces what has a changed trigger: creates the new one, without the destroy provisioner of the old one', async () => {
    const stack = await newStack();
    await stack.apply({ a: 'one', b: 'two' });
    await stack.commands();
    await stack.declare({ a: 'one three', b: 'two' });
    const { code, stdout } = await stack.plan();
    expect(code).toBe(2);
    expect(stdout).toContain('null_resource.certificates["a"] must be replaced');
    expect(stdout).toMatch(/~ triggers = \{ # forces replacement\n +~ "names" = "one" -> "one three"\n/);
    expect(stdout).toContain('Plan: 1 to add, 0 to change, 1 to destroy.');
    await stack.apply({ a: 'one three', b: 'two' });
    expect(await stack.commands()).toEqual([['issue', 'a', 'one three']]);
    expect(await stack.plan()).toMatchObject({ code: 0 });
  });

  it('runs the destroy provisioner for a key that is removed from for_each, the last one too', async () => {
    const stack = await newStack();
    await stack.apply({ a: 'one', b: 'two' });
    await stack.commands();
    await stack.apply({ b: 'two' });
    expect(await stack.commands()).toEqual([['revoke', 'a', 'one']]);
    await stack.apply({});
    expect(await stack.commands()).toEqual([['revoke', 'b', 'two']]);
    expect(await stack.plan()).toMatchObject({ code: 0 });
  });

  it('replaces what depends on the id of a replaced resource, which is not known before apply', async () => {
    const stack = await newStack();
    await stack.apply({});
    const before = await stack.terraform('show', '-json');
    succeeded(await stack.terraform('taint', 'null_resource.plain'));
    const { code, stdout } = await stack.plan();
    expect(code).toBe(2);
    expect(stdout).toMatch(/~ "plain" = "\d+" -> \(known after apply\)/);
    expect(stdout).toContain('Plan: 2 to add, 0 to change, 2 to destroy.');
    await stack.apply({});
    const after = await stack.terraform('show', '-json');
    expect(ids(after.stdout)).toHaveLength(2);
    expect(ids(after.stdout).filter((id) => ids(before.stdout).includes(id))).toEqual([]);
    expect(await stack.plan()).toMatchObject({ code: 0 });
  });

  it('destroys everything, with every destroy provisioner', async () => {
    const stack = await newStack();
    await stack.apply({ a: 'one', b: 'two' });
    await stack.commands();
    succeeded(await stack.terraform('destroy', '-auto-approve', '-input=false'));
    expect((await stack.commands()).sort()).toEqual([
      ['revoke', 'a', 'one'],
      ['revoke', 'b', 'two'],
    ]);
    expect((await stack.terraform('state', 'list')).stdout).toBe('');
  });

  function ids(stateJson: string): string[] {
    const state: { values?: { root_module: { resources: { values: { id: string } }[] } } } = JSON.parse(stateJson);
    return (state.values?.root_module.resources ?? []).map(({ values }) => values.id);
  }
});
