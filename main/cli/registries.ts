/** `login`, `logout` and `search`: registries, in docker's words. The engine keeps logins, so that whoever speaks to it has them. */
import { ApiError } from '../client/index.js';
import type { Context } from './context.js';
import { filtersOf } from './lists.js';
import { complain, print, write } from './output.js';
import { listing } from './table.js';

export interface LoginFlags {
  username?: string;
  password?: string;
  passwordStdin?: boolean;
}

const HUB = 'docker.io';
/** What docker calls Docker Hub where it speaks of logins. */
const HUB_SERVER = 'https://index.docker.io/v1/';

export async function login(
  { client, host }: Context,
  server: string | undefined,
  { username: given, password, passwordStdin }: LoginFlags,
): Promise<void> {
  if (password !== undefined && passwordStdin)
    throw new Error('conflicting options: cannot specify both --password and --password-stdin');
  if (passwordStdin && !given) throw new Error('the --password-stdin option requires --username to be set');
  if (password !== undefined)
    await complain('WARNING! Using --password via the CLI is insecure. Use --password-stdin.');
  if ((!given || (password === undefined && !passwordStdin)) && !process.stdin.isTTY)
    throw new Error('Error: Cannot perform an interactive login from a non TTY device');
  if (!(await client.slipway.features())?.can?.includes('registries'))
    throw new Error(`the engine at ${host} keeps no logins: "docker login" keeps one on its own side`);
  const username = given ?? (await ask('Username: ')).trim();
  if (!username) throw new Error('username is empty');
  const secret = password ?? (passwordStdin ? await secretFromInput() : await ask('Password: ', { hidden: true }));
  if (!secret) throw new Error('password is empty');
  const { credentials } = await client.slipway.registries.login(server ?? HUB, { username, password: secret });
  if (credentials === 'slipway')
    await complain(
      "\nWARNING! The engine keeps this login unencrypted, in a file that only its user can read.\nConfigure a credential helper (credsStore in docker's config.json) to remove this warning.\n",
    );
  await print('Login Succeeded\n');
}

export async function logout({ client }: Context, server: string | undefined): Promise<void> {
  await print(`Removing login credentials for ${server ?? HUB_SERVER}\n`);
  await client.slipway.registries.logout(server ?? HUB).catch((error: unknown) => {
    // Not being logged in is what was wanted.
    if (!(error instanceof ApiError && error.kind === 'not-found')) throw error;
  });
}

export interface SearchFlags {
  filter: string[];
  format?: string;
  limit?: number;
  /** False for `--no-trunc`. */
  trunc?: boolean;
}

const LONGEST = 45;

export async function search({ client }: Context, term: string, flags: SearchFlags): Promise<string> {
  const results = await client.images.search(term, { limit: flags.limit, filters: filtersOf(flags.filter) });
  return listing(
    {
      columns: { Name: 'NAME', Description: 'DESCRIPTION', StarCount: 'STARS', IsOfficial: 'OFFICIAL' },
      headers: { IsAutomated: 'AUTOMATED' },
      rows: results.map(({ name, description, star_count, is_official, is_automated }) => ({
        Description: shortened(description.replace(/[\r\n]/g, ' '), flags.trunc),
        IsAutomated: is_automated ? '[OK]' : '',
        IsOfficial: is_official ? '[OK]' : '',
        Name: name,
        StarCount: String(star_count),
      })),
      quietField: 'Name',
    },
    flags,
  );
}

const shortened = (text: string, trunc: boolean | undefined): string =>
  trunc === false || [...text].length <= LONGEST ? text : `${[...text].slice(0, LONGEST - 1).join('')}…`;

/** All of standard input but the line's end. */
async function secretFromInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** What was typed ahead of the next question. */
let ahead = '';

/** A line of the terminal; with `hidden` it is not shown while it is typed. */
async function ask(question: string, { hidden = false } = {}): Promise<string> {
  const echo = (text: string) => (hidden ? Promise.resolve() : write(process.stdout, text));
  // First: what is typed at once after the question must not be shown by the terminal itself.
  process.stdin.setRawMode(true);
  await write(process.stdout, question);
  let typed = '';
  try {
    for (;;) {
      for (const key of ahead) {
        ahead = ahead.slice(key.length);
        if (key === '\r' || key === '\n') return typed;
        if (key === '\u0003' || key === '\u0004') throw new Error('the login was given up');
        if (key === '\u007f' || key === '\b') {
          if (typed) await echo('\b \b');
          typed = [...typed].slice(0, -1).join('');
        } else if (key >= ' ') {
          await echo(key);
          typed += key;
        }
      }
      ahead += await nextKeys();
    }
  } finally {
    process.stdin.setRawMode(false);
    await write(process.stdout, '\n');
  }
}

function nextKeys(): Promise<string> {
  return new Promise((resolve) => {
    process.stdin.resume().once('data', (chunk) => {
      process.stdin.pause();
      resolve(chunk.toString('utf8'));
    });
    process.stdin.once('end', () => resolve('\u0004'));
  });
}
