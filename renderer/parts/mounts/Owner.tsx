import { ArrowRight } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { MountOwner } from '../../../main/contract/mounts.js';

/** Whose files are, on disk and for the container's processes. */
export function Owner({ owner: { Disk, Inside } }: { owner: MountOwner }) {
  const { t } = useTranslation();
  const unnamed = Disk.User === null || Inside.User === null;
  const same = Disk.Uid === Inside.Uid && (unnamed || Disk.User === Inside.User);
  return (
    <span className="owner">
      <Who user={same ? (Disk.User ?? Inside.User) : Disk.User} uid={Disk.Uid} gid={Disk.Gid} />
      {!same && (
        <>
          <span className="s11 t3">{t('mounts.onDisk')}</span>
          <ArrowRight className="icon s12 t3" aria-hidden />
          <span className="hidden-text">{t('mounts.becomes')}</span>
          <Who user={Inside.Uid === 65534 ? t('mounts.nobody') : Inside.User} uid={Inside.Uid} gid={Inside.Gid} />
          <span className="s11 t3">{t('mounts.inside')}</span>
        </>
      )}
    </span>
  );
}

const Who = ({ user, uid, gid }: { user: string | null; uid: number; gid: number }) => (
  <span>
    {user !== null && <b>{user} </b>}
    <span className="mono s12">
      {uid}:{gid}
    </span>
  </span>
);
