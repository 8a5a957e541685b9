import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createBody, dockerLine, emptyRunForm, parseMemory, runProblems } from './run-form.js';
import { parseReference, referenceProblem } from './reference.js';

const form = {
  ...emptyRunForm,
  image: 'localhost:5000/debian:12',
  name: 'box',
  command: `sh -c 'echo hi'`,
  env: [
    { key: 'A', value: 'x y' },
    { key: '', value: '' },
  ],
  memory: '512M',
  cpus: '1.5',
  pids: '100',
};

test('the docker line says what the dialog will do', () => {
  assert.equal(
    dockerLine(form),
    `docker run -it --name box --memory 512m --cpus 1.5 --pids-limit 100 -e 'A=x y' localhost:5000/debian:12 sh -c 'echo hi'`,
  );
  assert.equal(
    dockerLine({ ...emptyRunForm, image: 'nginx', interactive: false, tty: false, restart: 'always' }),
    'docker run -d --restart always nginx',
  );
  assert.equal(dockerLine({ ...emptyRunForm, image: 'busybox', autoRemove: true }), 'docker run -it --rm busybox');
});

test('the body carries limits in the units of the API', () => {
  const { HostConfig, Cmd, Env } = createBody(form);
  assert.equal(HostConfig?.Memory, 512 * 1024 * 1024);
  assert.equal(HostConfig?.NanoCpus, 1_500_000_000);
  assert.equal(HostConfig?.PidsLimit, 100);
  assert.deepEqual(Cmd, ['sh', '-c', 'echo hi']);
  assert.deepEqual(Env, ['A=x y']);
});

test('an empty command leaves the image its own', () => {
  assert.equal('Cmd' in createBody({ ...form, command: ' ' }), false);
});

test('memory sizes are read as docker reads them', () => {
  assert.equal(parseMemory('64m'), 67_108_864);
  assert.equal(parseMemory('1.5g'), 1_610_612_736);
  assert.equal(parseMemory('64MiB'), 67_108_864);
  assert.equal(parseMemory('lots'), undefined);
});

test('each wrong field is named', () => {
  assert.deepEqual(runProblems(form), {});
  assert.deepEqual(
    runProblems(
      {
        ...form,
        image: 'Debian',
        name: '-x',
        command: `'`,
        memory: '1k',
        cpus: '99',
        pids: '-1',
        autoRemove: true,
        restart: 'always',
        env: [{ key: 'A=B', value: '' }],
      },
      4,
    ),
    {
      image: 'image-uppercase',
      name: 'name-invalid',
      command: 'open-quote',
      env: 'env-key',
      memory: 'memory-small',
      cpus: 'cpus-invalid',
      pids: 'pids-invalid',
      restart: 'restart-autoremove',
    },
  );
});

test('references are read with docker’s short names', () => {
  assert.deepEqual(parseReference('debian'), {
    registry: 'docker.io',
    repository: 'library/debian',
    tag: 'latest',
    digest: undefined,
  });
  assert.deepEqual(parseReference('localhost:5000/a/b:1.2'), {
    registry: 'localhost:5000',
    repository: 'a/b',
    tag: '1.2',
    digest: undefined,
  });
  assert.equal(parseReference(`ghcr.io/x/y@sha256:${'0'.repeat(64)}`)?.tag, undefined);
  assert.equal(referenceProblem('a b'), 'invalid');
  assert.equal(referenceProblem('https://x/y'), 'invalid');
  assert.equal(referenceProblem(''), 'missing');
});
