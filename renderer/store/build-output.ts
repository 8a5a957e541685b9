/** What a build has said so far. */
export interface BuildOutput {
  /** The end of it, where it is very long. */
  text: string;
  step?: BuildStep;
  /** Steps whose result was there already. */
  cached: number[];
}

/** The instruction that it is at, counted from one. */
export interface BuildStep {
  at: number;
  of: number;
  command: string;
}

const MOST = 1024 * 1024;

export const noOutput: BuildOutput = { text: '', cached: [] };

/** The output with a piece more, which may begin and end within a line. */
export function withMore(output: BuildOutput, piece: string): BuildOutput {
  const { text } = output;
  let { step, cached } = output;
  const lines = (text.slice(text.lastIndexOf('\n') + 1) + piece).split('\n');
  for (const line of lines.slice(0, -1)) {
    const found = /^Step (\d+)\/(\d+) : (.*)$/.exec(line);
    // What a command prints may look like a step, but hardly like one of these.
    if (found && Number(found[1]) <= Number(found[2]) && (!step || step.of === Number(found[2])))
      step = { at: Number(found[1]), of: Number(found[2]), command: found[3] ?? '' };
    else if (step && line === ' ---> Using cache') cached = [...cached, step.at];
  }
  return { text: (text + piece).slice(-MOST), cached, ...(step && { step }) };
}
