import { defineConfig } from 'vite';
import react from '@vitejs/plugin-react';

// The page's content security policy is a header: see app/windows/page.ts.
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  server: { fs: { allow: ['..'] } },
  plugins: [react()],
  build: {
    outDir: '../out/renderer',
    emptyOutDir: true,
    target: 'chrome114',
    cssTarget: 'chrome114',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
});
