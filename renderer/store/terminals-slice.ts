import type { StateCreator } from 'zustand';
import { ApiError, demultiplex, type Client } from '../../main/client/index.js';
import type { ByteDuplex } from '../../main/contract/bridge.js';
import type { EngineEvent } from '../../main/contract/events.js';
import type { ContainerShells } from '../../main/contract/files.js';
import { TerminalSession, type Size, type Wire } from '../terminal/session.js';
import i18n from '../i18n/index.js';
import { usePreferences } from './preferences.js';
import type { Store } from './index.js';

export interface TerminalEntry {
  id: number;
  container: string;
  kind: 'attach' | 'exec';
  /** What the tab says: the program's name. */
  title: string;
  session: TerminalSession;
}

/** A program to run beside the container's own: one of the image's shells, or the debug shell that Slipway brings. */
export type ShellChoice = { shell: string } | 'debug';

export interface TerminalsSlice {
  terminals: TerminalEntry[];
  /** How two panes stand, per container. */
  splits: Record<string, 'stacked' | 'beside'>;
  setSplit(container: string, split: 'stacked' | 'beside'): void;
  /** The shells that the image has, found by looking. */
  findShells(container: string): Promise<ContainerShells>;
  /** The tab last chosen, and the second pane when the view is split, per container. */
  chosen: Record<string, { first?: number; second?: number }>;
  /** Joins the container's own process; finds the terminal that already has. `stream`: an attach made before the start. */
  attachTerminal(container: string, title: string, stream?: ByteDuplex): TerminalEntry;
  /** A shell beside the container's own process: the one named, else the best one the image has, else the debug shell. */
  shellTerminal(container: string, choice?: ShellChoice): TerminalEntry;
  /** Attaches first, then starts: no byte is missed. */
  startTerminal(entry: TerminalEntry): Promise<void>;
  closeTerminal(id: number): void;
  chooseTerminal(container: string, pane: 'first' | 'second', id: number | undefined): void;
  /** Restarts and returns of the engine bring terminals back. */
  terminalsHear(event: EngineEvent): void;
  terminalsAfterLoss(): void;
}

const time = () =>
  new Date().toLocaleTimeString(i18n.language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export const terminalsSlice =
  (client: Client): StateCreator<Store, [], [], TerminalsSlice> =>
  (set, get) => {
    let lastId = 0;
    /** Exec terminals whose container went away under them: the same command runs again when it is back. */
    const cut = new Set<number>();
    /** Attached terminals whose container has started again before the old stream ended. */
    const early = new Set<number>();

    const add = (entry: Omit<TerminalEntry, 'id'>): TerminalEntry => {
      const added: TerminalEntry = { ...entry, id: (lastId += 1) };
      added.session.subscribe(() => {
        const { phase } = added.session.snapshot();
        if (phase.name === 'ended' && early.delete(added.id) && phase.exitCode === undefined) rejoin(added);
      });
      set((state) => ({
        terminals: [...state.terminals, added],
        chosen: { ...state.chosen, [entry.container]: { ...state.chosen[entry.container], first: added.id } },
      }));
      return added;
    };

    const attachWire = async (container: string, options: { logs?: boolean; stream?: ByteDuplex; start?: boolean }) => {
      const { Config, State } = await client.containers.inspect(container);
      if (!State.Running && !options.start && !options.stream)
        throw new ApiError('conflict', i18n.t('terminal.notRunning'));
      const stream =
        options.stream ??
        (await client.containers.attach(container, {
          stdin: Config.OpenStdin,
          stdout: true,
          stderr: true,
          logs: options.logs === true && State.Running,
          // More than the screen keeps would only keep the person waiting for what happens now.
          tail: usePreferences.getState().terminalScrollback,
        }));
      if (options.start) {
        try {
          await client.containers.start(container);
        } catch (error) {
          if (!(error instanceof ApiError && error.kind === 'not-modified')) {
            stream.close();
            throw error;
          }
        }
      }
      return wireOf(stream, Config.Tty, Config.OpenStdin, {
        resize: (rows, cols) => (Config.Tty ? client.containers.resize(container, rows, cols) : Promise.resolve()),
        async exitCode() {
          const { State } = await client.containers.inspect(container);
          return State.Running ? undefined : State.ExitCode;
        },
      });
    };

    const rejoin = (entry: TerminalEntry) =>
      void entry.session.reconnect({
        rule: i18n.t('terminal.restartedAt', { time: time() }),
        connect: () => attachWire(entry.container, {}),
      });

    const shellWire = async (container: string, size: Size, choice: ShellChoice) => {
      const wish = {
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        Tty: true,
        Env: ['TERM=xterm-256color'],
        ConsoleSize: [size.rows, size.cols] satisfies [number, number],
      };
      const exec =
        choice === 'debug'
          ? await client.slipway.debug(container, wish)
          : await client.exec.create(container, { ...wish, Cmd: [choice.shell] });
      const stream = await client.exec.start(exec, { Tty: true, ConsoleSize: [size.rows, size.cols] });
      return wireOf(stream, true, true, {
        resize: (rows, cols) => client.exec.resize(exec, rows, cols),
        exitCode: async () => (await client.exec.inspect(exec)).ExitCode ?? undefined,
      });
    };

    return {
      terminals: [],
      chosen: {},
      attachTerminal(container, title, stream) {
        const known = get().terminals.find((entry) => entry.container === container && entry.kind === 'attach');
        if (known) {
          get().chooseTerminal(container, 'first', known.id);
          return known;
        }
        let given = stream; // taken by the first connection only
        const session = new TerminalSession(() => {
          const opened = given;
          given = undefined;
          return attachWire(container, { stream: opened, logs: true });
        });
        return add({ container, kind: 'attach', title, session });
      },
      splits: {},
      setSplit: (container, split) => set((state) => ({ splits: { ...state.splits, [container]: split } })),
      findShells: (container) => shellsOf(client, container, get().features?.can?.includes('debug-shell') === true),
      shellTerminal(container, choice) {
        let chosen = choice;
        const session = new TerminalSession(async (size) => {
          if (!chosen) {
            const { Default, Toolbox } = await get().findShells(container);
            if (Default !== null) chosen = { shell: Default };
            else if (Toolbox) chosen = 'debug';
            else throw new ApiError('not-found', i18n.t('terminal.noShell'));
            const title = titleOf(chosen);
            set((state) => ({
              terminals: state.terminals.map((other) => (other.session === session ? { ...other, title } : other)),
            }));
          }
          return shellWire(container, size, chosen);
        });
        return add({ container, kind: 'exec', title: choice ? titleOf(choice) : i18n.t('terminal.shell'), session });
      },
      startTerminal: (entry) =>
        entry.session.reconnect({
          rule: i18n.t('terminal.startedAt', { time: time() }),
          connect: () => attachWire(entry.container, { start: true }),
        }),
      closeTerminal(id) {
        const entry = get().terminals.find((other) => other.id === id);
        if (!entry) return;
        entry.session.dispose();
        cut.delete(id);
        const terminals = get().terminals.filter((other) => other.id !== id);
        const { first, second } = get().chosen[entry.container] ?? {};
        const next = terminals.filter((other) => other.container === entry.container && other.id !== second).at(-1)?.id;
        const chosen = {
          first: first === id ? (next ?? second) : first,
          second: second === id || (first === id && next === undefined) ? undefined : second,
        };
        set((state) => ({ terminals, chosen: { ...state.chosen, [entry.container]: chosen } }));
      },
      chooseTerminal: (container, pane, id) =>
        set((state) => ({ chosen: { ...state.chosen, [container]: { ...state.chosen[container], [pane]: id } } })),
      terminalsHear(event) {
        if (event.Type !== 'container') return;
        const mine = get().terminals.filter((entry) => entry.container === event.Actor.ID);
        for (const entry of mine) {
          const { phase } = entry.session.snapshot();
          const { name } = phase;
          const killed = name === 'open' || (name === 'ended' && phase.exitCode === 137);
          if (event.Action === 'die') {
            if (entry.kind === 'exec' && killed) cut.add(entry.id);
          } else if (event.Action === 'destroy') get().closeTerminal(entry.id);
          else if (event.Action !== 'start') continue;
          else if (entry.kind === 'exec') {
            if (cut.delete(entry.id))
              void entry.session.reconnect({ rule: i18n.t('terminal.sameCommand', { time: time() }) });
          } else if (name === 'open') early.add(entry.id);
          else if (name === 'ended' || name === 'failed') rejoin(entry);
        }
      },
      terminalsAfterLoss() {
        for (const entry of get().terminals) {
          const { phase } = entry.session.snapshot();
          if (phase.name !== 'failed' || !phase.lost) continue;
          // What the process wrote meanwhile is in its log: the screen is drawn again from there, nothing is missing.
          if (entry.kind === 'attach')
            void entry.session.reconnect({
              fresh: true,
              connect: () => attachWire(entry.container, { logs: true }),
            });
        }
      },
    };
  };

/** A hijacked stream as the session wants it. */
function wireOf(
  stream: ByteDuplex,
  tty: boolean,
  reads: boolean,
  { resize, exitCode }: Pick<Wire, 'resize' | 'exitCode'>,
): Wire {
  return {
    tty,
    output: tty ? stream.readable : payloads(stream),
    ...(reads ? { write: (bytes: Uint8Array) => stream.write(bytes) } : {}),
    end: () => stream.end(),
    close: () => stream.close(),
    resize,
    exitCode,
  };
}

async function* payloads(stream: ByteDuplex): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of demultiplex(stream.readable)) yield bytes;
}

export const titleOf = (choice: ShellChoice): string =>
  choice === 'debug' ? i18n.t('terminal.debug') : (choice.shell.split('/').at(-1) ?? choice.shell);

/** Where images keep their shells, the best first. */
const places = ['/bin/bash', '/usr/bin/bash', '/bin/zsh', '/bin/ash', '/bin/sh', '/usr/bin/sh'];

/** Our engine looks itself; any other is asked for each place's file, and nothing of the image is run. */
async function shellsOf(client: Client, container: string, ours: boolean): Promise<ContainerShells> {
  if (ours) return client.slipway.shells(container);
  const there = await Promise.all(
    places.map((path) =>
      client.containers.statPath(container, path).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ApiError && error.kind === 'not-found') return false;
          throw error;
        },
      ),
    ),
  );
  const found = places.filter((_, index) => there[index]);
  // The same program under /bin and /usr/bin is one shell.
  const Shells = found.filter((path) => !(path.startsWith('/usr') && found.includes(path.slice('/usr'.length))));
  return { Shells, Default: Shells[0] ?? null, Toolbox: false };
}
