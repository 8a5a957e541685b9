/** What stands in the way of a container that somebody is about to make. Nothing is reserved: it may be otherwise a moment later. */
import { EngineError } from '../../base/errors.js';
import type { CheckAnswer, CheckRequest, PortAnswer, PortHolder } from '../../contract/check.js';
import { ancestry, collides, holdersOf, listeners, nameOfProcess, type Listener, type Protocol } from './listeners.js';
import { Paths } from './paths.js';

export interface CheckRooms {
  images: { resolve(reference: string): { id: string } };
  containers: {
    named(name: string): { id: string; name: string } | undefined;
    runningIds(): string[];
    glance(id: string): { name: string; pid: number | undefined } | undefined;
  };
}

const LAST_PORT = 65535;

type Wish = Required<NonNullable<CheckRequest['Ports']>[number]>;

export class Check {
  readonly #rooms: CheckRooms;
  readonly #paths = new Paths();

  constructor(rooms: CheckRooms) {
    this.#rooms = rooms;
  }

  async run({ Name, Image, Ports, Paths: paths }: CheckRequest, signal?: AbortSignal): Promise<CheckAnswer> {
    const wishes = Ports?.map(({ Ip = '', Port, Protocol: protocol = 'tcp' }) => ({ Ip, Port, Protocol: protocol }));
    return {
      ...(Name !== undefined && { Name: this.#name(Name) }),
      ...(Image !== undefined && { Image: { Reference: Image, Id: this.#imageId(Image) } }),
      ...(wishes && { Ports: await this.#ports(wishes, signal) }),
      ...(paths && {
        Paths: (await this.#paths.kindsOf(paths, signal)).map((Kind, at) => ({ Path: paths[at] as string, Kind })),
      }),
    };
  }

  #name(name: string): CheckAnswer['Name'] {
    const holder = this.#rooms.containers.named(name.replace(/^\//, ''));
    return { Name: name, Container: holder ? { Id: holder.id, Name: holder.name } : null };
  }

  #imageId(reference: string): string | null {
    try {
      return this.#rooms.images.resolve(reference).id;
    } catch (error) {
      if (error instanceof EngineError) return null;
      throw error;
    }
  }

  async #ports(wishes: Wish[], signal: AbortSignal | undefined): Promise<PortAnswer[]> {
    const asked = [...new Set(wishes.map(({ Protocol: protocol }) => protocol))];
    const lists = await Promise.all(asked.map((protocol) => listeners(protocol, signal)));
    const of = (protocol: Protocol): Listener[] => lists[asked.indexOf(protocol)] ?? [];
    const taken = wishes.map(({ Ip, Port, Protocol: protocol }) =>
      of(protocol).find((listener) => collides(listener, Ip, Port)),
    );
    const pids = await holdersOf(new Set(taken.flatMap((listener) => listener?.inode ?? [])), signal);
    return Promise.all(
      wishes.map(async (wish, at): Promise<PortAnswer> => {
        const listener = taken[at];
        if (!listener) return { ...wish, Taken: null };
        const others = wishes.filter(({ Protocol: protocol }) => protocol === wish.Protocol).map(({ Port }) => Port);
        const Next = nextFree(wish, of(wish.Protocol), new Set(others));
        return { ...wish, Taken: await this.#holder(pids.get(listener.inode)), Next };
      }),
    );
  }

  async #holder(pid: number | undefined): Promise<PortHolder> {
    if (pid === undefined) return {};
    const { containers } = this.#rooms;
    const [name, line] = await Promise.all([nameOfProcess(pid), ancestry(pid)]);
    const id = containers.runningIds().find((each) => line.includes(containers.glance(each)?.pid ?? -1));
    const container = id === undefined ? undefined : containers.glance(id);
    return {
      Process: { Pid: pid, Name: name },
      ...(id !== undefined && container && { Container: { Id: id, Name: container.name } }),
    };
  }
}

function nextFree({ Ip, Port }: Wish, taken: Listener[], wanted: ReadonlySet<number>): number | null {
  for (let port = Port + 1; port <= LAST_PORT; port++)
    if (!wanted.has(port) && !taken.some((listener) => collides(listener, Ip, port))) return port;
  return null;
}
