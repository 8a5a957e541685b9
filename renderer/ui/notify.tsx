import { CircleAlert, CircleCheck, Copy, TriangleAlert, X, type LucideIcon } from 'lucide-react';
import { toast } from 'sonner';
import { Button, IconButton } from './Button.js';
import { UndoToast } from './UndoToast.js';
import { copyText } from './desktop.js';
import i18n from '../i18n/index.js';

/** Something went well: seen for four seconds. */
export function notifyDone(title: string, detail?: string): void {
  toast.custom(
    () => (
      <div className="toast">
        <CircleCheck className="icon s14 c-run" aria-hidden />
        <div className="grow">
          <b className="b6">{title}</b>
          {detail && <p>{detail}</p>}
        </div>
      </div>
    ),
    { duration: 4000 },
  );
}

/** Something to know that is no failure: seen a little longer, or (`stays`) until it is dismissed. */
export function notifyNote(title: string, detail: string, offer?: { label: string; act(): void }, stays = false): void {
  toast.custom(
    (id) => (
      <div className="toast" role="status">
        <TriangleAlert className="icon s14 c-bad" aria-hidden />
        <div className="grow">
          <b className="b6">{title}</b>
          <p>{detail}</p>
        </div>
        {offer && (
          <Button
            size="small"
            onClick={() => {
              toast.dismiss(id);
              offer.act();
            }}
          >
            {offer.label}
          </Button>
        )}
        <IconButton small label={i18n.t('common.dismiss')} icon={X} onClick={() => toast.dismiss(id)} />
      </div>
    ),
    { duration: stays ? Infinity : 8000 },
  );
}

/** Something was done that can be taken back: the way back stands for ten seconds. Returns how to take the notice away before. */
export function notifyUndo(title: string, detail: string, undo: () => void, icon?: LucideIcon): () => void {
  const shown = toast.custom(
    (id) => <UndoToast title={title} detail={detail} icon={icon} onUndo={undo} onEnd={() => toast.dismiss(id)} />,
    // It counts by itself: sonner's own clock can be neither seen nor held.
    { duration: Infinity },
  );
  return () => void toast.dismiss(shown);
}

/** Something failed in the background: stays until it is dismissed, with its cause and, where there is one, the next thing to do. */
export function notifyFailed(title: string, cause: string, next?: { label: string; act(): void }): void {
  toast.custom(
    (id) => (
      <div className="toast" role="alert">
        <CircleAlert className="icon s14 c-fail" aria-hidden />
        <div className="grow">
          <b className="b6">{title}</b>
          <p>{cause}</p>
          {next && (
            <Button
              size="small"
              onClick={() => {
                toast.dismiss(id);
                next.act();
              }}
            >
              {next.label}
            </Button>
          )}
        </div>
        <IconButton
          small
          label={i18n.t('common.copy')}
          icon={Copy}
          onClick={() => void copyText(`${title}\n${cause}`)}
        />
        <IconButton small label={i18n.t('common.dismiss')} icon={X} onClick={() => toast.dismiss(id)} />
      </div>
    ),
    { duration: Infinity },
  );
}
