import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Whether an installed font has Han glyphs, by fontconfig; where that cannot be asked nobody is told to install anything. */
export async function hanFonts(): Promise<{ han: boolean; hint: string }> {
  const hint = 'fonts-noto-cjk';
  try {
    const { stdout } = await promisify(execFile)('fc-list', [':lang=zh-cn', 'family'], { timeout: 5000 });
    return { han: stdout.trim() !== '', hint };
  } catch {
    return { han: true, hint };
  }
}
