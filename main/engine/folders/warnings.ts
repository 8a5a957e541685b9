/** What a path of this machine gives away to a container that gets it. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename } from 'node:path';
import type { FolderWarning } from '../../contract/mounts.js';

/** With everything below them. */
const SYSTEM = /^\/(?:etc|usr|s?bin|lib\w*|boot|dev|proc|sys|var\/(?:lib|log|cache|spool|run))(?:\/|$)|^\/var$/;
/** What a session or a removable disk has below it is a person's own. */
const RUNTIME = /^\/run(?!\/(?:user\/\d+|media)\/.)(?:\/|$)/;
const SECRET_FOLDERS = /^\.(?:ssh|gnupg|aws|azure|kube|password-store)$|^keyrings$/;
const SECRET_FILES = /^(?:id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?|\.netrc|\.pgpass|\.git-credentials|shadow)$/;
const ENGINE_SOCKET = /^(?:docker|containerd|podman|crio|buildkitd?|slipway)[\w.-]*\.sock$/;
const SOCKETS = [
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
  '/run/crio/crio.sock',
];

const isIn = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

interface Person {
  name: string;
  uid: number;
  home: string;
}

/** People of this machine, and what of it is the engine's. */
export class Surroundings {
  /** `own`: folders of the engine itself. */
  constructor(
    private readonly own: readonly string[] = [],
    private readonly passwd = '/etc/passwd',
  ) {}

  /** The user of a number on this machine. */
  async userOf(uid: number): Promise<string | null> {
    return (await this.#people()).find((person) => person.uid === uid)?.name ?? null;
  }

  /** `path` is one without links in it. */
  async warningsOf(path: string): Promise<FolderWarning[]> {
    if (path === '/') return ['root'];
    const found = new Set<FolderWarning>();
    const people = await this.#people();
    const homes = [
      ...people.filter(({ uid }) => uid === 0 || (uid >= 1000 && uid < 65534)).map(({ home }) => home),
      homedir(),
    ].filter((home) => /^\/./.test(home));
    if (homes.some((home) => isIn(home, path))) found.add('home');
    if (SYSTEM.test(path) || RUNTIME.test(path) || this.own.some((folder) => isIn(path, folder))) found.add('system');
    const steps = path.split('/');
    if (steps.some((step) => SECRET_FOLDERS.test(step)) || SECRET_FILES.test(basename(path))) found.add('secrets');

    const about = await lstat(path).catch(() => undefined);
    if (about?.isSocket() && ENGINE_SOCKET.test(basename(path))) found.add('socket');
    if (about?.isDirectory()) {
      // What cannot be read gives nothing away either: not to this engine.
      const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
      for (const entry of entries) {
        if (entry.isSocket() && ENGINE_SOCKET.test(entry.name)) found.add('socket');
        if (entry.isDirectory() ? SECRET_FOLDERS.test(entry.name) : SECRET_FILES.test(entry.name)) found.add('secrets');
      }
      for (const socket of SOCKETS)
        if (isIn(socket, path) && (await isSocket(socket))) {
          found.add('socket');
          break;
        }
    }
    return ORDER.filter((warning) => found.has(warning));
  }

  async #people(): Promise<Person[]> {
    const text = await readFile(this.passwd, 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      const [name = '', , uid = '', , , home = ''] = line.split(':');
      return /^\d+$/.test(uid) ? [{ name, uid: Number(uid), home: home.replace(/(?<=.)\/+$/, '') }] : [];
    });
  }
}

const ORDER: FolderWarning[] = ['root', 'home', 'system', 'socket', 'secrets'];

const isSocket = (path: string): Promise<boolean> =>
  lstat(path).then(
    (about) => about.isSocket(),
    () => false,
  );
