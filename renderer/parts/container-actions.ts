import {
  Copy,
  FolderInput,
  Pause,
  Pencil,
  Play,
  RotateCw,
  ScrollText,
  Skull,
  Square,
  Terminal as TerminalIcon,
  Trash2,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../main/contract/containers.js';
import type { Verb } from '../store/containers-slice.js';
import { hasBin } from '../store/bin-slice.js';
import { canChange } from '../store/changes-slice.js';
import { messageOf, useEngineStore } from '../store/index.js';
import { useSurface } from '../store/surface.js';
import { copyText } from '../ui/desktop.js';
import type { MenuEntry } from '../ui/Menu.js';
import { notifyDone, notifyFailed } from '../ui/notify.js';
import { navigate, pathTo } from '../ui/route.js';
import { tabStop } from '../ui/tab-stop.js';
import { isRunning, nameOf } from './container-state.js';
import { useAddFolder } from './drop/use-add-folder.js';
import { removeContainers } from './removal.js';

/** Whether a verb makes sense in this state. */
export function fits(verb: Verb, { State }: Pick<ContainerSummary, 'State'>): boolean {
  switch (verb) {
    case 'start':
      return State === 'created' || State === 'exited';
    case 'stop':
    case 'kill':
      return State === 'running' || State === 'restarting' || (State === 'paused' && verb === 'stop');
    case 'restart':
      return State === 'running' || State === 'exited' || State === 'created' || State === 'restarting';
    case 'pause':
      return State === 'running';
    case 'unpause':
      return State === 'paused';
    case 'remove':
      return State !== 'removing';
  }
}

export interface ContainerActions {
  /** Does it, and says what failed where it does not show by itself. */
  act(container: ContainerSummary, verb: Verb): Promise<void>;
  /** Asks first where something running would be killed or nothing could be brought back; then removes. */
  remove(containers: ContainerSummary[]): void;
  /** Whether `remove` asks first: its words end in dots then. */
  asksToRemove(containers: ContainerSummary[]): boolean;
  /** Whether it can be changed as it is, on this engine. */
  canEdit(container: ContainerSummary): boolean;
  /** Opens what changes it; `start`: the field to begin at. */
  edit(container: ContainerSummary, start?: string): void;
  /** A folder of this machine, by the desktop's dialog. */
  addFolder(container: ContainerSummary): void;
  menu(container: ContainerSummary): MenuEntry[];
  open(container: ContainerSummary, tab?: string): void;
}

export function useContainerActions(): ContainerActions {
  const { t } = useTranslation();
  const store = useEngineStore();
  const ask = useSurface((surface) => surface.open);
  const addFolder = useAddFolder();

  const act = async (container: ContainerSummary, verb: Verb) => {
    const name = nameOf(container);
    try {
      await store.getState().actOn(container.Id, verb);
      if (verb === 'remove') notifyDone(t('action.removed', { name }));
    } catch (error) {
      notifyFailed(t(`action.failedTo.${verb}`, { name }), messageOf(error));
    }
  };
  const asksToRemove = (containers: ContainerSummary[]) => !hasBin(store.getState()) || containers.some(isRunning);
  const removeNow = async (containers: ContainerSummary[]) => {
    const problems = await removeContainers(store, t, containers);
    for (const container of containers) {
      const problem = problems[container.Id];
      if (problem !== undefined) notifyFailed(t('action.failedTo.remove', { name: nameOf(container) }), problem);
    }
    // The row that had the focus is gone, and with it the focus.
    requestAnimationFrame(() => {
      if (document.activeElement !== document.body) return;
      (tabStop() ?? document.querySelector<HTMLElement>('main'))?.focus();
    });
  };
  const remove = (containers: ContainerSummary[]) => {
    if (asksToRemove(containers)) ask({ kind: 'remove-containers', containers });
    else void removeNow(containers);
  };
  const open = (container: ContainerSummary, tab?: string) =>
    navigate(pathTo('containers', container.Id, ...(tab ? [tab] : [])));

  const canEdit = ({ State }: ContainerSummary) =>
    canChange(store.getState()) && State !== 'removing' && State !== 'dead';
  const edit = (container: ContainerSummary, start?: string) => {
    if (canEdit(container)) ask({ kind: 'change-container', id: container.Id, ...(start !== undefined && { start }) });
  };

  const menu = (container: ContainerSummary): MenuEntry[] => {
    const pending = store.getState().pending[container.Id];
    const item = (verb: Exclude<Verb, 'remove'>, icon: typeof Play, shortcut?: string): MenuEntry => ({
      label: t(`action.${verb}`),
      icon,
      shortcut,
      // Killing is the way out of a stop that takes its time.
      disabled: !fits(verb, container) || (pending !== undefined && !(verb === 'kill' && pending.verb === 'stop')),
      onSelect: () => void act(container, verb),
    });
    return [
      container.State === 'running' || container.State === 'paused' || container.State === 'restarting'
        ? item('stop', Square, 'S')
        : item('start', Play, 'S'),
      item('restart', RotateCw, 'R'),
      container.State === 'paused' ? item('unpause', Play) : item('pause', Pause),
      item('kill', Skull),
      'line',
      ...(canEdit(container)
        ? [{ label: t('change.editDots'), icon: Pencil, shortcut: 'E', onSelect: () => edit(container) }]
        : []),
      ...(addFolder
        ? [
            {
              label: t('drop.addFolder'),
              icon: FolderInput,
              shortcut: 'A',
              onSelect: () => void addFolder({ kind: 'container', id: container.Id }),
            },
          ]
        : []),
      { label: t('action.logs'), icon: ScrollText, shortcut: 'L', onSelect: () => open(container, 'logs') },
      { label: t('action.terminal'), icon: TerminalIcon, shortcut: 'T', onSelect: () => open(container, 'terminal') },
      { label: t('action.copyId'), icon: Copy, onSelect: () => void copyText(container.Id) },
      'line',
      {
        label: asksToRemove([container]) ? t('action.removeDots') : t('action.remove'),
        icon: Trash2,
        shortcut: 'Del',
        danger: true,
        disabled: !fits('remove', container),
        onSelect: () => remove([container]),
      },
    ];
  };
  const add = ({ Id }: ContainerSummary) => void addFolder?.({ kind: 'container', id: Id });
  return { act, remove, asksToRemove, canEdit, edit, addFolder: add, menu, open };
}
