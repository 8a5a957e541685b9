/** What goes to the person's terminal or pipe. Everything is awaited: a pipe that is slow holds us back, one that is closed ends us quietly. */
export const print = (text: string | Uint8Array): Promise<void> => write(process.stdout, text);
export const complain = (text: string): Promise<void> => write(process.stderr, `${text}\n`);

export function write(to: NodeJS.WriteStream, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
