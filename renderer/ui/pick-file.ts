/** What is on this machine's disk and looks like a tar. */
export const ARCHIVES = '.tar,.tar.gz,.tgz,.tar.zst,.tzst,.gz,.zst,.xz,.bz2';

/** The desktop's dialog for one file; nothing happens where the person changes their mind. */
export function pickFile(accept: string, onPick: (file: File) => void): void {
  document.querySelector('[data-pick]')?.remove();
  const field = document.createElement('input');
  field.type = 'file';
  field.accept = accept;
  field.hidden = true;
  field.dataset['pick'] = '';
  field.addEventListener('change', () => {
    const [file] = field.files ?? [];
    field.remove();
    if (file) onPick(file);
  });
  document.body.append(field);
  field.click();
}
