import { useTranslation } from 'react-i18next';
import { create } from 'zustand';
import { useEngine } from '../../store/index.js';
import { useDiscard } from '../use-discard.js';
import type { Draft } from './EditForm.js';

/** What was typed while its logs are looked at: it is there again when that container is edited next. */
interface Aside {
  /** By the container's ID. */
  drafts: Readonly<Record<string, { name: string; draft: Draft }>>;
  put(id: string, name: string, draft: Draft): void;
  drop(id: string): void;
}

export const useAside = create<Aside>()((set) => ({
  drafts: {},
  put: (id, name, draft) => set(({ drafts }) => ({ drafts: { ...drafts, [id]: { name, draft } } })),
  drop: (id) => set(({ drafts: { [id]: _, ...drafts } }) => ({ drafts })),
}));

/** Asks before what was set aside goes with the window. */
export function AsideDrafts() {
  const drafts = useAside((aside) => aside.drafts);
  return Object.entries(drafts).map(([id, { name }]) => <AsideDraft key={id} id={id} name={name} />);
}

function AsideDraft({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation();
  const isThere = useEngine((state) => state.containers?.some(({ Id }) => Id === id) ?? true);
  return useDiscard(isThere, t('form.discard.edit', { name }), () => useAside.getState().drop(id)).question;
}
