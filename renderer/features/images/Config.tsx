import { Play } from 'lucide-react';
import { Trans, useTranslation } from 'react-i18next';
import type { ImageInspect } from '../../../main/contract/images.js';
import { joinCommand } from '../../parts/command-line.js';
import type { NamedImage } from '../../parts/image-names.js';
import { timeText } from '../../parts/sizes.js';
import { Variable } from '../../parts/Variable.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { Fact, Facts } from '../../ui/Facts.js';
import { Scroller } from '../../ui/Scroller.js';
import { configSentences } from './config-words.js';

/** What a container of this image begins with: in words, then field by field. */
export function Config({ row, inspect }: { row: NamedImage; inspect: ImageInspect }) {
  const { t } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  // Some engines leave it out.
  const config = (inspect.Config as ImageInspect['Config'] | null) ?? {};
  const { Healthcheck } = config;
  const ports = Object.keys(config.ExposedPorts ?? {});
  const paths = Object.keys(config.Volumes ?? {});
  const labels = Object.entries(config.Labels ?? {});
  const checked = Healthcheck?.Test && Healthcheck.Test[0] !== 'NONE';
  const none = <span className="t3">{t('config.none')}</span>;
  return (
    <Scroller label={t('drawer.config')}>
      <div className="config-words select">
        {configSentences(config).map(({ key, values }) => (
          <p key={key}>
            <Trans t={t} i18nKey={`config.${key}`} values={values} components={{ c: <code /> }} />
          </p>
        ))}
        <div>
          <Button size="small" icon={Play} onClick={() => ask({ kind: 'run', image: row.reference })}>
            {t('config.runWithThis')}
          </Button>
        </div>
      </div>
      <h3 className="facts-title">{t('summary.process')}</h3>
      <Facts>
        <Fact name={t('images.entrypoint')} mono>
          {config.Entrypoint?.length ? joinCommand(config.Entrypoint) : none}
        </Fact>
        <Fact name={t('summary.command')} mono>
          {config.Cmd?.length ? joinCommand(config.Cmd) : none}
        </Fact>
        <Fact name={t('summary.user')} mono>
          {config.User || 'root'}
        </Fact>
        <Fact name={t('summary.workingDir')} mono>
          {config.WorkingDir || '/'}
        </Fact>
        <Fact name={t('config.stopSignal')} mono>
          {config.StopSignal || 'SIGTERM'}
        </Fact>
        <Fact name={t('images.exposes')} mono>
          {ports.length > 0 ? ports.join(' ') : none}
        </Fact>
        <Fact name={t('config.volumes')} mono>
          {paths.length > 0 ? paths.join(' ') : none}
        </Fact>
        {config.Shell?.length ? (
          <Fact name={t('config.shell')} mono>
            {joinCommand(config.Shell)}
          </Fact>
        ) : null}
      </Facts>
      <h3 className="facts-title">{t('config.healthCheck')}</h3>
      {checked ? (
        <Facts>
          <Fact name={t('summary.command')} mono>
            {Healthcheck.Test?.[0] === 'CMD-SHELL'
              ? Healthcheck.Test.slice(1).join(' ')
              : joinCommand(Healthcheck.Test?.slice(1) ?? [])}
          </Fact>
          {(
            [
              ['Interval', 'config.interval'],
              ['Timeout', 'config.timeout'],
              ['StartPeriod', 'config.startPeriod'],
            ] as const
          ).map(([field, word]) =>
            Healthcheck[field] ? (
              <Fact key={field} name={t(word)}>
                {timeText(Healthcheck[field])}
              </Fact>
            ) : null,
          )}
          {Healthcheck.Retries ? <Fact name={t('config.retries')}>{Healthcheck.Retries}</Fact> : null}
        </Facts>
      ) : (
        <p className="facts-none">{Healthcheck?.Test?.[0] === 'NONE' ? t('config.healthOff') : t('config.noHealth')}</p>
      )}
      <h3 className="facts-title">{t('summary.environment')}</h3>
      {config.Env?.length ? (
        <Facts>
          {config.Env.map((variable) => (
            <Variable key={variable} variable={variable} />
          ))}
        </Facts>
      ) : (
        <p className="facts-none">{t('config.none')}</p>
      )}
      <h3 className="facts-title">{t('summary.labels')}</h3>
      {labels.length > 0 ? (
        <Facts>
          {labels.map(([name, value]) => (
            <Fact key={name} name={name} mono>
              {value}
            </Fact>
          ))}
        </Facts>
      ) : (
        <p className="facts-none">{t('config.none')}</p>
      )}
      {config.OnBuild?.length ? (
        <>
          <h3 className="facts-title">{t('config.onBuildTitle')}</h3>
          <Facts>
            {config.OnBuild.map((instruction, index) => (
              <Fact key={index} name={String(index + 1)} mono>
                {instruction}
              </Fact>
            ))}
          </Facts>
        </>
      ) : null}
    </Scroller>
  );
}
