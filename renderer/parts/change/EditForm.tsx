import type { ContainerInspect } from '../../../main/contract/containers.js';
import type { Wish } from '../../store/changes-slice.js';
import type { Preview } from './use-preview.js';

export interface Edit {
  wish: Wish | undefined;
  note: string;
}

export function useEdit(_: ContainerInspect | undefined): Edit {
  return { wish: undefined, note: '' };
}

export function EditForm(_: { edit: Edit; inspect: ContainerInspect; preview: Preview; running: boolean }) {
  return null;
}
