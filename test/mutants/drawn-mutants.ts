import { readFileSync } from 'node:fs';
import ts from 'typescript';
import type { Mutant } from './fixed-mutants.ts';

const swapped: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '&&': '||',
  '||': '&&',
  '+': '-',
  '-': '+',
};

/** Mutants of these files, drawn without anybody's choice: an operator swapped, a condition that never holds, a step left out. */
export function drawMutants(files: readonly string[], count: number, random: (below: number) => number): Mutant[] {
  const all = files.flatMap(mutantsOf);
  return Array.from({ length: Math.min(count, all.length) }, () => all.splice(random(all.length), 1)[0]!);
}

function mutantsOf(file: string): Mutant[] {
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const add = (start: number, end: number, replacement: string) => {
    const { line } = source.getLineAndCharacterOfPosition(start);
    const behaviour = `line ${line + 1}: ${text.slice(start, end).replace(/\s+/g, ' ').slice(0, 60)} -> ${replacement || 'nothing'}`;
    // The whole text around it, so that it stands once.
    found.push({ file, behaviour, find: text, replace: text.slice(0, start) + replacement + text.slice(end) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken;
      const other = swapped[operator.getText()];
      if (other !== undefined) add(operator.getStart(), operator.getEnd(), other);
    }
    if (ts.isIfStatement(node)) add(node.expression.getStart(), node.expression.getEnd(), 'false');
    if (ts.isExpressionStatement(node) && ts.isBlock(node.parent)) add(node.getStart(), node.getEnd(), '');
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}
