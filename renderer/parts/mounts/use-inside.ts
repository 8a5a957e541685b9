import type { Client } from '../../../main/client/index.js';
import { useEngineStore } from '../../store/index.js';
import { collect } from '../files/content.js';
import { filesIn, type Place } from '../files/place.js';
import { nameOfPath, parentOf } from '../files/tree.js';
import { useAnswer } from '../use-answer.js';
import { root, userOf, type Who } from './user.js';

/** What a container or an image says of its inside. */
export interface InsideFacts {
  workdir: string;
  volumes: string[];
  /** Its user, where that is not root. */
  user: Who | undefined;
  image: string;
  /** Where something is mounted in the container. */
  taken: string[];
}

const MOST_PASSWD = 1024 * 1024;

async function ofContainer(client: Client, id: string): Promise<InsideFacts> {
  const { Config, Image, Mounts } = await client.containers.inspect(id);
  const image = await client.images.inspect(Image).catch(() => undefined);
  const passwd = async () => {
    const { bytes } = await client.slipway.files.read(id, { path: '/etc/passwd', length: MOST_PASSWD });
    return new TextDecoder().decode(await collect(bytes));
  };
  const user = Config.User ? userOf(Config.User, await passwd().catch(() => '')) : undefined;
  return {
    workdir: Config.WorkingDir ?? '',
    volumes: Object.keys(image?.Config.Volumes ?? {}),
    user,
    image: Config.Image,
    taken: Mounts.map((mount) => (mount as { Destination: string }).Destination),
  };
}

async function ofImage(client: Client, reference: string): Promise<InsideFacts> {
  const { Config } = await client.images.inspect(reference);
  return {
    workdir: Config.WorkingDir ?? '',
    volumes: Object.keys(Config.Volumes ?? {}),
    user: undefined,
    image: reference,
    taken: [],
  };
}

/** Asked once for each container or image. */
export function useInside(of: { container?: string | undefined; image?: string | undefined }): InsideFacts | undefined {
  const { client } = useEngineStore();
  const { container, image } = of;
  const key = `${container ?? ''} ${image ?? ''}`;
  const { value } = useAnswer(async () => {
    if (container !== undefined) return { key, facts: await ofContainer(client, container) };
    if (image) return { key, facts: await ofImage(client, image) };
    return undefined;
  }, key);
  return value?.key === key ? value.facts : undefined;
}

const MOST_ENTRIES = 10_000;

/** Whose a directory in there is. */
export async function ownerAt(client: Client, place: Place, path: string): Promise<Who> {
  if (path === '/') {
    const inside = 'volume' in place.of ? (await client.volumes.overview(place.of.volume)).Owner?.Inside : undefined;
    return inside ? { uid: inside.Uid, gid: inside.Gid } : root;
  }
  const { Entries } = await filesIn(client, place).list({ path: parentOf(path), limit: MOST_ENTRIES });
  const found = Entries.find(({ Name }) => Name === nameOfPath(path));
  return found ? { uid: found.Uid, gid: found.Gid } : root;
}
