#!/usr/bin/env node
/**
 * What `using` and `await using` hold is let go of when the function returns: a promise that is returned without `await` goes on without it. Neither
 * the compiler nor the linter (without types) says so, and this does. `node scripts/check-awaited.mjs ROOM…`, a room being a folder with a tsconfig.json.
 */
import path from 'node:path';
import ts from 'typescript';

const found = process.argv.slice(2).flatMap((room) => {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: ({ messageText }) => console.log(messageText) };
  const config = ts.getParsedCommandLineOfConfigFile(path.join(room, 'tsconfig.json'), {}, host);
  const program = ts.createProgram(config.fileNames, config.options);
  const checker = program.getTypeChecker();
  return program
    .getSourceFiles()
    .filter(({ fileName, text }) => !/node_modules|\.d\.ts$/.test(fileName) && text.includes('using '))
    .flatMap((file) => returnsIn(file, checker));
});
for (const each of found) console.log(`${each}: return await …, or what is held here is let go of before`);
process.exit(found.length === 0 ? 0 : 1);

function returnsIn(file, checker) {
  const places = [];
  const look = (node, holding) => {
    if (ts.isFunctionLike(node)) return ts.forEachChild(node, (child) => look(child, false));
    if (ts.isBlock(node) || ts.isSourceFile(node) || ts.isCaseOrDefaultClause(node)) {
      let held = holding;
      for (const statement of node.statements ?? []) {
        held ||= isUsing(statement);
        look(statement, held);
      }
      return undefined;
    }
    if (ts.isReturnStatement(node) && holding && node.expression && !ts.isAwaitExpression(node.expression)) {
      const type = checker.getTypeAtLocation(node.expression);
      if (type.getProperty('then') !== undefined) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart());
        places.push(`${path.relative(process.cwd(), file.fileName)}:${line + 1}`);
      }
    }
    return ts.forEachChild(node, (child) => look(child, holding));
  };
  look(file, false);
  return places;
}

function isUsing(statement) {
  if (!ts.isVariableStatement(statement)) return false;
  const { Using, AwaitUsing } = ts.NodeFlags;
  return [Using, AwaitUsing].includes(statement.declarationList.flags & AwaitUsing);
}
