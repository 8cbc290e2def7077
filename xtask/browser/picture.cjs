// A page of results as a picture: the upper part of a window.
// Arguments: page, picture, width, height in pixels.
'use strict';
const { launch, open } = require('./open.cjs');

// A browser that hangs is given up.
setTimeout(() => {
  console.error('the browser hangs');
  process.exit(1);
}, 120_000).unref();

(async () => {
  const [file, picture, width, height] = process.argv.slice(2);
  const browser = await launch();
  const { page } = await open(browser, file, { viewport: { width: Number(width), height: Number(height) } });
  await page.screenshot({ path: picture });
  await browser.close();
})().catch((error) => {
  console.error(String(error));
  process.exitCode = 1;
});
