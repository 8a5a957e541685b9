import { useRef } from 'react';
import { LogIn, LogOut, ShieldCheck } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Registry } from '../../../main/contract/registries.js';
import { Drawer, DrawerTabs, type TabbedFrame } from '../../parts/Drawer.js';
import { useSurface } from '../../store/surface.js';
import { Button } from '../../ui/Button.js';
import { Fact, Facts } from '../../ui/Facts.js';
import { Scroller } from '../../ui/Scroller.js';
import { Catalogue } from './Catalogue.js';
import { Mirrors } from './Mirrors.js';
import { plainRegistry, sourceWords, trustWords } from './registry-words.js';

const tabs = ['access', 'catalogue', 'mirrors', 'trust'] as const;

export function RegistryDrawer({
  registry: given,
  tab,
  onLogOut,
  ...frame
}: TabbedFrame & {
  /** A registry that is known, or the address of one that is not. */
  registry: Registry | string;
  onLogOut(registry: Registry): Promise<void>;
}) {
  const { t } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  const registry = typeof given === 'string' ? plainRegistry(given) : given;
  const { host, user } = registry;
  const name = host === 'docker.io' ? t('registries.hub') : host;
  return (
    <Drawer
      name={name}
      state={user !== undefined && <span className="tag">{t('registries.as', { user })}</span>}
      ids={
        <>
          {name !== host && (
            <>
              <span className="mono select">{host}</span>
              <span>·</span>
            </>
          )}
          <span className="cut">{sourceWords(t, registry)}</span>
          <span>·</span>
          <span className="cut">{trustWords(t, registry)}</span>
        </>
      }
      actions={
        <Button icon={LogIn} onClick={() => ask({ kind: 'login', host })}>
          {user === undefined ? t('login.dots') : t('registries.loginOther')}
        </Button>
      }
      {...frame}
    >
      <DrawerTabs
        name={name}
        path={['registries', host]}
        shown={tabs.find((each) => each === tab) ?? 'access'}
        tabs={[
          {
            id: 'access',
            label: t('registries.tabs.access'),
            content: <Access registry={registry} onLogOut={() => onLogOut(registry)} />,
          },
          { id: 'catalogue', label: t('registries.tabs.catalogue'), content: <Catalogue key={host} host={host} /> },
          { id: 'mirrors', label: t('registries.tabs.mirrors'), content: <Mirrors registry={registry} /> },
          { id: 'trust', label: t('registries.tabs.trust'), content: <Trust registry={registry} /> },
        ]}
      />
    </Drawer>
  );
}

function Access({ registry, onLogOut }: { registry: Registry; onLogOut(): Promise<void> }) {
  const { t } = useTranslation();
  const logIn = useRef<HTMLButtonElement>(null);
  const logOut = async () => {
    await onLogOut();
    // The button that was pressed may have gone with the log-in.
    if (document.activeElement === document.body) logIn.current?.focus();
  };
  const ask = useSurface((surface) => surface.open);
  const { credentials, host, user, helper = '' } = registry;
  return (
    <Scroller label={t('registries.tabs.access')}>
      <Facts>
        <Fact name={t('registries.host')} mono>
          {host}
        </Fact>
        <Fact name={t('registries.user')}>{user ?? t('registries.nobody')}</Fact>
        <Fact name={t('registries.password')}>{sourceWords(t, registry)}</Fact>
      </Facts>
      <div className="drawer-note">
        <p className="t2">
          {credentials === null
            ? t('registries.noneText')
            : t(`registries.sourceText.${credentials}`, { helper, host })}
        </p>
        <div className="row g8">
          <Button ref={logIn} size="small" icon={LogIn} onClick={() => ask({ kind: 'login', host })}>
            {user === undefined ? t('login.dots') : t('registries.loginOther')}
          </Button>
          {(credentials === 'slipway' || credentials === 'helper') && (
            <Button size="small" icon={LogOut} onClick={() => void logOut()}>
              {t('registries.logout')}
            </Button>
          )}
        </div>
      </div>
    </Scroller>
  );
}

function Trust({ registry }: { registry: Registry }) {
  const { t } = useTranslation();
  const ask = useSurface((surface) => surface.open);
  const { certificates, host, insecure, fixed } = registry;
  const there = (has: boolean) => t(has ? 'trust.there' : 'trust.none');
  return (
    <Scroller label={t('registries.tabs.trust')}>
      <Facts>
        <Fact name={t('trust.ca')}>{there(certificates.ca)}</Fact>
        <Fact name={t('trust.clientCertificate')}>{there(certificates.client)}</Fact>
        <Fact name={t('trust.connection')}>{t(insecure ? 'trust.isInsecure' : 'trust.isSecure')}</Fact>
      </Facts>
      <div className="drawer-note">
        <p className="t2">{insecure ? t('trust.insecureText') : trustWords(t, registry)}</p>
        {fixed?.insecure && <p className="t2">{t('trust.insecureFixed')}</p>}
        <div className="row g8">
          <Button size="small" icon={ShieldCheck} onClick={() => ask({ kind: 'trust', host })}>
            {t('trust.dots')}
          </Button>
        </div>
      </div>
    </Scroller>
  );
}
