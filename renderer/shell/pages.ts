import { Box, Database, HardDrive, Layers, Library, Settings, type LucideIcon } from 'lucide-react';

export interface Page {
  id: 'containers' | 'images' | 'volumes' | 'registries' | 'disk' | 'settings';
  icon: LucideIcon;
}

/** The pages there are, in the order of the rail and of Ctrl+1, Ctrl+2, … */
export const pages: Page[] = [
  { id: 'containers', icon: Box },
  { id: 'images', icon: Layers },
  { id: 'volumes', icon: Database },
  { id: 'registries', icon: Library },
  { id: 'disk', icon: HardDrive },
  { id: 'settings', icon: Settings },
];
