import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Yard, unable } from './bundles.mjs';

/** The published schemas of the OCI runtime specification (Apache-2.0), as far as `features` goes. */
const schema = (name) => JSON.parse(readFileSync(fileURLToPath(new URL(`schema/${name}`, import.meta.url)), 'utf8'));

/** What of the value does not fit, by its place. */
function misfits(value, rule, file, place = 'features') {
  if (rule.$ref) {
    const [name, path] = rule.$ref.split('#');
    const target = name || file;
    const found = path.split('/').slice(1).reduce((at, key) => at[key], schema(target));
    return misfits(value, found, target, place);
  }
  const type = Array.isArray(value) ? 'array' : typeof value;
  const wrong = [];
  if (rule.type && rule.type !== type) wrong.push(`${place} is no ${rule.type}`);
  if (rule.enum && !rule.enum.includes(value)) wrong.push(`${place}: ${value} is none of ${rule.enum}`);
  if (rule.pattern && !new RegExp(rule.pattern).test(value)) wrong.push(`${place}: ${value} is not like ${rule.pattern}`);
  for (const key of rule.required ?? []) if (!(key in value)) wrong.push(`${place}.${key} is missing`);
  if (type === 'array' && rule.items)
    wrong.push(...value.flatMap((each, index) => misfits(each, rule.items, file, `${place}[${index}]`)));
  if (type === 'object' && rule.properties)
    for (const [key, each] of Object.entries(value))
      if (rule.properties[key]) wrong.push(...misfits(each, rule.properties[key], file, `${place}.${key}`));
      else wrong.push(`${place}.${key} is unknown`);
  return wrong;
}

test('features is the document that the specification has, and each mount option in it is taken', { skip: unable }, () => {
  const yard = new Yard();
  try {
    const { stdout, status, stderr } = spawnSync(yard.runtime, ['features'], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const features = JSON.parse(stdout);
    assert.deepEqual(misfits(features, schema('features-schema.json'), 'features-schema.json'), []);
    const special = { tmpcopyup: 'tmpfs', sync: 'tmpfs', async: 'tmpfs' };
    const change = ({ mounts }) => {
      for (const option of features.mountOptions.filter((each) => !/idmap/.test(each))) {
        const type = special[option] ?? 'bind';
        const options = [...(type === 'bind' ? ['rbind'] : []), option];
        mounts.push({ destination: `/mnt/${option}`, type, source: type === 'bind' ? '/etc' : 'tmpfs', options });
      }
    };
    const ran = yard.run(['sh', '-c', 'ls /mnt | wc -l'], { change });
    assert.equal(ran.stdout.trim(), String(features.mountOptions.filter((each) => !/idmap/.test(each)).length), ran.stderr);
  } finally {
    yard.close();
  }
});
