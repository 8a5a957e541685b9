/** Serves out/renderer as `app://slipway/`, with the policy that keeps the window to it. */
import { protocol, type Session } from 'electron';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

export const ORIGIN = 'app://slipway';

/** Inline styles are React's and xterm's; scripts, fonts and connections are the app's own files only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

/** Has to be called before the app is ready. */
export function declareScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
  ]);
}

export function servePage(session: Session, folder: string): void {
  session.protocol.handle('app', async (request) => {
    const { host, pathname } = new URL(request.url);
    const file = join(folder, normalize(decodeURIComponent(pathname === '/' ? '/index.html' : pathname)));
    if (host !== 'slipway' || !file.startsWith(folder + sep)) return new Response('Not found', { status: 404 });
    try {
      return new Response(new Uint8Array(await readFile(file)), {
        headers: {
          'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
          'content-security-policy': POLICY,
          'x-content-type-options': 'nosniff',
          'cross-origin-opener-policy': 'same-origin',
        },
      });
    } catch {
      return new Response('Not found', { status: 404 });
    }
  });
}

/** The window talks to its bridge and its own files; anything else it asks for is denied. */
export function lockDown(session: Session, origin: string): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  const socket = origin.replace(/^http/, 'ws');
  session.webRequest.onBeforeRequest(({ url }, answer) =>
    answer({
      cancel: ![`${origin}/`, `${socket}/`, 'devtools://', 'data:', `blob:${origin}/`].some((start) =>
        url.startsWith(start),
      ),
    }),
  );
}
