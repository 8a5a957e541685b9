import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createClient } from '../main/client/index.js';
import { bridgeTransport } from './bridge.js';
import i18n, { nearest } from './i18n/index.js';
import { App } from './shell/App.js';
import { guard } from './shell/guard.js';
import { themeFor } from './shell/theme.js';
import { createEngineStore, EngineProvider, type EngineStore } from './store/index.js';
import { live } from './store/live.js';
import { watched } from './store/patience.js';
import { usePreferences } from './store/preferences.js';
import { prepareScreen } from './terminal/session.js';
import { provideDesktop } from './ui/desktop.js';
import './styles/index.css';

const { shell, files } = window.slipway;

const transport = watched(bridgeTransport(window.slipway), (since) => store.getState().setWaiting(since));
const store: EngineStore = createEngineStore(createClient(transport));
shell.onConnection((connection) => {
  const { connection: before, setConnection, terminalsAfterLoss } = store.getState();
  setConnection(connection);
  if (connection.state === 'ready' && before.state !== 'ready') terminalsAfterLoss();
});
const platform = await shell.platform();
provideDesktop({ ...shell, files, person: platform.person });
if (store.getState().connection.host === '') store.getState().setConnection(platform.connection);
live(store);
guard(shell);

// The app remembers the theme, so that a window has the right ground before its page has loaded.
usePreferences.setState({ theme: platform.theme });
const { theme, language } = usePreferences.getState();
document.documentElement.dataset['theme'] = themeFor(theme);
document.documentElement.lang = language === 'system' ? nearest(platform.locale) : language;
await i18n.changeLanguage(document.documentElement.lang);

requestIdleCallback(() => prepareScreen(), { timeout: 3000 });

const root = document.getElementById('root');
if (!root) throw new Error('the page has no root');
createRoot(root).render(
  <StrictMode>
    <EngineProvider value={store}>
      <App platform={platform} />
    </EngineProvider>
  </StrictMode>,
);
