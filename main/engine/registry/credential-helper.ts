import { spawn } from 'node:child_process';
import { codeOf, unavailable } from '../../base/errors.js';
import type { RegistryAuth } from './auth.js';

/** A helper may have to ask a person to unlock something. */
const PATIENCE_MS = 20_000;
const LARGEST = 1024 * 1024;

/** What a helper calls a token that stands for a password. */
const TOKEN_USER = '<token>';

/** A program that keeps logins (`docker-credential-NAME`). What it is told and says goes through pipes, and is in no error and no log. */
export class CredentialHelper {
  constructor(
    readonly name: string,
    private readonly env: Record<string, string | undefined>,
    private readonly patienceMs = PATIENCE_MS,
  ) {}

  /** The login for a server, as the helper knows it; undefined: it has none. */
  async get(server: string): Promise<RegistryAuth | undefined> {
    const { code, output } = await this.#run('get', server);
    if (code !== 0) {
      if (/credentials not found/i.test(output)) return undefined;
      throw this.#failed('get', code);
    }
    const { Username, Secret } = this.#document('get', output);
    if (typeof Username !== 'string' || typeof Secret !== 'string' || Secret === '') return undefined;
    return Username === TOKEN_USER ? { identitytoken: Secret } : { username: Username, password: Secret };
  }

  async store(server: string, { username = '', password = '', identitytoken }: RegistryAuth): Promise<void> {
    const login = identitytoken
      ? { Username: TOKEN_USER, Secret: identitytoken }
      : { Username: username, Secret: password };
    const { code } = await this.#run('store', JSON.stringify({ ServerURL: server, ...login }));
    if (code !== 0) throw this.#failed('store', code);
  }

  async erase(server: string): Promise<void> {
    const { code, output } = await this.#run('erase', server);
    if (code !== 0 && !/credentials not found/i.test(output)) throw this.#failed('erase', code);
  }

  /** User by server. */
  async list(): Promise<Record<string, string>> {
    const { code, output } = await this.#run('list', '');
    if (code !== 0) throw this.#failed('list', code);
    const entries = Object.entries(this.#document('list', output));
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  }

  get #program(): string {
    return `docker-credential-${this.name}`;
  }

  #failed(action: string, code: number | null) {
    return unavailable(
      `the credential helper ${this.#program} failed (${action}, ${code === null ? 'ended by a signal' : `exit code ${code}`}): try "${this.#program} list" in a terminal, or take it out of docker's config.json`,
    );
  }

  #document(action: string, output: string): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(output);
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // said below, without what it was
    }
    throw unavailable(`the credential helper ${this.#program} answered "${action}" with something that is not JSON`);
  }

  #run(action: string, input: string): Promise<{ code: number | null; output: string }> {
    return new Promise((resolve, reject) => {
      // A group of its own, so that whatever it starts ends with it.
      const child = spawn(this.#program, [action], {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: this.env as NodeJS.ProcessEnv,
        detached: true,
      });
      const chunks: Buffer[] = [];
      let size = 0;
      const end = (outcome: () => void) => {
        clearTimeout(timer);
        outcome();
      };
      const stop = (why: string) => {
        child.stdout.destroy();
        child.once('exit', () => end(() => reject(unavailable(`the credential helper ${this.#program} ${why}`))));
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // it has ended by itself
        }
      };
      const timer = setTimeout(
        () => stop(`has not answered for ${this.patienceMs / 1000} seconds: unlock its store, then try again`),
        this.patienceMs,
      );
      child.once('error', (error) =>
        end(() =>
          reject(
            unavailable(
              codeOf(error) === 'ENOENT'
                ? `the credential helper ${this.#program} is not installed: install it, or take it out of docker's config.json`
                : `the credential helper ${this.#program} cannot be started (${codeOf(error) ?? 'unknown'})`,
              { cause: error },
            ),
          ),
        ),
      );
      child.stdin.on('error', () => undefined);
      child.stdout.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST) stop('says more than any login has');
        else chunks.push(chunk);
      });
      child.once('close', (code) => end(() => resolve({ code, output: Buffer.concat(chunks).toString('utf8') })));
      child.stdin.end(input);
    });
  }
}

/** The helper is not there at all: as good as none. */
export const isNotInstalled = (error: unknown): boolean => error instanceof Error && codeOf(error.cause) === 'ENOENT';
