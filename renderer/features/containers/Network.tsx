import { Globe, Network as NetworkIcon, Unplug } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerInspect, ContainerSummary, EndpointSettings } from '../../../main/contract/containers.js';
import { CopyIconButton } from '../../ui/Copy.js';
import { Empty } from '../../ui/Empty.js';
import { Fact, Facts } from '../../ui/Facts.js';
import { Scroller } from '../../ui/Scroller.js';

type Bindings = { HostIp: string; HostPort: string }[] | null;

const everywhere = (ip: string) => ip === '' || ip === '0.0.0.0' || ip === '::';
const order = (port: string) => parseInt(port, 10);

/** Where the container is on networks, by which names it is found there, and which ports lead in. */
export function Network({ inspect }: { container: ContainerSummary; inspect: ContainerInspect }) {
  const { t } = useTranslation();
  const { NetworkSettings, HostConfig, Config } = inspect;
  const endpoints = Object.entries(NetworkSettings.Networks);
  const bound = { ...HostConfig.PortBindings, ...(NetworkSettings.Ports as Record<string, Bindings>) };
  const ports = Object.keys({ ...Config.ExposedPorts, ...bound }).toSorted((a, b) => order(a) - order(b));
  const mode = HostConfig.NetworkMode;
  const other = /^container:(.+)$/.exec(mode)?.[1];
  const alone = mode === 'none' || mode === 'host' || other !== undefined;
  return (
    <Scroller label={t('drawer.network')}>
      {alone && (
        <Empty
          icon={mode === 'none' ? Unplug : mode === 'host' ? Globe : NetworkIcon}
          title={mode === 'none' ? t('network.none') : mode === 'host' ? t('network.host') : t('network.shared')}
        >
          {mode === 'none'
            ? t('network.noneText')
            : mode === 'host'
              ? t('network.hostText')
              : t('network.sharedText', { name: other })}
        </Empty>
      )}
      {!alone &&
        endpoints.map(([name, endpoint]) => (
          <section key={name}>
            <h3 className="facts-title row g8">
              <NetworkIcon className="icon s14 t2" aria-hidden />
              {name}
              {!inspect.State.Running && <span className="tag">{t('network.idle')}</span>}
            </h3>
            <Endpoint endpoint={endpoint} />
          </section>
        ))}
      {ports.length > 0 && (
        <>
          <h3 className="facts-title">{t('network.ports')}</h3>
          <Facts>
            {ports.map((port) => {
              const bindings = bound[port] ?? [];
              return (
                <Fact key={port} name={port} mono>
                  <span className="stack-lines">
                    {bindings.length === 0 && <span className="t3">{t('network.inside')}</span>}
                    {bindings.map(({ HostIp, HostPort }) => {
                      const at = `${everywhere(HostIp) ? 'localhost' : HostIp}:${HostPort}`;
                      return (
                        <span key={`${HostIp}:${HostPort}`} className="row g4">
                          {at}
                          <CopyIconButton text={at} label={t('drawer.copyAddress')} />
                          {everywhere(HostIp) && <span className="t3 s11">{t('network.everywhere')}</span>}
                        </span>
                      );
                    })}
                  </span>
                </Fact>
              );
            })}
          </Facts>
        </>
      )}
      {!alone && (
        <>
          <h3 className="facts-title">{t('network.names')}</h3>
          <Facts>
            <Fact name={t('network.hostname')} mono>
              {Config.Domainname ? `${Config.Hostname}.${Config.Domainname}` : Config.Hostname}
            </Fact>
            {(HostConfig.Dns ?? []).length > 0 && (
              <Fact name={t('network.dns')} mono>
                {(HostConfig.Dns ?? []).join(' ')}
              </Fact>
            )}
            {(HostConfig.ExtraHosts ?? []).length > 0 && (
              <Fact name={t('network.hosts')} mono>
                {(HostConfig.ExtraHosts ?? []).join(' ')}
              </Fact>
            )}
          </Facts>
        </>
      )}
    </Scroller>
  );
}

function Endpoint({ endpoint }: { endpoint: EndpointSettings }) {
  const { t } = useTranslation();
  const names = [...new Set([...(endpoint.Aliases ?? []), ...((endpoint as { DNSNames?: string[] }).DNSNames ?? [])])];
  const copied = (text: string) => (
    <>
      {text}
      <CopyIconButton text={text.split('/')[0] ?? text} label={t('drawer.copyAddress')} />
    </>
  );
  return (
    <Facts>
      <Fact name={t('summary.address')} mono>
        {endpoint.IPAddress ? copied(`${endpoint.IPAddress}/${endpoint.IPPrefixLen}`) : <span className="t3">–</span>}
      </Fact>
      {endpoint.GlobalIPv6Address && (
        <Fact name="IPv6" mono>
          {copied(`${endpoint.GlobalIPv6Address}/${endpoint.GlobalIPv6PrefixLen}`)}
        </Fact>
      )}
      {endpoint.Gateway && (
        <Fact name={t('summary.gateway')} mono>
          {endpoint.Gateway}
        </Fact>
      )}
      {endpoint.MacAddress && (
        <Fact name={t('network.mac')} mono>
          {endpoint.MacAddress}
        </Fact>
      )}
      {names.length > 0 && (
        <Fact name={t('network.aliases')} mono>
          {names.join(' ')}
        </Fact>
      )}
      {endpoint.EndpointID && (
        <Fact name={t('network.endpoint')} mono>
          {endpoint.EndpointID.slice(0, 12)}
          <CopyIconButton text={endpoint.EndpointID} label={t('drawer.copyId')} />
        </Fact>
      )}
    </Facts>
  );
}
