import { useState } from 'react';
import { CalendarClock, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useEngineStore } from '../../store/index.js';
import { Button } from '../../ui/Button.js';
import { Dialog } from '../../ui/Dialog.js';
import { Field, Problem } from '../../ui/Field.js';
import { notifyDone } from '../../ui/notify.js';
import { useExplain } from '../explain.js';
import { useFailure } from '../use-failure.js';
import { nameOfVolume } from './names.js';
import { PauseLine } from './PauseLine.js';
import { useVolumes } from './use-volumes.js';

/** Hours. */
const usual = [1, 6, 12, 24, 168] as const;

/** When a volume is backed up by itself, and how many of those are kept. */
export function ScheduleDialog({ name, onClose }: { name: string; onClose(): void }) {
  const { t } = useTranslation();
  const explain = useExplain();
  const store = useEngineStore();
  const volume = useVolumes()?.find(({ Name }) => Name === name);
  const before = volume?.Schedule ?? undefined;
  const [every, setEvery] = useState(String(before?.Every ?? 24));
  const [other, setOther] = useState(before !== undefined && !usual.some((hours) => hours === before.Every));
  const [keep, setKeep] = useState(String(before?.Keep ?? 7));
  const [pause, setPause] = useState(before?.Pause ?? true);
  const [busy, setBusy] = useState(false);
  const within = (text: string, most: number) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most;
  const wrongEvery = within(every, 8760) ? undefined : t('volumes.schedule.everyProblem');
  const wrongKeep = within(keep, 1000) ? undefined : t('volumes.schedule.keepProblem');
  const shown = volume ? nameOfVolume(volume) : name;
  const { failure, fail } = useFailure(t('volumes.schedule.title', { name: shown }));
  const run = async (act: () => Promise<unknown>, said: string) => {
    if (busy) return;
    setBusy(true);
    try {
      await act();
      await store.getState().loadVolumes();
      notifyDone(said);
      onClose();
    } catch (error) {
      fail(error);
      setBusy(false);
    }
  };
  const submit = () => {
    if (wrongEvery !== undefined || wrongKeep !== undefined) return;
    const schedule = { Every: Number(every), Keep: Number(keep), Pause: pause };
    void run(() => store.client.backups.setSchedule(name, schedule), t('volumes.schedule.done', { name: shown }));
  };
  return (
    <Dialog
      width="narrow"
      title={t('volumes.schedule.title', { name: shown })}
      description={t('volumes.schedule.text')}
      onClose={onClose}
      onSubmit={submit}
      footer={
        <>
          {before && (
            <Button
              variant="danger"
              icon={Trash2}
              disabled={busy}
              onClick={() =>
                void run(
                  () => store.client.backups.removeSchedule(name),
                  t('volumes.schedule.removed', { name: shown }),
                )
              }
            >
              {t('volumes.schedule.remove')}
            </Button>
          )}
          <span className="grow" />
          <Button variant="ghost" shortcut="Esc" onClick={onClose}>
            {t('common.cancel')}
          </Button>
          <Button variant="primary" type="submit" icon={CalendarClock} shortcut="↵" aria-disabled={busy}>
            {t('volumes.schedule.submit')}
          </Button>
        </>
      }
    >
      <div className="volume-form">
        <Field label={t('volumes.schedule.every')}>
          <select
            className="input"
            name="every"
            value={other ? 'other' : every}
            onChange={({ target: { value } }) => {
              setOther(value === 'other');
              if (value !== 'other') setEvery(value);
            }}
          >
            {usual.map((hours) => (
              <option key={hours} value={hours}>
                {t(`volumes.schedule.usual.h${hours}`)}
              </option>
            ))}
            <option value="other">{t('volumes.schedule.other')}</option>
          </select>
        </Field>
        {other && (
          <Field label={t('volumes.schedule.hours')} problem={wrongEvery}>
            <input
              className="input num"
              name="hours"
              inputMode="numeric"
              value={every}
              onChange={(event) => setEvery(event.target.value.trim())}
            />
          </Field>
        )}
        <Field label={t('volumes.schedule.keep')} hint={t('volumes.schedule.keepHint')} problem={wrongKeep}>
          <input
            className="input num"
            name="keep"
            inputMode="numeric"
            value={keep}
            onChange={(event) => setKeep(event.target.value.trim())}
          />
        </Field>
        <PauseLine volume={volume} checked={pause} onChange={setPause} />
        {before?.Problem && <Problem>{t('volumes.schedule.problem', { problem: explain(before.Problem) })}</Problem>}
        {failure && <Problem>{failure}</Problem>}
      </div>
    </Dialog>
  );
}
