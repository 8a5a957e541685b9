import { useEffect, useState } from 'react';
import { ArrowDown, ArrowUp, Cpu, Zap } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect, ContainerSummary } from '../../../main/contract/containers.js';
import { useAnswer } from '../../parts/use-answer.js';
import { messageOf, useEngine, useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { useNow } from '../../ui/clock.js';
import { Empty } from '../../ui/Empty.js';
import { Problem } from '../../ui/Field.js';
import { bytes } from '../../ui/format.js';
import { Loading } from '../../ui/Loading.js';
import { Menu } from '../../ui/Menu.js';
import { notifyDone, notifyFailed } from '../../ui/notify.js';
import { Scroller } from '../../ui/Scroller.js';
import { nameOf } from '../../parts/container-state.js';
import { parseProcesses, sortProcesses, type ProcessSort } from './processes.js';

/** While somebody looks: no event tells of a process that comes or goes. */
const every = 2000;

const signals = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGQUIT', 'SIGKILL'];

const columns = ['pid', 'user', 'state', 'cpu', 'memory', 'time', 'command'] as const;
const numeric = new Set<string>(['pid', 'cpu', 'memory', 'time']);

/** What runs in the container, as this machine numbers it. */
export function Processes({ container, inspect }: { container: ContainerSummary; inspect: ContainerInspect }) {
  const { t } = useTranslation();
  const { client } = useEngineStore();
  const readAt = useEngine((state) => state.containersAt);
  const ready = useEngine((state) => state.connection.state === 'ready');
  const [sort, setSort] = useState<ProcessSort>({ column: 'cpu', descending: true });
  const now = useNow(every);
  const running = container.State === 'running' || container.State === 'paused';
  const { value: list, problem } = useAnswer(
    async () =>
      running && ready
        ? parseProcesses(await client.containers.top(container.Id, '-eo pid,ppid,user,stat,pcpu,rss,time,args'))
        : undefined,
    running && ready ? `${container.Id} ${readAt} ${now}` : '',
  );
  if (!running)
    return (
      <Empty icon={Cpu} title={t('terminal.offTitle')}>
        {t('processes.offText')}
      </Empty>
    );
  if (!list) return problem === undefined ? <Loading waitingFor={t('common.loading')} /> : <Failed error={problem} />;

  const signal = async (name: string) => {
    try {
      await client.containers.kill(container.Id, name);
      notifyDone(t('processes.sent', { signal: name, name: nameOf(container) }));
    } catch (error) {
      notifyFailed(t('processes.notSent', { signal: name }), messageOf(error));
    }
  };
  return (
    <>
      <div className="log-tools">
        <span className="s12 t2 num">{t('processes.count', { count: list.length })}</span>
        <span className="grow" />
        <Menu
          label={t('processes.signal')}
          entries={() =>
            signals.map((name) => ({
              label: name,
              danger: name === 'SIGKILL',
              onSelect: () => void signal(name),
            }))
          }
        >
          <Button size="small" icon={Zap} title={t('processes.signalText', { pid: inspect.State.Pid })}>
            {t('processes.signal')}
          </Button>
        </Menu>
      </div>
      <Scroller label={t('drawer.processes')}>
        {problem !== undefined && <Failed error={problem} />}
        <table className="plain-table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th
                  key={column}
                  className={numeric.has(column) ? 'right' : undefined}
                  aria-sort={sort.column !== column ? undefined : sort.descending ? 'descending' : 'ascending'}
                >
                  <button
                    type="button"
                    onClick={() =>
                      setSort({
                        column,
                        descending:
                          sort.column === column ? !sort.descending : ['cpu', 'memory', 'time'].includes(column),
                      })
                    }
                  >
                    {t(`processes.${column}`)}
                    {sort.column === column &&
                      (sort.descending ? (
                        <ArrowDown className="icon s12" aria-hidden />
                      ) : (
                        <ArrowUp className="icon s12" aria-hidden />
                      ))}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {sortProcesses(list, sort).map((process) => (
              <tr key={process.pid} className={process.pid === inspect.State.Pid ? 'main' : undefined}>
                <td className="right num">{process.pid}</td>
                <td>{process.user}</td>
                <td className="mono">{process.state}</td>
                <td className="right num">{process.cpu.toFixed(1)}</td>
                <td className="right num">{bytes(process.memory)}</td>
                <td className="right num">{process.time}</td>
                <td className="mono command select" style={{ paddingLeft: 8 + Math.min(process.depth, 8) * 10 }}>
                  {process.command}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroller>
    </>
  );
}

function Failed({ error }: { error: string }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    // A container that ends between two looks is no failure: the next word of the engine settles it.
    const timer = setTimeout(() => setShown(true), 500);
    return () => clearTimeout(timer);
  }, []);
  return shown ? (
    <div style={{ padding: 16 }}>
      <Problem>{t('processes.failed', { error })}</Problem>
    </div>
  ) : null;
}
