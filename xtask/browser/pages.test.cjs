// Pages of results in a real browser, as people use them: opened, sorted, filtered,
// unfolded, read in the dark, on a telephone, on paper, by keyboard, without a script.
// `PAGES` is the folder with the pages, `PICTURES` the one for screenshots.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test: limitless } = require('node:test');
const axe = require('axe-core');
const { launch, open } = require('./open.cjs');

const folder = process.env.PAGES;
const pictures = process.env.PICTURES;
const names = fs.readdirSync(folder).filter((name) => name.endsWith('.html')).map((name) => name.slice(0, -5));
const file = (name) => path.join(folder, name + '.html');
const WANTED = ['green', 'slow-task', 'errors', 'login-throttled', 'interrupted', 'regression', 'hostile', 'hour'];

// A browser that hangs fails a test, and does not hold up CI.
const LIMIT = { timeout: 120_000 };
const test = (name, look) => limitless(name, LIMIT, look);

let browser;
before(async () => { browser = await launch(); }, LIMIT);
after(async () => {
  // One that does not even close keeps Node alive.
  setTimeout(() => process.exit(1), 30_000).unref();
  await browser.close();
}, LIMIT);

const withPage = async (name, options, look) => {
  const opened = await open(browser, file(name), options);
  try {
    await look(opened.page, opened.said);
    assert.deepEqual(opened.said, [], name + ' complains, or asks the network');
  } finally {
    await opened.context.close();
  }
};

const unfoldAll = (page) => page.evaluate(() =>
  document.querySelectorAll('details').forEach((one) => { one.open = true; }));

/** What sticks out to the right of the window, innermost first; empty if nothing. */
const tooWide = (page) => page.evaluate(() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const isOut = (one) => one.getBoundingClientRect().right > page.clientWidth + 0.5;
  const found = [...document.body.querySelectorAll('*')].filter(isOut).reverse().slice(0, 5);
  return [page.scrollWidth + ' px', ...found.map((one) => one.outerHTML.slice(0, 120))];
});

const grave = async (page) => {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
  }));
  assert.ok(found.passes.length > 10, 'axe looked at nothing');
  const isGrave = (one) => one.impact === 'serious' || one.impact === 'critical';
  return found.violations.filter(isGrave).map((one) =>
    one.id + ': ' + one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + ' ' + node.failureSummary).join(' | '));
};

test('every kind of run is there', () => {
  assert.deepEqual(WANTED.filter((name) => !names.includes(name)), []);
});

for (const name of names) {
  describe(name, () => {
    test('opens without a complaint and without the network, and is no wider than its window', async () => {
      await withPage(name, {}, async (page) => {
        assert.match(await page.locator('h1').innerText(), /(PASSED|FAILED|INVALID|ERROR|INTERRUPTED|REFUSED)/);
        assert.equal(await page.locator('script').count(), 1);
        assert.equal(await page.locator('img, iframe, object, form').count(), 0);
        await page.screenshot({ path: path.join(pictures, name + '-light.png') });
        await unfoldAll(page);
        assert.deepEqual(await tooWide(page), []);
      });
    });

    test('fits 400 pixels', async () => {
      await withPage(name, { viewport: { width: 400, height: 800 } }, async (page) => {
        await page.screenshot({ path: path.join(pictures, name + '-narrow.png') });
        assert.deepEqual(await tooWide(page), []);
        await unfoldAll(page);
        assert.deepEqual(await tooWide(page), []);
      });
    });

    test('is dark where dark is wished for', async () => {
      await withPage(name, {}, async (page) => {
        const colours = () => page.evaluate(() => ['body', 'h1', 'header', 'h2'].map((one) => {
          const style = getComputedStyle(document.querySelector(one));
          return style.color + ' on ' + style.backgroundColor;
        }));
        const light = await colours();
        await page.emulateMedia({ colorScheme: 'dark' });
        const dark = await colours();
        light.forEach((one, index) => assert.notEqual(one, dark[index]));
        const paper = dark[0].split(' on ')[1].match(/\d+/g).slice(0, 3).map(Number);
        assert.ok(Math.max(...paper) < 64, 'the paper is not dark: ' + paper);
        await page.screenshot({ path: path.join(pictures, name + '-dark.png') });
      });
    });

    test('axe finds nothing grave, light or dark, folded or not', async () => {
      await withPage(name, {}, async (page) => {
        assert.deepEqual(await grave(page), []);
        await unfoldAll(page);
        assert.deepEqual(await grave(page), []);
        await page.emulateMedia({ colorScheme: 'dark' });
        assert.deepEqual(await grave(page), []);
      });
    });

    test('is whole without a script', async () => {
      await withPage(name, { javaScriptEnabled: false }, async (page) => {
        await page.screenshot({ path: path.join(pictures, name + '-no-script.png'), fullPage: name !== 'hour' });
        assert.equal(await page.locator('thead button').count(), 0, 'the script ran');
        await isRead(page);
        const summaries = await page.locator('summary').all();
        // Native elements: they unfold by themselves.
        for (const summary of summaries.slice(0, 6)) {
          await summary.click();
          assert.ok(await summary.evaluate((one) => one.parentElement.open));
        }
      });
    });

    test('hides nothing on paper', async () => {
      await withPage(name, {}, async (page) => {
        await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
        await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
        await page.screenshot({ path: path.join(pictures, name + '-print.png') });
        await isRead(page);
        for (const part of await page.locator('details.task > div, details.support > ul').all()) {
          assert.ok(await part.isVisible(), 'folded on paper');
        }
        const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        assert.equal(paper, 'rgb(255, 255, 255)');
        assert.ok(!await page.locator('nav').isVisible());
      });
    });

    test('sorts by every column, and says so', async () => {
      await withPage(name, {}, async (page) => {
        await unfoldAll(page);
        for (const table of await page.locator('table.sorts').all()) await sorts(table);
      });
    });

    test('is used by keyboard alone', async () => {
      await withPage(name, {}, async (page) => {
        const wanted = 'a[href], thead button, summary, input, [tabindex="0"]';
        const count = await page.evaluate((wanted) =>
          [...document.querySelectorAll(wanted)].filter((one) => one.checkVisibility()).length, wanted);
        for (let presses = 0; presses <= count; presses += 1) {
          await page.keyboard.press('Tab');
          await page.evaluate(() => { document.activeElement.dataset.reached = ''; });
        }
        const missed = await page.evaluate((wanted) => [...document.querySelectorAll(wanted)]
          .filter((one) => one.checkVisibility() && !('reached' in one.dataset))
          .map((one) => one.outerHTML.slice(0, 100)), wanted);
        assert.deepEqual(missed, [], 'not reached by tabulator');
        const summary = page.locator('summary').first();
        if (await summary.count()) {
          await summary.focus();
          await page.keyboard.press('Enter');
          assert.ok(await summary.evaluate((one) => one.parentElement.open), 'Enter does not unfold');
        }
        const button = page.locator('thead button').first();
        if (await button.count()) {
          await button.evaluate((one) => { for (let up = one; up; up = up.parentElement) if (up.tagName === 'DETAILS') up.open = true; });
          await button.focus();
          await page.keyboard.press('Space');
          assert.ok(await button.evaluate((one) => one.closest('th').hasAttribute('aria-sort')), 'Space does not sort');
        }
      });
    });
  });
}

/** The verdict, its sentence, each threshold and each table that is not folded. */
const isRead = async (page) => {
  const parts = 'h1 .verdict, h1 .code, .sentence, header .facts dd, .thresholds > li .rule, '
    + '.thresholds > li .figures, .thresholds > li .drawn';
  for (const part of await page.locator(parts).all()) {
    const box = await part.boundingBox();
    assert.ok(box && box.width > 0 && box.height > 0, 'hidden: ' + await part.evaluate((one) => one.outerHTML.slice(0, 160)));
  }
  const tables = await page.evaluate(() => [...document.querySelectorAll('table')]
    .filter((one) => !one.closest('details:not([open])'))
    .filter((one) => !one.checkVisibility() || [...one.tBodies[0].rows].some((row) => !row.checkVisibility()))
    .map((one) => one.outerHTML.slice(0, 100)));
  assert.deepEqual(tables, [], 'hidden tables');
};

const sorts = async (table) => {
  const columns = await table.locator('thead button').count();
  assert.ok(columns > 0, 'a table of the class sorts has no button');
  for (let column = 0; column < columns; column += 1) {
    const values = () => table.evaluate((one, column) => [...one.tBodies[0].rows].map((row) => {
      const cell = row.cells[column];
      return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
    }), column);
    const head = table.locator('thead th').nth(column);
    const seen = [];
    for (const click of [1, 2]) {
      await head.locator('button').click();
      const order = await head.getAttribute('aria-sort');
      const sign = order === 'ascending' ? 1 : -1;
      const now = await values();
      const isSorted = now.every((value, index) => index === 0 || sign * compare(now[index - 1], value) <= 0);
      assert.ok(isSorted, `column ${column}, click ${click}, ${order}: ${now}`);
      assert.equal(await table.locator('th[aria-sort]').count(), 1);
      seen.push(order + ' ' + now.join());
    }
    assert.notEqual(seen[0].split(' ')[0], seen[1].split(' ')[0], 'the second click turns the order');
    const distinct = new Set(await values()).size;
    if (distinct > 1) assert.notEqual(seen[0], seen[1].replace(/^\S+/, seen[0].split(' ')[0]), 'the rows did not move');
  }
};

const compare = (a, b) => typeof a === 'number' && typeof b === 'number'
  ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });

test('a table filters', async () => {
  await withPage('slow-task', {}, async (page) => {
    const table = page.locator('section#tasks table.filters');
    const shown = () => table.evaluate((one) =>
      [...one.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].querySelector('a').textContent));
    const all = await shown();
    await page.locator('section#tasks .filter input').fill('DRIFT');
    assert.deepEqual((await shown()).sort(), ['filter_drift_by_severity', 'list_drift_events']);
    assert.equal(await page.locator('section#tasks .filter [role=status]').innerText(), '2 of ' + all.length);
    await page.locator('section#tasks .filter input').fill('');
    assert.deepEqual(await shown(), all);
  });
});

test('a task unfolds by a click, and by a link to it', async () => {
  await withPage('slow-task', {}, async (page) => {
    const task = page.locator('details.task').first();
    assert.ok(!await task.locator('> div').isVisible());
    await task.locator('> summary').click();
    assert.ok(await task.locator('> div').isVisible());
    await page.locator('details.task').nth(1).scrollIntoViewIfNeeded();
    await page.locator('section#tasks tbody a').nth(2).click();
    await page.waitForFunction(() => document.querySelectorAll('details.task')[2].open);
  });
  await withPage('slow-task', { fragment: '#task-1' }, async (page) => {
    assert.ok(await page.locator('#task-1').isVisible());
  });
});

test('the chart over time is read by pointing at it', async () => {
  await withPage('green', {}, async (page) => {
    const chart = page.locator('.over-time svg.chart').first();
    await chart.scrollIntoViewIfNeeded();
    await chart.hover();
    assert.match(await page.locator('.readout').innerText(), /users \d+ · requests\/s [\d.]+ · .*p95 ms/);
  });
});

test('a hostile text stays a text', async () => {
  await withPage('hostile', {}, async (page) => {
    assert.equal(await page.evaluate(() => document.querySelectorAll('script').length), 1);
    const text = await page.evaluate(() => document.documentElement.outerHTML);
    assert.ok(text.includes('&lt;script&gt;alert(1)'), 'this is not the hostile run');
    assert.ok(!/[\u001b\u202a-\u202e\u2066-\u2069]/.test(text), 'a control character is in the page');
  });
});
