/** The app: one window on the engine of this computer, which it hosts unless somebody else does. */
import '../main/base/scopes.js';
import { app, clipboard, dialog, Menu, nativeImage, nativeTheme, Notification, session, shell } from 'electron';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Theme } from '../main/contract/bridge.js';
import { messageOf } from '../main/base/errors.js';
import { placesOf } from '../main/base/places.js';
import { createClient } from '../main/client/index.js';
import { unixTransport } from '../main/client/transports/unix.js';
import { serveBridge } from './bridge/index.js';
import { CHANNEL } from './bridge/port.js';
import { LocalConnection } from './connections/local.js';
import { hostEngine, startStandby, type Parts } from './engine-host.js';
import { TooLargeToDrag } from './bridge/transfer.js';
import { loadImages, saveImages } from './files/archives.js';
import { buildImage } from './files/builds.js';
import { download, fetch, TooLarge, upload } from './files/copies.js';
import { fillVolume, saveVolume } from './files/volumes.js';
import { Drags, LARGEST_DRAG } from './files/drags.js';
import { hanFonts } from './fonts.js';
import windowIcon from './icons/slipway.png';
import trayIcon from './icons/tray.png';
import { readFlags, shortName } from './launch.js';
import { Settings } from './settings/settings.js';
import { hasTrayHost, showTray } from './tray/tray.js';
import { MainWindow } from './windows/main-window.js';
import { declareScheme, lockDown, ORIGIN, servePage } from './windows/page.js';
import { wordsFor } from './words.js';

const out = dirname(__dirname);
// Programs cannot be run out of a package's archive: electron-builder.yml puts these beside it.
const unpacked = app.isPackaged ? join(process.resourcesPath, 'app.asar.unpacked/out') : out;
const native = app.isPackaged ? join(process.resourcesPath, 'native') : join(out, '../native/build');
const parts: Parts = { daemon: join(unpacked, 'daemon.cjs'), helper: join(native, 'slipway-helper') };
/** `npm run dev` serves the page itself, with hot reload. A packaged app has no such thing. */
const developerPage = app.isPackaged ? undefined : process.env['SLIPWAY_DEV_SERVER'];
const origin = developerPage ? new URL(developerPage).origin : ORIGIN;

declareScheme();
Menu.setApplicationMenu(null);
main().catch((error: unknown) => {
  console.error(messageOf(error));
  app.exit(1);
});

async function main(): Promise<void> {
  // From the first moment: Electron hears SIGTERM before it can end, and would be deaf to every later one.
  let end = (): Promise<void> => app.whenReady().then(() => app.exit(0));
  let ending: Promise<void> | undefined;
  app.on('before-quit', (event) => {
    event.preventDefault();
    void (ending ??= end());
  });
  const flags = readFlags(process.argv.slice(1));
  // Chromium keeps its profile, and with it the lock that makes a second launch wake the first, once per data root and host.
  // Nothing may be awaited before: Chromium would make its profile in the usual place meanwhile.
  const own = join(app.getPath('appData'), 'slipway');
  const elsewhere = [flags.dataRoot, flags.host].filter((each) => each !== undefined);
  app.setPath('userData', elsewhere.length === 0 ? own : join(own, 'elsewhere', shortName(elsewhere.join('\n'))));
  if (!app.requestSingleInstanceLock()) {
    console.log('Slipway is already open; its window is in front now.');
    return app.exit(0);
  }

  const places = await placesOf(flags, process.env, process.getuid?.() ?? 0);
  const launch = { ...flags, places };
  const transport = unixTransport(places.socket);
  const connection = new LocalConnection({
    host: `unix://${places.socket}`,
    transport,
    openEngine: flags.noEngine ? undefined : () => hostEngine(launch, parts),
    startStandby: () => startStandby(launch, parts, transport),
  });
  const [settings, tray] = await Promise.all([
    Settings.open(join(app.getPath('userData'), 'settings.json')),
    hasTrayHost(),
    app.whenReady(),
  ]);
  if (ending) return;
  // The C locale comes out as a language of that name.
  const locale =
    [...app.getPreferredSystemLanguages(), app.getLocale()].find((each) => /^[a-z]{2,3}\b/i.test(each)) ?? 'en';
  const words = wordsFor(locale);
  dress(settings.current.theme);
  lockDown(session.defaultSession, origin);
  servePage(session.defaultSession, join(out, 'renderer'));
  const drags = new Drags(app.getPath('temp'), async (file) => {
    const icon = await app.getFileIcon(file).catch(() => undefined);
    return icon && !icon.isEmpty() ? icon : nativeImage.createFromDataURL(windowIcon).resize({ width: 32 });
  });
  void drags.sweep();
  const client = () => createClient(connection.transport());
  serveBridge({
    origin,
    transport: () => connection.transport(),
    shell: {
      platform: async () => ({
        version: app.getVersion(),
        electron: process.versions.electron ?? '',
        locale,
        theme: settings.current.theme,
        tray,
        person: { uid: process.getuid?.() ?? 0, home: app.getPath('home') },
        connection: connection.info,
      }),
      openExternal: (url) => shell.openExternal(url),
      copyText: async (text) => clipboard.writeText(text),
      readText: async () => clipboard.readText(),
      saveText: async (name, text) => {
        const { filePath } = await dialog.showSaveDialog({ defaultPath: join(app.getPath('downloads'), name) });
        if (filePath) await writeFile(filePath, text);
        return filePath || undefined;
      },
      window: async (action) => actions[action](),
      hold: async (held) => window.hold(held),
      notify: async (title, body) => {
        if (window.isInUse() || !Notification.isSupported()) return;
        const notice = new Notification({ title, body });
        notice.on('click', () => window.show());
        notice.show();
      },
      fonts: hanFonts,
      setTheme: async (theme) => {
        dress(theme);
        await settings.change({ theme });
      },
    },
    pick: (what) =>
      window.pick([what === 'folders' ? 'openDirectory' : 'openFile', 'multiSelections', 'showHiddenFiles']),
    drag: (id, begin) => drags.start(id, begin),
    files: {
      download: async (what, watch) => {
        const name = `${basename(what.path) || ('volume' in what ? what.volume : 'root')}${'folder' in what && what.folder ? '.tar' : ''}`;
        const { filePath } = await dialog.showSaveDialog({ defaultPath: join(app.getPath('downloads'), name) });
        if (filePath) await download(client(), what, filePath, watch);
        return Boolean(filePath);
      },
      upload: async (into, files, watch) => {
        // What was dragged out and let go of over the window itself was meant for somewhere else.
        const others = files.filter((file) => !drags.has(file));
        if (others.length > 0) await upload(client(), into, others, watch);
        return others.length > 0;
      },
      saveImages: async ({ images, name }, watch) => {
        const { filePath } = await dialog.showSaveDialog({ defaultPath: join(app.getPath('downloads'), name) });
        if (filePath) await saveImages(client(), images, filePath, watch);
        return Boolean(filePath);
      },
      loadImages: (file, as, watch) => loadImages(client(), file, as, watch),
      buildImage: (folder, how, watch) => buildImage(client(), folder, how, watch),
      saveVolume: async (what, watch) => {
        const { filePath } = await dialog.showSaveDialog({ defaultPath: join(app.getPath('downloads'), what.name) });
        if (filePath) await saveVolume(client(), what, filePath, watch);
        return Boolean(filePath);
      },
      fillVolume: (file, into, watch) => fillVolume(client(), file, into, watch),
      fetch: (id, what, watch) =>
        drags.add(id, (directory) =>
          fetch(client(), what, directory, LARGEST_DRAG, watch).catch((error: unknown) => {
            throw error instanceof TooLarge ? new TooLargeToDrag(LARGEST_DRAG) : error;
          }),
        ),
    },
  });

  const window = new MainWindow({
    preload: join(__dirname, 'preload.cjs'),
    icon: nativeImage.createFromDataURL(windowIcon),
    origin,
    settings,
    developer: !app.isPackaged,
    ask: (how) => window.send(CHANNEL.leave, how),
    onClose: () => void tellAboutClosing(),
  });
  // Whoever sends a signal has no answer to a question.
  const quit = () => window.leave('quit', () => app.quit());
  const actions = {
    minimize: () => window.minimize(),
    maximize: () => window.toggleMaximized(),
    close: () => window.close(),
    quit,
  };
  const shownTray = tray
    ? showTray({
        icon: nativeImage.createFromDataURL(trayIcon),
        words,
        show: () => window.show(),
        quit,
      })
    : undefined;

  connection.subscribe((info) => window.send(CHANNEL.connection, info));
  connection.open();

  app.on('second-instance', () => window.show());
  app.on('activate', () => window.show());
  app.on('window-all-closed', () => {}); // the engine goes on without a window
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit());

  end = async () => {
    let status = 0;
    await drags.idle();
    window.hide();
    try {
      await connection.close();
    } catch (error) {
      status = 1;
      console.error(messageOf(error));
    }
    await drags.close();
    window.destroy();
    shownTray?.destroy();
    app.exit(status);
  };

  /** Once, where people would wonder: a closed window does not mean that Slipway has ended. */
  async function tellAboutClosing(): Promise<void> {
    if (settings.current.toldAboutClosing || !Notification.isSupported()) return;
    await settings.change({ toldAboutClosing: true });
    new Notification({ title: words.hiddenTitle, body: tray ? words.hiddenInTray : words.hiddenNoTray }).show();
  }
}

/** Menus, scroll bars and the window's ground follow the page's theme. */
function dress(theme: Theme): void {
  nativeTheme.themeSource = theme === 'contrast' ? 'dark' : theme;
}
