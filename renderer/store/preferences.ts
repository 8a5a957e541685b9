import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { Theme } from '../../main/contract/bridge.js';

export type Language = 'system' | 'en' | 'zh-CN';

/** What a person likes: the same whichever engine is connected, kept by this window. */
export interface Preferences {
  theme: Theme;
  language: Language;
  dense: boolean;
  /** How the containers are grouped: `project`, `network`, `image`, `label:NAME`, `none`. */
  groupBy: string;
  /** Groups that are folded, as `groupBy` and the group's key. */
  folded: string[];
  /** Columns of the containers table that are the other way than at first: shown or left out. */
  toggledColumns: string[];
  /** Images stand below their repositories; those of these are folded. */
  groupImages: boolean;
  foldedImages: string[];
  /** Columns of the images table that are the other way than at first. */
  toggledImageColumns: string[];
  /** How the volumes are grouped. */
  groupVolumes: 'project' | 'use' | 'none';
  foldedVolumes: string[];
  /** Columns of the volumes table that are the other way than at first. */
  toggledVolumeColumns: string[];
  /** Registries are asked whether there is something newer, while images are looked at. */
  checkNewer: boolean;
  /** Single letters act on rows when no field has the focus (WCAG 2.1.4 wants a way to turn them off). */
  letterKeys: boolean;
  terminalFontSize: number;
  terminalScrollback: number;
  terminalScreenReader: boolean;
  /** Logs show when each line was written; long lines go on in the next row. */
  logStamps: boolean;
  logWrap: boolean;
  /** The first-run screen has been left. */
  welcomed: boolean;
  set(change: Partial<Omit<Preferences, 'set'>>): void;
}

export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      theme: 'system',
      language: 'system',
      dense: false,
      groupBy: 'project',
      folded: [],
      toggledColumns: [],
      groupImages: true,
      foldedImages: [],
      toggledImageColumns: [],
      groupVolumes: 'project',
      foldedVolumes: [],
      toggledVolumeColumns: [],
      checkNewer: false,
      letterKeys: true,
      terminalFontSize: 12,
      terminalScrollback: 10_000,
      terminalScreenReader: false,
      logStamps: false,
      logWrap: true,
      welcomed: false,
      set: (change) => set(change),
    }),
    { name: 'slipway.preferences', version: 1 },
  ),
);
