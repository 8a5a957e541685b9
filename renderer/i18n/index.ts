import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en } from './en.js';
import { zhCN } from './zh-CN.js';

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'translation';
    resources: { translation: typeof en };
  }
}

export const languages = ['en', 'zh-CN'] as const;

void i18next.use(initReactI18next).init({
  resources: { en: { translation: en }, 'zh-CN': { translation: zhCN } },
  lng: 'en',
  fallbackLng: 'en',
  supportedLngs: languages,
  interpolation: { escapeValue: false },
  initAsync: false,
  showSupportNotice: false,
});

/** The language we have that comes nearest to what the desktop speaks. */
export const nearest = (locale: string): (typeof languages)[number] =>
  locale.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';

export default i18next;
