/** Our helper as an OCI runtime beside runc and crun: the same bundle, whole processes, create + start + delete. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root, run } from '../fixtures/engine.js';
import { compare, elapsed } from './measure.js';

interface Runtime {
  path: string;
  state: string;
  bundle: string;
  /** crun 1.8 refuses the hybrid cgroup layout unless the cgroup2 tree is hidden. */
  hide: boolean;
}

export async function runtimeBench(): Promise<void> {
  const base = await mkdtemp(path.join(tmpdir(), 'slipway-bench-'));
  try {
    const bundle = path.join(base, 'bundle');
    await mkdir(path.join(bundle, 'rootfs/bin'), { recursive: true });
    await cp('/bin/busybox', path.join(bundle, 'rootfs/bin/busybox'));
    await symlink('busybox', path.join(bundle, 'rootfs/bin/true'));
    await run('runc', ['spec', '-b', bundle]);
    const spec = JSON.parse(await readFile(path.join(bundle, 'config.json'), 'utf8'));
    spec.process.terminal = false;
    spec.process.args = ['/bin/true'];
    await writeFile(path.join(bundle, 'config.json'), JSON.stringify(spec));
    const runtime = (name: string, file: string, hide: boolean) => ({
      name,
      subject: { path: file, state: path.join(base, name), bundle, hide },
    });
    const contenders = [
      runtime('slipway-helper', path.join(root, 'native/build/slipway-helper'), false),
      runtime('runc', '/usr/sbin/runc', false),
      runtime('crun', '/usr/bin/crun', true),
    ];
    let serial = 0;
    await compare<Runtime>(
      'runtime alone: create + start + delete of true',
      contenders,
      async (subject) => {
        const id = `bench-${process.pid}-${serial++}`;
        const command = `${subject.hide ? 'umount /sys/fs/cgroup/unified 2>/dev/null; ' : ''}"$1" --root "$2" create --bundle "$3" "$4" </dev/null >/dev/null && "$1" --root "$2" start "$4" && "$1" --root "$2" delete --force "$4"`;
        let failed = '';
        const time = await elapsed(async () => {
          const ran = await run('unshare', [
            '--mount',
            'sh',
            '-c',
            command,
            'sh',
            subject.path,
            subject.state,
            subject.bundle,
            id,
          ]);
          if (ran.code !== 0) failed = ran.stderr;
        });
        if (failed) throw new Error(`${subject.path}: ${failed}`);
        return time;
      },
      { n: 30 },
    );
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}
