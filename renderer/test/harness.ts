/** The window on a fake engine, for looking at it and for screenshots: `npx vite renderer`, then /test/index.html?scene=busy&theme=dark&lang=en */
import { FakeEngine } from './fake-engine.js';

const query = new URLSearchParams(location.search);
const scene = query.get('scene') ?? 'busy';
localStorage.setItem(
  'slipway.preferences',
  JSON.stringify({
    version: 1,
    state: {
      theme: query.get('theme') ?? 'dark',
      language: query.get('lang') ?? 'en',
      dense: query.has('dense'),
      letterKeys: true,
      terminalFontSize: 12,
      terminalScrollback: 10_000,
      terminalScreenReader: false,
      welcomed: scene !== 'first',
    },
  }),
);
const engine = new FakeEngine(scene, (query.get('theme') ?? 'dark') as 'dark');
window.slipway = engine.bridge;
Object.assign(window, { engine });
await import('../main.js');
