import { useEffect, useMemo, useState } from 'react';
import type { CheckAnswer, CheckRequest } from '../../../main/contract/check.js';
import type { ImageConfig } from '../../../main/contract/images.js';
import { namedImages } from '../image-names.js';
import { familiar } from '../reference.js';
import { useEngine, useEngineStore } from '../../store/index.js';
import { useAnswer } from '../use-answer.js';
import { questionOf, type FormFacts } from './problems.js';
import type { ContainerForm } from './value.js';

/** How long somebody has to stop typing before the engine is asked. */
const PAUSE_MS = 200;

/** What the engine says about the form, asked anew when the form or its containers change. `own`: a container that may keep its name. */
export function useFormFacts(form: ContainerForm, own?: string): { facts: FormFacts; image: ImageConfig | undefined } {
  const { client } = useEngineStore();
  const features = useEngine((state) => state.features);
  const cores = useEngine((state) => state.info?.NCPU);
  const images = useEngine((state) => state.images);
  const containers = useEngine((state) => state.containers);
  const canCheck = features?.can?.includes('check') === true;
  const { value: networks } = useAnswer(() => client.networks.list(), client);
  // Containers come, go and are renamed: then names, ports and volumes may be free or taken.
  const roster = containers?.map(({ Names }) => Names.join()).join(' ');
  const { value: volumes } = useAnswer(() => client.volumes.list(), roster);

  const looks = useLooks();
  const question = JSON.stringify(questionOf(form) ?? null);
  const [check, setCheck] = useState<CheckAnswer>();
  useEffect(() => {
    const asked = JSON.parse(question) as CheckRequest | null;
    if (!canCheck || !asked) return;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      client.slipway.check(asked, { signal: stop.signal }).then(
        (answer) => !stop.signal.aborted && setCheck(answer),
        // Whoever creates it is told why by the engine itself.
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [client, canCheck, question, roster, looks]);

  const wanted = familiar(form.image);
  const here = useMemo(
    () => namedImages(images ?? []).find(({ reference, id }) => reference === wanted || id === form.image.trim())?.id,
    [images, wanted, form.image],
  );
  const answered = check?.Image?.Reference === form.image.trim() ? check.Image.Id : undefined;
  const imageId = here ?? answered ?? undefined;
  const { value: found } = useAnswer(async () => {
    if (imageId === undefined) return undefined;
    return { id: imageId, config: (await client.images.inspect(imageId)).Config };
  }, imageId);

  const facts = useMemo((): FormFacts => {
    const names = new Map(
      (containers ?? []).flatMap(({ Id, Names }) =>
        Names.map((name): [string, string] => [name.replace(/^\//, ''), Id]),
      ),
    );
    for (const [name, id] of names) if (id === own) names.delete(name);
    const answer = check?.Name?.Container?.Id === own ? { ...check, Name: undefined } : check;
    return {
      ...(cores !== undefined && { cores }),
      // Another engine is taken at Docker's word.
      canPublish: features === undefined || features.can?.includes('publish') === true,
      ...(networks && { networks: networks.map(({ Name }) => Name) }),
      ...(volumes && { volumes: (volumes.Volumes ?? []).map(({ Name }) => Name) }),
      names,
      ...(answer && { check: answer as CheckAnswer }),
      ...((images || answered !== undefined) && { imageHere: imageId !== undefined }),
    };
  }, [containers, own, check, cores, features, networks, volumes, images, answered, imageId]);
  return { facts, image: found?.id === imageId ? found?.config : undefined };
}

/** How often somebody came back to the window: what stood in the way may be gone. */
function useLooks(): number {
  const [looks, setLooks] = useState(0);
  useEffect(() => {
    const look = () => setLooks((before) => before + 1);
    window.addEventListener('focus', look);
    return () => window.removeEventListener('focus', look);
  }, []);
  return looks;
}
