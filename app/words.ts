/** The few words the app says outside its window: the tray's menu and one notice. */
const english = {
  show: 'Open Slipway',
  quit: 'Quit Slipway',
  hiddenTitle: 'Slipway goes on',
  hiddenInTray: 'Your containers keep running. Open or quit Slipway from the tray.',
  hiddenNoTray: 'Your containers keep running. Start Slipway again to see them; its menu has Quit.',
};

const chinese: typeof english = {
  show: '打开 Slipway',
  quit: '退出 Slipway',
  hiddenTitle: 'Slipway 仍在运行',
  hiddenInTray: '容器会继续运行。可从托盘打开或退出 Slipway。',
  hiddenNoTray: '容器会继续运行。再次启动 Slipway 即可查看，退出请用窗口菜单。',
};

export const wordsFor = (locale: string) => (locale.toLowerCase().startsWith('zh') ? chinese : english);
