import { useCallback, useEffect, useState } from 'react';
import { Tooltip } from 'radix-ui';
import { Toaster } from 'sonner';
import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Platform } from '../../main/contract/bridge.js';
import { ContainersPage } from '../features/containers/index.js';
import { DiskPage } from '../features/disk/index.js';
import { FirstRun } from '../features/firstrun/index.js';
import { ImagesPage } from '../features/images/index.js';
import { RegistriesPage } from '../features/registries/index.js';
import { SettingsPage } from '../features/settings/index.js';
import { VolumesPage } from '../features/volumes/index.js';
import { BinDialog } from '../parts/BinDialog.js';
import { BuildLogDialog } from '../parts/BuildLogDialog.js';
import { BulkResultsDialog } from '../parts/BulkResults.js';
import { AsideDrafts } from '../parts/change/Aside.js';
import { ChangeDialog } from '../parts/change/ChangeDialog.js';
import { AttachDialog } from '../parts/mounts/AttachDialog.js';
import { DetachDialog } from '../parts/mounts/DetachDialog.js';
import { DropDialog } from '../parts/drop/DropDialog.js';
import { ImportDialog } from '../parts/ImportDialog.js';
import { LoginDialog } from '../parts/LoginDialog.js';
import { PruneImagesDialog } from '../parts/PruneImages.js';
import { PullDialog } from '../parts/PullDialog.js';
import { PushDialog } from '../parts/PushDialog.js';
import { RemoveContainersDialog } from '../parts/RemoveDialog.js';
import { RemoveImagesDialog } from '../parts/RemoveImages.js';
import { RunDialog } from '../parts/RunDialog.js';
import { ServeDialog } from '../parts/ServeDialog.js';
import { SelfCheckDialog } from '../parts/SelfCheckDialog.js';
import { ShapeIcon } from '../parts/Shape.js';
import { TagDialog } from '../parts/TagDialog.js';
import { TrustDialog } from '../parts/TrustDialog.js';
import { BackupsDialog } from '../parts/volumes/BackupsDialog.js';
import { BackUpVolumeDialog, CloneVolumeDialog, ExportVolumeDialog } from '../parts/volumes/CopyDialogs.js';
import { CreateVolumeDialog } from '../parts/volumes/CreateVolumeDialog.js';
import { ImportVolumeDialog } from '../parts/volumes/ImportVolumeDialog.js';
import { PruneVolumesDialog } from '../parts/volumes/PruneVolumesDialog.js';
import { RemoveVolumesDialog } from '../parts/volumes/RemoveVolumesDialog.js';
import { RestoreBackupDialog } from '../parts/volumes/RestoreBackupDialog.js';
import { ScheduleDialog } from '../parts/volumes/ScheduleDialog.js';
import { useEngine } from '../store/index.js';
import { usePreferences } from '../store/preferences.js';
import { useSurface } from '../store/surface.js';
import i18n, { nearest } from '../i18n/index.js';
import { IconButton } from '../ui/Button.js';
import { useRoute } from '../ui/route.js';
import { Drops } from './Drops.js';
import { Banner, EngineBanner, Rail, StatusBar, TopBar } from './Frame.js';
import { useKeys } from './keys.js';
import { Palette } from './Palette.js';
import { ShortcutsDialog } from './Shortcuts.js';
import { Tasks, useChangeNotices, useSelfCheckNotice, useTaskNotices } from './Tasks.js';
import { useTheme } from './theme.js';
import { WindowButtons } from './WindowButtons.js';

export function App({ platform }: { platform: Platform }) {
  const preferences = usePreferences();
  const { palette, tasks } = useSurface();
  const [page = 'containers', object] = useRoute();
  useTheme(preferences.theme);
  useLanguage(preferences.language === 'system' ? nearest(platform.locale) : preferences.language);
  useKeys();
  useTaskNotices();
  useChangeNotices();
  useSelfCheckNotice();
  useEffect(() => {
    void window.slipway.shell.setTheme(preferences.theme);
  }, [preferences.theme]);

  const missingFont = useMissingFont();

  const welcome = useWelcome(object !== undefined);
  return (
    <Tooltip.Provider delayDuration={500}>
      {welcome ? (
        <FirstRun windowButtons={<WindowButtons platform={platform} />} han={missingFont === undefined} />
      ) : (
        <div className="app">
          <TopBar platform={platform} />
          <Rail />
          <main className="page" data-region tabIndex={-1}>
            <EngineBanner />
            <FontNotice hint={missingFont} />
            {page === 'images' ? (
              <ImagesPage />
            ) : page === 'volumes' ? (
              <VolumesPage />
            ) : page === 'registries' ? (
              <RegistriesPage />
            ) : page === 'disk' ? (
              <DiskPage />
            ) : page === 'settings' ? (
              <SettingsPage platform={platform} han={missingFont === undefined} />
            ) : (
              <ContainersPage />
            )}
            {tasks && <Tasks />}
          </main>
          <StatusBar />
        </div>
      )}
      {!welcome && <Drops />}
      {palette && <Palette />}
      <Dialogs />
      <AsideDrafts />
      <Toaster position="bottom-right" visibleToasts={3} offset={{ bottom: 38, right: 16 }} gap={8} />
    </Tooltip.Provider>
  );
}

/**
 * The first-run screen: while an engine has nothing, until it is left. Making the first image there must not take it away from under
 * the click.
 */
function useWelcome(elsewhere: boolean): boolean {
  const { welcomed, set } = usePreferences();
  const loaded = useEngine((state) => state.containers !== undefined && state.images !== undefined);
  const nothing = useEngine((state) => !state.containers?.length && !state.images?.length);
  const [fresh, setFresh] = useState(false);
  if (loaded && nothing && !fresh) setFresh(true);
  const past = elsewhere || (loaded && !nothing && !fresh);
  useEffect(() => {
    if (past) set({ welcomed: true });
  }, [past, set]);
  return !welcomed && !past;
}

function Dialogs() {
  const { dialog, close: closeIt } = useSurface();
  // One that ends after it was closed leaves alone what is open by then.
  const close = useCallback(() => {
    if (useSurface.getState().dialog === dialog) closeIt();
  }, [dialog, closeIt]);
  switch (dialog?.kind) {
    case 'run':
      return <RunDialog key={dialog.image} image={dialog.image} mounts={dialog.mounts} onClose={close} />;
    case 'drop':
      return <DropDialog key={dialog.items.map(({ path }) => path).join('\0')} {...dialog} onClose={close} />;
    case 'pull':
      return <PullDialog key={dialog.reference} reference={dialog.reference} onClose={close} />;
    case 'remove-containers':
      return <RemoveContainersDialog containers={dialog.containers} onClose={close} />;
    case 'remove-images':
      return <RemoveImagesDialog images={dialog.images} onClose={close} />;
    case 'bulk-results':
      return <BulkResultsDialog verb={dialog.verb} results={dialog.results} onClose={close} />;
    case 'change-container':
      return (
        <ChangeDialog
          key={dialog.id}
          id={dialog.id}
          past={dialog.past}
          asked={dialog.change}
          start={dialog.start}
          onClose={close}
        />
      );
    case 'attach-mount':
      return <AttachDialog key={dialog.id} id={dialog.id} onClose={close} />;
    case 'detach-mount':
      return (
        <DetachDialog
          key={`${dialog.id} ${dialog.target}`}
          id={dialog.id}
          target={dialog.target}
          reason={dialog.reason}
          holders={dialog.holders}
          onClose={close}
        />
      );
    case 'push-image':
      return <PushDialog id={dialog.id} reference={dialog.reference} onClose={close} />;
    case 'tag-image':
      return <TagDialog id={dialog.id} reference={dialog.reference} onClose={close} />;
    case 'import-archive':
      return <ImportDialog task={dialog.task} onClose={close} />;
    case 'build-log':
      return <BuildLogDialog key={dialog.task} task={dialog.task} onClose={close} />;
    case 'login':
      return <LoginDialog host={dialog.host} user={dialog.user} onClose={close} />;
    case 'trust':
      return <TrustDialog host={dialog.host} onClose={close} />;
    case 'serve':
      return <ServeDialog served={dialog.served} onClose={close} />;
    case 'prune-images':
      return <PruneImagesDialog scope={dialog.scope} onClose={close} />;
    case 'create-volume':
      return <CreateVolumeDialog onClose={close} />;
    case 'remove-volumes':
      return <RemoveVolumesDialog names={dialog.names} onClose={close} />;
    case 'prune-volumes':
      return <PruneVolumesDialog onClose={close} />;
    case 'backups':
      return <BackupsDialog onClose={close} />;
    case 'clone-volume':
      return <CloneVolumeDialog name={dialog.name} onClose={close} />;
    case 'export-volume':
      return <ExportVolumeDialog name={dialog.name} onClose={close} />;
    case 'back-up-volume':
      return <BackUpVolumeDialog name={dialog.name} onClose={close} />;
    case 'schedule-volume':
      return <ScheduleDialog name={dialog.name} onClose={close} />;
    case 'import-volume':
      return <ImportVolumeDialog archive={dialog.archive} name={dialog.name} onClose={close} />;
    case 'restore-backup':
      return <RestoreBackupDialog backup={dialog.backup} onClose={close} />;
    case 'self-check':
      return <SelfCheckDialog onClose={close} />;
    case 'bin':
      return <BinDialog onClose={close} />;
    case 'shortcuts':
      return <ShortcutsDialog onClose={close} />;
    default:
      return null;
  }
}

function useLanguage(language: string): void {
  useEffect(() => {
    void i18n.changeLanguage(language);
    document.documentElement.lang = language;
  }, [language]);
}

/** The package to install where no font has Han glyphs. */
function useMissingFont(): string | undefined {
  const [hint, setHint] = useState<string>();
  useEffect(() => {
    void window.slipway.shell.fonts().then((fonts) => setHint(fonts.han ? undefined : fonts.hint));
  }, []);
  return hint;
}

/** The window has a Chinese font of its own, other programs have not: names the package that has one for all. */
function FontNotice({ hint }: { hint: string | undefined }) {
  const { t, i18n: current } = useTranslation();
  const [hidden, setHidden] = useState(false);
  const chinese = current.language.startsWith('zh');
  if (!chinese || hint === undefined || hidden) return null;
  return (
    <Banner kind="warning">
      <ShapeIcon shape="unhealthy" />
      <span className="grow select">
        <b>{t('fonts.missing')}</b> {t('fonts.hint', { package: hint })}
      </span>
      <IconButton small icon={X} label={t('common.dismiss')} onClick={() => setHidden(true)} />
    </Banner>
  );
}
