#!/usr/bin/env node
/** README.md and README.zh-CN.md say the same: same headings in number and depth, same commands, same pictures and links to files that exist. Refusals that are quoted exist. */
import fs from 'node:fs';
import path from 'node:path';
import { root } from './setup.mjs';

const problems = [];
const read = (name) => fs.readFileSync(path.join(root, name), 'utf8');
const shape = (text) => ({
  'headings by depth': (text.match(/^#+ /gm) ?? []).map((each) => each.trim().length).join(' '),
  'code blocks': (text.match(/^```[^]*?^```/gm) ?? [])
    .map((block) => block.replaceAll(/#.*$/gm, '').replaceAll(/\s+/g, ' '))
    .join('\n'),
  'pictures and file links': [...text.matchAll(/\]\(([^)#]+)\)/g)]
    .map((each) => each[1])
    .filter((each) => !/README/.test(each))
    .sort()
    .join(' '),
  'table rows': String((text.match(/^\|/gm) ?? []).length),
});
const [english, chinese] = [shape(read('README.md')), shape(read('README.zh-CN.md'))];
for (const [what, value] of Object.entries(english))
  if (value !== chinese[what])
    problems.push(`README.md and README.zh-CN.md differ in ${what}:\n  ${value}\n  ${chinese[what]}`);

for (const file of [
  'README.md',
  'README.zh-CN.md',
  'CONTRIBUTING.md',
  ...fs.readdirSync(path.join(root, 'docs'), { recursive: true }).map((each) => `docs/${each}`),
]) {
  if (!file.endsWith('.md')) continue;
  for (const [, target] of read(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
    if (!/^[a-z]+:/.test(target) && !fs.existsSync(path.join(root, path.dirname(file), target)))
      problems.push(`${file} links to ${target}, which is not there`);
}
// What the documents quote as refused is refused.
const refused = read('main/api/routes/missing.ts');
for (const [sentence, what] of read('docs/slipway-api.md').matchAll(/`Slipway cannot (.+?) yet`/g))
  if (!refused.includes(`'${what}'`)) problems.push(`docs/slipway-api.md quotes ${sentence}, which no endpoint says`);
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
