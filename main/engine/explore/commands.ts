/** `RUN |2 A=1 B=2 /bin/bash -o pipefail -c `: how a builder says that a shell was run. */
const SHELL = /^(?:RUN )?(?:\|\d+ .*?)?\/bin\/(?:a|ba|da)?sh (?:-[a-z]+ |pipefail )*?-[a-z]*c /;
const NOT_RUN = /^\/bin\/sh -c #\(nop\)\s*/;
const GO_MAP = /^(EXPOSE|VOLUME) map\[(.*)\]$/;

/** What an image's history says of a step, as one would write it in a Dockerfile. */
export function cleanCommand(original: string): string {
  const text = original
    .replace(/\s+# buildkit$/, '')
    .replace(/\s+/g, ' ')
    .trim();
  if (NOT_RUN.test(text)) return tidy(text.replace(NOT_RUN, ''));
  if (SHELL.test(`${text} `)) return `RUN ${text.replace(SHELL, '')}`.trim();
  return tidy(text);
}

function tidy(text: string): string {
  const [, instruction, held = ''] = GO_MAP.exec(text) ?? [];
  if (instruction) return [instruction, ...held.split(' ').map((each) => each.replace(/:\{\}$/, ''))].join(' ').trim();
  // `COPY file:<64 digits> in /etc/`: what was copied has no name, only a checksum.
  return text.replace(/^(ADD|COPY) (file|dir|multi):([0-9a-f]{8})[0-9a-f]* in (.*)$/, '$1 $2:$3… $4').trim();
}
