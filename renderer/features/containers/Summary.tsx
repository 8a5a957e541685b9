import type { ReactNode } from 'react';
import { CircleAlert, Pencil } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect, ContainerSummary } from '../../../main/contract/containers.js';
import { policyWords } from '../../parts/change/lines.js';
import { joinCommand } from '../../parts/command-line.js';
import { useContainerActions } from '../../parts/container-actions.js';
import { Variable } from '../../parts/Variable.js';
import { IconButton } from '../../ui/Button.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { bytes, shortId } from '../../ui/format.js';
import { Facts, Fact } from '../../ui/Facts.js';
import { navigate, pathTo } from '../../ui/route.js';
import { Scroller } from '../../ui/Scroller.js';

const never = (when: string) => when === '' || when.startsWith('0001-');

/** A container in words: what runs, how it did, within which limits, where it is on the network. */
export function Summary({ container, inspect }: { container: ContainerSummary; inspect: ContainerInspect }) {
  const { t, i18n } = useTranslation();
  const { State, Config, HostConfig, NetworkSettings } = inspect;
  const when = (text: string) =>
    new Date(text).toLocaleString(i18n.language, { dateStyle: 'medium', timeStyle: 'medium' });
  const networks = Object.entries(NetworkSettings.Networks);
  const cpus = HostConfig.NanoCpus
    ? HostConfig.NanoCpus / 1e9
    : HostConfig.CpuQuota / (HostConfig.CpuPeriod || 100_000);
  const labels = Object.entries(Config.Labels ?? {});
  const actions = useContainerActions();
  const editButton = (what: string, start: string) =>
    actions.canEdit(container) && (
      <IconButton
        small
        iconSize={12}
        icon={Pencil}
        label={t('change.editOf', { what })}
        onClick={() => actions.edit(container, start)}
      />
    );
  const title = (words: string, start: string): ReactNode => (
    <div className="facts-title">
      <h3>{words}</h3>
      {editButton(words, start)}
    </div>
  );
  return (
    <Scroller label={t('drawer.summary')}>
      {(State.Error || State.OOMKilled) && (
        <div className="reason">
          <CircleAlert className="icon s14 c-fail" aria-hidden />
          <span>{State.OOMKilled ? t('summary.oom') : t('summary.failed', { error: State.Error })}</span>
        </div>
      )}
      {title(t('summary.process'), 'command')}
      <Facts>
        <Fact name={t('summary.command')} mono>
          {joinCommand([inspect.Path, ...inspect.Args])}
        </Fact>
        {Config.WorkingDir && (
          <Fact name={t('summary.workingDir')} mono>
            {Config.WorkingDir}
          </Fact>
        )}
        {Config.User && (
          <Fact name={t('summary.user')} mono>
            {Config.User}
          </Fact>
        )}
        {State.Pid > 0 && <Fact name={t('summary.pid')}>{State.Pid}</Fact>}
        {!State.Running && !never(State.FinishedAt) && <Fact name={t('summary.exitCode')}>{State.ExitCode}</Fact>}
        {!never(State.StartedAt) && <Fact name={t('summary.startedAt')}>{when(State.StartedAt)}</Fact>}
        {!State.Running && !never(State.FinishedAt) && (
          <Fact name={t('summary.finishedAt')}>{when(State.FinishedAt)}</Fact>
        )}
        <Fact name={t('summary.createdAt')}>{when(inspect.Created)}</Fact>
        <Fact name={t('summary.restartPolicy')}>
          {policyWords(t, HostConfig.RestartPolicy ?? { Name: 'no', MaximumRetryCount: 0 })}
          {editButton(t('summary.restartPolicy'), 'restart')}
        </Fact>
        {inspect.RestartCount > 0 && <Fact name={t('summary.restarts')}>{inspect.RestartCount}</Fact>}
        {HostConfig.AutoRemove && <Fact name={t('summary.removeOnExit')}>{t('summary.yes')}</Fact>}
      </Facts>
      {Config.Env && Config.Env.length > 0 && (
        <>
          {title(t('summary.environment'), 'env')}
          <Facts>
            {Config.Env.map((variable) => (
              <Variable key={variable} variable={variable} />
            ))}
          </Facts>
        </>
      )}
      {title(t('summary.limits'), 'memory')}
      <Facts>
        <Fact name={t('summary.memory')}>
          {HostConfig.Memory > 0 ? bytes(HostConfig.Memory) : t('summary.unlimited')}
        </Fact>
        <Fact name={t('summary.cpus')}>{cpus > 0 ? String(Number(cpus.toFixed(2))) : t('summary.unlimited')}</Fact>
        <Fact name={t('summary.pids')}>
          {HostConfig.PidsLimit && HostConfig.PidsLimit > 0 ? HostConfig.PidsLimit : t('summary.unlimited')}
        </Fact>
      </Facts>
      <h3 className="facts-title">{t('summary.network')}</h3>
      <Facts>
        <Fact name={t('summary.networkMode')} mono>
          {HostConfig.NetworkMode}
        </Fact>
        {networks.map(([name, network]) =>
          network.IPAddress ? (
            <Fact key={name} name={t('summary.address')} mono>
              {network.IPAddress}/{network.IPPrefixLen}
              <CopyIconButton text={network.IPAddress} label={t('drawer.copyAddress')} />
            </Fact>
          ) : null,
        )}
        {networks.map(([name, network]) =>
          network.Gateway ? (
            <Fact key={name} name={t('summary.gateway')} mono>
              {network.Gateway}
            </Fact>
          ) : null,
        )}
      </Facts>
      {title(t('summary.image'), 'image')}
      <Facts>
        <Fact name={t('summary.image')} mono>
          <button
            type="button"
            className="link"
            onClick={() => navigate(pathTo('images', inspect.Image))}
            style={{ overflowWrap: 'anywhere' }}
          >
            {Config.Image}
          </button>
        </Fact>
        <Fact name={t('summary.id')} mono>
          {shortId(inspect.Image)}
          <CopyIconButton text={inspect.Image} label={t('drawer.copyId')} />
        </Fact>
      </Facts>
      {labels.length > 0 && (
        <>
          {title(t('summary.labels'), 'labels')}
          <Facts>
            {labels.map(([name, value]) => (
              <Fact key={name} name={name} mono>
                {value}
              </Fact>
            ))}
          </Facts>
        </>
      )}
    </Scroller>
  );
}
