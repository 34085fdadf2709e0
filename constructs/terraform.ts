import { resource } from '@cdktf/provider-null';
import { type IResolvable, type ITerraformDependable, Lazy, Token } from 'cdktf';
import type { Construct } from 'constructs';

/** The file beside cdk.tf.json that starts vcs-pki; see stack-files.ts. */
export const LAUNCHER = 'vcs-pki.mjs';

/** A literal string for Terraform: `${` and `%{` in a name are not evaluated. */
export function literal(text: string): string {
  return text.replace(/\$\{/g, () => '$${').replace(/%\{/g, () => '%%{');
}

/** Arguments of vcs-pki as a Terraform expression: they reach it as JSON, past any shell. @param args Terraform expressions */
export function commandLine(args: readonly string[]): string {
  return `\${jsonencode([${args.join(', ')}])}`;
}

/** A string as a Terraform expression. */
export function quoted(text: string): string {
  return JSON.stringify(literal(text));
}

/**
 * With which declaration and in which workspace a command is run: a saved plan names the declaration that it was made of.
 * @param workspace as a Terraform expression; what destroys may refer to its own triggers alone
 */
export function planned(declaration: IResolvable, workspace = 'terraform.workspace'): string[] {
  return [quoted('--declaration'), `"${Token.asString(declaration)}"`, quoted('--workspace'), workspace];
}

/**
 * A value that is known when everything has been declared. CDKTF asks for it once before it validates, too: what is
 * wrong with the declaration is for the validation to say.
 */
export function atSynthesis(produce: () => unknown): IResolvable {
  return Lazy.anyValue({ produce: ({ preparing }) => (preparing ? '' : produce()) });
}

export interface CommandResourceOptions {
  readonly logicalId: string;
  readonly triggers: Record<string, string>;
  readonly onCreate: readonly string[];
  readonly onDestroy?: readonly string[];
  readonly forEach?: resource.ResourceConfig['forEach'];
  readonly dependsOn: readonly ITerraformDependable[];
}

/** A null_resource that runs vcs-pki when its triggers change. What replaces comes first: it is issued before the old one is dropped. */
export function commandResource(scope: Construct, id: string, options: CommandResourceOptions): resource.Resource {
  const run = (args: readonly string[]) => ({
    type: 'local-exec' as const,
    interpreter: ['node', LAUNCHER],
    command: commandLine(args),
    quiet: true,
  });
  const created = new resource.Resource(scope, id, {
    triggers: options.triggers,
    dependsOn: [...options.dependsOn],
    lifecycle: { createBeforeDestroy: true },
    provisioners: [
      ...(options.onCreate.length > 0 ? [run(options.onCreate)] : []),
      ...(options.onDestroy ? [{ ...run(options.onDestroy), when: 'destroy' as const }] : []),
    ],
    ...(options.forEach && { forEach: options.forEach }),
  });
  created.overrideLogicalId(options.logicalId);
  return created;
}
