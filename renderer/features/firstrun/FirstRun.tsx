import { useState, type ReactNode } from 'react';
import { ArrowRight, Download, Moon, Play, RotateCw, ShieldCheck, Sun, Terminal as TerminalIcon } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Mark } from '../../ui/Mark.js';
import { Button, IconButton } from '../../ui/Button.js';
import { Problem } from '../../ui/Field.js';
import { navigate, pathTo } from '../../ui/route.js';
import { emptyForm } from '../../parts/form/value.js';
import { runContainer } from '../../parts/RunDialog.js';
import { ShapeIcon } from '../../parts/Shape.js';
import { useFailure } from '../../parts/use-failure.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';

function Line({
  shape,
  name,
  value,
  said,
}: {
  shape: 'healthy' | 'unhealthy' | 'moving';
  name: string;
  value?: string;
  said?: string;
}) {
  return (
    <div className="ready-line">
      <ShapeIcon shape={shape} />
      <b>{name}</b>
      <span className="v">{value}</span>
      {said && <div className="said">{said}</div>}
    </div>
  );
}

/** What a new window shows while the engine has nothing: how it stands, and something to start with. */
export function FirstRun({
  windowButtons,
  han,
}: {
  windowButtons: ReactNode;
  /** Some font can draw Chinese. */
  han: boolean;
}) {
  const { t, i18n } = useTranslation();
  const store = useEngineStore();
  const { connection, info, features, checkedIn } = useEngine((state) => state);
  const set = usePreferences((preferences) => preferences.set);
  const ask = useSurface((surface) => surface.open);
  const [busy, setBusy] = useState(false);
  const { failure, fail, forget } = useFailure(t('firstrun.shell'));
  const ready = connection.state === 'ready' && info !== undefined;
  const leave = () => set({ welcomed: true });

  const runShell = async () => {
    setBusy(true);
    forget();
    try {
      const { Reference } = await store.client.slipway.starter();
      const { id } = await runContainer(store, { ...emptyForm, image: Reference, command: 'sh' });
      navigate(pathTo('containers', id, 'terminal'));
      leave();
    } catch (error) {
      fail(error);
      setBusy(false);
    }
  };
  const dark = document.documentElement.dataset['theme'] !== 'light';
  const chinese = i18n.language.startsWith('zh');
  return (
    <div className="firstrun">
      <header data-region aria-label={t('window.regions.top')} role="banner">
        <IconButton
          icon={dark ? Moon : Sun}
          label={dark ? t('settings.themes.light') : t('settings.themes.dark')}
          onClick={() => set({ theme: dark ? 'light' : 'dark' })}
        />
        <Button variant="ghost" size="small" onClick={() => set({ language: chinese ? 'en' : 'zh-CN' })}>
          <span lang={chinese ? 'en' : 'zh-CN'}>
            {chinese ? 'English' : t('settings.languages.zh-CN') + (han ? '' : ' · Chinese')}
          </span>
        </Button>
        {windowButtons}
      </header>
      <main className="firstrun-scroll" data-region tabIndex={-1} aria-label={t('window.regions.page')}>
        <div className="firstrun-in">
          <section className="hero">
            <Mark />
            <h1>
              {ready ? t('firstrun.ready') : connection.state === 'gone' ? t('firstrun.gone') : t('firstrun.starting')}
            </h1>
            <p>{features && !features.rootless ? t('firstrun.textRoot') : t('firstrun.text')}</p>
            <div className="box" role="status">
              {connection.problem && <Line shape="unhealthy" name={t('firstrun.gone')} said={connection.problem} />}
              {!ready && !connection.problem && <Line shape="moving" name={t('engine.bannerStarting')} />}
              {info && (
                <>
                  <Line shape="healthy" name={t('firstrun.kernel')} value={info.KernelVersion} />
                  <Line shape="healthy" name={t('firstrun.storage')} value={info.Driver} />
                  {features && (
                    <Line
                      shape="healthy"
                      name={features.rootless ? t('firstrun.rootless') : t('firstrun.rootfulName')}
                      value={features.rootless ? t('firstrun.rootlessValue') : t('firstrun.rootfulValue')}
                    />
                  )}
                  <Line
                    shape={info.CgroupDriver === 'none' ? 'unhealthy' : 'healthy'}
                    name={t('firstrun.limits')}
                    value={
                      info.CgroupDriver === 'none'
                        ? t('firstrun.limitsMissing')
                        : t('settings.cgroup', { version: info.CgroupVersion })
                    }
                  />
                  {(features?.warnings ?? []).map((warning) => (
                    <Line key={warning} shape="unhealthy" name={t('firstrun.note')} said={warning} />
                  ))}
                </>
              )}
            </div>
            {ready && (
              <div className="firstrun-foot s12 t3">
                <ShieldCheck className="icon s14" aria-hidden />
                <span className="grow num">
                  {checkedIn !== undefined &&
                    t('firstrun.checkedIn', {
                      seconds: Math.max(0.1, checkedIn / 1000).toLocaleString(i18n.language, {
                        maximumFractionDigits: 1,
                      }),
                    })}
                </span>
                <Button
                  variant="ghost"
                  size="small"
                  icon={RotateCw}
                  onClick={() =>
                    void store
                      .getState()
                      .loadSystem()
                      .catch(() => undefined)
                  }
                >
                  {t('firstrun.checkAgain')}
                </Button>
              </div>
            )}
          </section>
          <section>
            <h2 className="start-title">{t('firstrun.start')}</h2>
            <div className="box">
              <div className="start-card on">
                <span className="tile">
                  <TerminalIcon className="icon s20" aria-hidden />
                </span>
                <div>
                  <b className="b6">{t('firstrun.shell')}</b>
                  <p>{ready && !features?.starter ? t('firstrun.shellMissing') : t('firstrun.shellText')}</p>
                </div>
                <Button
                  variant="primary"
                  icon={Play}
                  disabled={!ready || busy || !features?.starter}
                  onClick={() => void runShell()}
                >
                  {busy ? t('firstrun.making') : t('action.run')}
                </Button>
                {failure && <Problem>{failure}</Problem>}
              </div>
              <div className="start-card">
                <span className="tile">
                  <Download className="icon s20" aria-hidden />
                </span>
                <div>
                  <b className="b6">{t('firstrun.any')}</b>
                  <p>{t('firstrun.anyText')}</p>
                </div>
                <Button disabled={!ready} onClick={() => ask({ kind: 'pull' })}>
                  {t('action.pullDots')}
                </Button>
              </div>
            </div>
            <div className="firstrun-foot" style={{ justifyContent: 'flex-end' }}>
              <Button size="large" onClick={leave}>
                {t('firstrun.go')}
                <ArrowRight className="icon" aria-hidden style={{ marginRight: -4 }} />
              </Button>
            </div>
          </section>
        </div>
      </main>
    </div>
  );
}
