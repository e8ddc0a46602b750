import { basename } from 'node:path';
import ts from 'typescript';
import type { SourceFile } from './source-files.js';

/** One import, export-from, or `import()` of a file. */
export interface Import {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly isDynamic: boolean;
}

export interface Module extends SourceFile {
  /** `libs/kernel`, `apps/enrich` */
  readonly folder: string;
  readonly area: string;
  readonly name: string;
  /** Its name without the folders. */
  readonly file: string;
  readonly lines: number;
  readonly isSpec: boolean;
  readonly imports: readonly Import[];
  readonly hasDefaultExport: boolean;
  readonly readsEnvironment: boolean;
}

/** Reads what the rules ask about from the text of a file. */
export function moduleOf(file: SourceFile): Module {
  const [area = '', name = ''] = file.path.split('/');
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  const found = { imports: [] as Import[], hasDefaultExport: false, readsEnvironment: false };
  const visit = (node: ts.Node): void => {
    const imported = importOf(node);
    if (imported !== undefined) found.imports.push(imported);
    found.hasDefaultExport ||= isDefaultExport(node);
    found.readsEnvironment ||= isEnvironment(node);
    ts.forEachChild(node, visit);
  };
  visit(tree);
  const lines = file.text.trimEnd().split('\n').length;
  const isSpec = /\.(spec|e2e-spec)\.ts$/.test(file.path);
  return {
    ...file,
    ...found,
    folder: `${area}/${name}`,
    area,
    name,
    file: basename(file.path),
    lines,
    isSpec,
  };
}

function importOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    return { specifier: node.moduleSpecifier.text, isTypeOnly: isTypeImport(node), isDynamic: false };
  }
  if (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier !== undefined &&
    ts.isStringLiteral(node.moduleSpecifier)
  ) {
    return { specifier: node.moduleSpecifier.text, isTypeOnly: isTypeExport(node), isDynamic: false };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [specifier] = node.arguments;
    if (specifier !== undefined && ts.isStringLiteral(specifier)) {
      return { specifier: specifier.text, isTypeOnly: false, isDynamic: true };
    }
  }
  return undefined;
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = importClause.namedBindings;
  if (importClause.name !== undefined || names === undefined || !ts.isNamedImports(names)) return false;
  return names.elements.length > 0 && names.elements.every(({ isTypeOnly }) => isTypeOnly);
}

function isTypeExport({ isTypeOnly, exportClause }: ts.ExportDeclaration): boolean {
  if (isTypeOnly) return true;
  if (exportClause === undefined || !ts.isNamedExports(exportClause)) return false;
  return exportClause.elements.length > 0 && exportClause.elements.every((each) => each.isTypeOnly);
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
  );
}

function isEnvironment(node: ts.Node): boolean {
  if (!ts.isPropertyAccessExpression(node) && !ts.isElementAccessExpression(node)) return false;
  return node.getText() === 'process.env' || node.getText() === "process['env']";
}
