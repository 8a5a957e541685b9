// Lint rules: the import zones of the house (docs/architecture.md), what Node 18 and Chromium 114 lack, no *Sync in the engine, React's own.
import js from '@eslint/js';
import fs from 'node:fs';
import path from 'node:path';
import importX from 'eslint-plugin-import-x';
import jsxA11y from 'eslint-plugin-jsx-a11y';
import reactHooks from 'eslint-plugin-react-hooks';
import ts from 'typescript-eslint';

/** An import of `./x.js` means the file `x.ts` or `x.tsx` beside it; packages are none of the zones' business. */
const sources = {
  interfaceVersion: 3,
  name: 'sources',
  resolve(source, importer) {
    if (!source.startsWith('.')) return { found: false };
    const file = path.resolve(path.dirname(importer), source);
    const candidates = [file.replace(/\.js$/, '.ts'), file.replace(/\.js$/, '.tsx'), file, `${file}.ts`, `${file}.tsx`];
    const found = candidates.find((each) => fs.existsSync(each));
    return found ? { found: true, path: found } : { found: false };
  },
};

/** One zone per tree: what is excepted is named relative to the tree it is in. */
const room = (target, allowed, message) =>
  ['main', 'app', 'renderer', 'e2e'].map((tree) => ({
    target,
    from: `./${tree}`,
    except: allowed
      .filter((each) => each === `./${tree}` || each.startsWith(`./${tree}/`))
      .map((each) => `.${each.slice(tree.length + 2)}`.replace(/^\.$/, './')),
    message,
  }));
/** The engine's rooms, top to bottom: each may use only the ones above it, and only their index. */
const ENGINE = [
  ...[
    'helper',
    'forwarder',
    'resolver',
    'events',
    'folders',
    'usage',
    'content',
    'snapshots',
    'registry',
    'logs',
    'bin',
    'volumes',
    'wires',
    'layers',
    'images',
    'registries',
    'serve',
    'repair',
    'networks',
  ],
  ...['containers', 'volume-survey', 'stats', 'exec', 'files', 'explore', 'builds', 'disk', 'system'],
];
const engineZones = ENGINE.map((name, index) => ({
  target: `./main/engine/${name}`,
  from: './main/engine',
  except: [name, ...ENGINE.slice(0, index).flatMap((above) => [`${above}/index.ts`])].map((each) => `./${each}`),
  message: `main/engine/${name} may use only the index of rooms above it (eslint.config.js lists them top to bottom).`,
}));

/** Missing in Node 18.15 or Chromium 114, which Electron 25 is made of. */
const MISSING = [
  ['Promise', 'withResolvers'],
  ['Promise', 'try'],
  ['Object', 'groupBy'],
  ['Map', 'groupBy'],
  ['Array', 'fromAsync'],
  ['AbortSignal', 'any'],
  ['URL', 'canParse'],
  ['crypto', 'hash'],
].map(([object, property]) => ({ object, property, message: 'Electron 25 (Node 18.15, Chromium 114) lacks it.' }));

export default ts.config(
  { ignores: ['out/**', 'dist/**', 'native/**', 'node_modules/**', 'test-results/**', 'show/**'] },
  js.configs.recommended,
  ts.configs.recommended,
  {
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [sources] },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-explicit-any': 'error',
      'no-restricted-properties': ['error', ...MISSING],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-undef': 'off',
      'import-x/no-restricted-paths': [
        'error',
        {
          zones: [
            ...room('./main/contract', ['./main/contract'], 'The contract imports nothing.'),
            ...room('./main/base', ['./main/base', './main/contract'], 'base may use only the contract.'),
            ...room(
              './main/client/*.ts',
              ['./main/client', './main/contract'],
              'The client may use only the contract.',
            ),
            ...room(
              './main/client/transports',
              ['./main/client', './main/contract', './main/base'],
              'Transports: contract, base, client.',
            ),
            ...room(
              './main/engine',
              ['./main/engine', './main/contract', './main/base'],
              'The engine may use only contract and base.',
            ),
            ...room(
              './main/cli',
              ['./main/cli', './main/contract', './main/client', './main/base/scopes.ts', './main/base/file-tar.ts'],
              'The command line is a client.',
            ),
            ...room(
              './main/api',
              ['./main/api', './main/contract', './main/base', './main/engine/index.ts'],
              'The API meets the engine at its index.',
            ),
            ...room(
              './main/daemon',
              ['./main/daemon', './main/contract', './main/base', './main/engine/index.ts', './main/api/index.ts'],
              'The daemon: engine and API indexes.',
            ),
            ...room(
              './app',
              [
                './app',
                './main/contract',
                './main/client',
                './main/engine/index.ts',
                './main/api/index.ts',
                './main/base/scopes.ts',
                './main/base/engine-flags.ts',
                './main/base/errors.ts',
                './main/base/file-tar.ts',
                './main/base/places.ts',
              ],
              'The app: contract, client, and the indexes of engine and API.',
            ),
            ...room(
              './renderer',
              ['./renderer', './main/contract', './main/client'],
              'The window knows the contract and the client.',
            ),
            {
              target: './renderer',
              from: './main/client/transports',
              message: 'Transports need Node: the window has a bridge.',
            },
            ...engineZones,
          ],
        },
      ],
    },
  },
  {
    files: ['main/**/*.ts', 'app/**/*.ts'],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'CallExpression[callee.property.name=/Sync$/], CallExpression[callee.name=/Sync$/]',
          message: 'A synchronous call stops the whole engine: use the promise.',
        },
      ],
    },
  },
  { files: ['main/base/store-worker.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['renderer/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': reactHooks, 'jsx-a11y': jsxA11y },
    rules: {
      ...reactHooks.configs.recommended.rules,
      ...jsxA11y.configs.recommended.rules,
      // We compile nothing with React Compiler; and a dialog does put the cursor where one types.
      'react-hooks/incompatible-library': 'off',
      'jsx-a11y/no-autofocus': 'off',
    },
  },
  { files: ['**/*.test.ts', 'e2e/**/*.ts'], rules: { 'import-x/no-restricted-paths': 'off' } },
);
