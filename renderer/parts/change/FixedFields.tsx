import { Lock } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect } from '../../../main/contract/containers.js';
import { Fact, Facts } from '../../ui/Facts.js';
import type { ContainerForm } from '../form/value.js';

/** What a container has from its creation on, and why it cannot be had otherwise. */
export function FixedFields({ inspect, form }: { inspect: ContainerInspect; form: ContainerForm }) {
  const { t } = useTranslation();
  const ports = form.ports.map(({ ip, host, container, protocol }) =>
    [ip, host, `${container}/${protocol}`].filter((part) => part !== '').join(':'),
  );
  const mounts = [
    ...form.mounts.map(({ source, target, readOnly }) =>
      [source, target, readOnly ? 'ro' : ''].filter((part) => part !== '').join(':'),
    ),
    ...form.tmpfs.map(({ key }) => `${t('mounts.tmpfs')}: ${key}`),
  ];
  const lines = (all: string[]) =>
    all.length === 0 ? (
      <span className="t3">{t('limits.none')}</span>
    ) : (
      <span className="stack-lines">
        {all.map((line) => (
          <span key={line}>{line}</span>
        ))}
      </span>
    );
  return (
    <section className="fixed-fields" aria-label={t('change.fixed')}>
      <h3 className="row g8">
        <Lock className="icon s12 t3" aria-hidden />
        {t('change.fixed')}
      </h3>
      <p className="s12 t3">{t('change.fixedText')}</p>
      <Facts>
        <Fact name={t('form.ports')} mono>
          {lines(ports)}
        </Fact>
        <Fact name={t('form.mounts')} mono>
          {lines(mounts)}
          <span className="s12 t3">{t('change.mountsElsewhere')}</span>
        </Fact>
        <Fact name={t('form.network')} mono>
          {Object.keys(inspect.NetworkSettings.Networks).join(', ') || inspect.HostConfig.NetworkMode}
        </Fact>
        {inspect.HostConfig.UsernsMode !== '' && (
          <Fact name={t('change.userIds')} mono>
            {inspect.HostConfig.UsernsMode}
          </Fact>
        )}
      </Facts>
    </section>
  );
}
