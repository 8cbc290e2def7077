// A browser for pages of results: Debian's Chromium, whatever a page says on its
// console or asks of the network written down.
'use strict';
const { chromium } = require('playwright-core');

exports.launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: ['--disable-dev-shm-usage', '--disable-gpu', '--font-render-hinting=none'],
});

/** Opens a file in a context of its own; `said` is what must stay empty. */
exports.open = async (browser, file, options = {}) => {
  const { fragment = '', ...settings } = options;
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 }, colorScheme: 'light', ...settings,
  });
  const page = await context.newPage();
  const said = [];
  const address = 'file://' + file;
  page.on('console', (message) => said.push(message.type() + ': ' + message.text()));
  page.on('pageerror', (error) => said.push('error: ' + error));
  page.on('dialog', (dialog) => { said.push('dialog: ' + dialog.message()); dialog.dismiss(); });
  page.on('request', (request) => {
    const url = request.url();
    if (url !== address + fragment && url !== address && !url.startsWith('data:')) said.push('request: ' + url);
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI));
  });
  await page.goto(address + fragment);
  return { page, context, said };
};
