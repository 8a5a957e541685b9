import { invalid } from '../../base/errors.js';
import type { ContainerRecord } from './record.js';

/** What `docker logs --details` shows before each line, as the log options `labels`, `env`, their `-regex` twins and `tag` ask for it. */
export function logAttributes({ id, name, image, config, hostConfig }: LoggedContainer): string {
  const { labels, 'labels-regex': labelsRegex, env, 'env-regex': envRegex, tag } = hostConfig.LogConfig.Config;
  const environment = Object.fromEntries(
    config.Env.map((entry) => entry.split(/=(.*)/s)).map(([key = '', value = '']) => [key, value]),
  );
  const attributes: Record<string, string> = {
    ...picked(config.Labels, labels, labelsRegex),
    ...picked(environment, env, envRegex),
    ...(tag && { tag: expanded(tag, { id, name, image }) }),
  };
  return Object.keys(attributes)
    .sort()
    .map((key) => `${encoded(key)}=${encoded(attributes[key] ?? '')}`)
    .join(',');
}

type LoggedContainer = Pick<ContainerRecord, 'id' | 'name' | 'image' | 'config' | 'hostConfig'>;

function picked(values: Record<string, string>, names = '', pattern = ''): Record<string, string> {
  const wanted = new Set(names.split(','));
  let matches = (_: string): boolean => false;
  if (pattern) {
    try {
      const expression = new RegExp(pattern);
      matches = (key) => expression.test(key);
    } catch (error) {
      throw invalid(`the log option's pattern ${pattern} is not a regular expression`, { cause: error });
    }
  }
  return Object.fromEntries(Object.entries(values).filter(([key]) => wanted.has(key) || matches(key)));
}

/** `{{.Name}}` and its like; what is not known stays as it is. */
function expanded(tag: string, { id, name, image }: Pick<ContainerRecord, 'id' | 'name' | 'image'>): string {
  const words: Record<string, string> = {
    ID: id.slice(0, 12),
    FullID: id,
    Name: name,
    ImageID: image.id.replace('sha256:', '').slice(0, 12),
    ImageFullID: image.id,
    ImageName: image.reference,
    DaemonName: 'slipway',
  };
  return tag.replace(/\{\{\s*\.(\w+)\s*\}\}/g, (whole, word: string) => words[word] ?? whole);
}

/** As in a query: a space is a plus. */
const encoded = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+');
