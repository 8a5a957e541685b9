import { useId, useMemo, type ReactNode } from 'react';
import { Minus, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Platform } from '../../../main/contract/bridge.js';
import { registriesOf } from '../../parts/image-names.js';
import { useEngine } from '../../store/index.js';
import { usePreferences } from '../../store/preferences.js';
import { useSurface } from '../../store/surface.js';
import { Button, IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { bytes } from '../../ui/format.js';
import { Segments } from '../../ui/Segments.js';

function Setting({ label, text, children }: { label: string; text?: string; children?: ReactNode }) {
  return (
    <div className="setting">
      <div>
        <span className="label">{label}</span>
        {text && <p>{text}</p>}
      </div>
      {children}
    </div>
  );
}

function SwitchSetting({
  label,
  text,
  checked,
  onChange,
}: {
  label: string;
  text: string;
  checked: boolean;
  onChange(checked: boolean): void;
}) {
  const id = useId();
  return (
    <div className="setting">
      <div>
        <label className="label" htmlFor={id}>
          {label}
        </label>
        <p id={`${id}-text`}>{text}</p>
      </div>
      <input
        id={id}
        className="check"
        type="checkbox"
        aria-describedby={`${id}-text`}
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
    </div>
  );
}

function Stepper({
  label,
  value,
  steps,
  onChange,
}: {
  label: string;
  value: number;
  steps: number[];
  onChange(value: number): void;
}) {
  const { t, i18n } = useTranslation();
  const smaller = steps.filter((step) => step < value).at(-1);
  const larger = steps.find((step) => step > value);
  return (
    <div className="row g4" role="group" aria-label={label}>
      <IconButton
        icon={Minus}
        label={t('settings.smaller')}
        disabled={smaller === undefined}
        onClick={() => smaller !== undefined && onChange(smaller)}
      />
      <span className="num" role="status" style={{ minWidth: 56, textAlign: 'center' }}>
        {value.toLocaleString(i18n.language)}
      </span>
      <IconButton
        icon={Plus}
        label={t('settings.larger')}
        disabled={larger === undefined}
        onClick={() => larger !== undefined && onChange(larger)}
      />
    </div>
  );
}

export function SettingsPage({
  platform,
  han,
}: {
  platform: Platform;
  /** Some font can draw Chinese. */
  han: boolean;
}) {
  const { t } = useTranslation();
  const preferences = usePreferences();
  const ask = useSurface((surface) => surface.open);
  const { connection, version, info, features } = useEngine((state) => state);
  const images = useEngine((state) => state.images);
  const hosts = useMemo(() => registriesOf(images ?? []), [images]);
  const { set } = preferences;
  return (
    <>
      <div className="tools">
        <h1>{t('settings.title')}</h1>
      </div>
      <div className="scroll" tabIndex={-1}>
        <div className="settings">
          <section aria-label={t('settings.look')}>
            <h2>{t('settings.look')}</h2>
            <div className="card">
              <Setting label={t('settings.theme')}>
                <Segments
                  label={t('settings.theme')}
                  value={preferences.theme}
                  onChange={(theme) => set({ theme })}
                  options={(['system', 'light', 'dark', 'contrast'] as const).map((value) => ({
                    value,
                    label: t(`settings.themes.${value}`),
                  }))}
                />
              </Setting>
              <Setting label={t('settings.language')} text={t('settings.languageText')}>
                <Segments
                  label={t('settings.language')}
                  value={preferences.language}
                  onChange={(language) => set({ language })}
                  options={(['system', 'en', 'zh-CN'] as const).map((value) => ({
                    value,
                    label: t(`settings.languages.${value}`) + (value === 'zh-CN' && !han ? ' · Chinese' : ''),
                  }))}
                />
              </Setting>
              <SwitchSetting
                label={t('settings.dense')}
                text={t('settings.denseText')}
                checked={preferences.dense}
                onChange={(dense) => set({ dense })}
              />
            </div>
          </section>
          <section aria-label={t('settings.keyboard')}>
            <h2>{t('settings.keyboard')}</h2>
            <div className="card">
              <SwitchSetting
                label={t('settings.letters')}
                text={t('settings.lettersText')}
                checked={preferences.letterKeys}
                onChange={(letterKeys) => set({ letterKeys })}
              />
              <Setting label={t('settings.shortcuts')}>
                <Button onClick={() => ask({ kind: 'shortcuts' })}>{t('settings.show')}</Button>
              </Setting>
            </div>
          </section>
          <section aria-label={t('settings.terminal')}>
            <h2>{t('settings.terminal')}</h2>
            <div className="card">
              <Setting label={t('settings.fontSize')}>
                <Stepper
                  label={t('settings.fontSize')}
                  value={preferences.terminalFontSize}
                  steps={[10, 11, 12, 13, 14, 15, 16, 18, 20, 24]}
                  onChange={(terminalFontSize) => set({ terminalFontSize })}
                />
              </Setting>
              <Setting label={t('settings.scrollback')}>
                <Stepper
                  label={t('settings.scrollback')}
                  value={preferences.terminalScrollback}
                  steps={[1000, 5000, 10_000, 50_000, 100_000]}
                  onChange={(terminalScrollback) => set({ terminalScrollback })}
                />
              </Setting>
              <SwitchSetting
                label={t('settings.screenReader')}
                text={t('settings.screenReaderText')}
                checked={preferences.terminalScreenReader}
                onChange={(terminalScreenReader) => set({ terminalScreenReader })}
              />
            </div>
          </section>
          <section aria-label={t('settings.images')}>
            <h2>{t('settings.images')}</h2>
            <div className="card">
              <SwitchSetting
                label={t('settings.checkNewer')}
                text={t('settings.checkNewerText', { hosts: hosts.join(', ') || t('settings.noRegistry') })}
                checked={preferences.checkNewer}
                onChange={(checkNewer) => set({ checkNewer })}
              />
            </div>
          </section>
          <section aria-label={t('settings.engine')}>
            <h2>{t('settings.engine')}</h2>
            <div className="card">
              <div className="setting">
                <div>
                  <span className="label">{t('settings.address')}</span>
                  <p>{t('settings.addressText')}</p>
                </div>
                <div className="well wide">
                  <code className="grow">{`export DOCKER_HOST=${connection.host}`}</code>
                  <CopyIconButton text={`export DOCKER_HOST=${connection.host}`} label={t('common.copy')} />
                </div>
              </div>
              {version && (
                <Setting label={t('settings.version')}>
                  <span className="num select">
                    {version.Platform?.Name || 'Slipway'} {version.Version} ·{' '}
                    {t('status.api', { version: version.ApiVersion })}
                  </span>
                </Setting>
              )}
              {info && (
                <>
                  <Setting label={t('settings.kernel')}>
                    <span className="num select">{info.KernelVersion}</span>
                  </Setting>
                  <Setting label={t('settings.storage')}>
                    <span className="select">{info.Driver}</span>
                  </Setting>
                  <Setting label={t('settings.limits')}>
                    <span className="num">
                      {t('settings.cgroup', { version: info.CgroupVersion })} · {info.NCPU} × CPU ·{' '}
                      {bytes(info.MemTotal)}
                    </span>
                  </Setting>
                  <Setting label={t('settings.data')}>
                    <span className="mono select" style={{ overflowWrap: 'anywhere' }}>
                      {info.DockerRootDir}
                    </span>
                  </Setting>
                </>
              )}
              {(features?.warnings ?? []).map((warning) => (
                <Setting key={warning} label={t('firstrun.note')} text={warning} />
              ))}
            </div>
          </section>
          <section aria-label={t('settings.about')}>
            <h2>{t('settings.about')}</h2>
            <div className="card">
              <Setting label={`${t('settings.slipway')} ${platform.version}`} text={t('settings.slipwayText')}>
                <span className="t3 num">{t('settings.runtime', { version: platform.electron })}</span>
              </Setting>
            </div>
          </section>
        </div>
      </div>
    </>
  );
}
