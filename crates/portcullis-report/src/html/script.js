'use strict';
(() => {
  const all = (selector, inside) => [...(inside || document).querySelectorAll(selector)];
  const make = (name, text) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    return element;
  };

  // Tables that sort: a button in each head.
  const key = (row, column) => {
    const cell = row.cells[column];
    const number = cell && cell.dataset.v;
    return number === undefined ? (cell ? cell.textContent : '') : Number(number);
  };
  const compare = (a, b) => typeof a === 'number' && typeof b === 'number'
    ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
  for (const table of all('table.sorts')) {
    const heads = all('thead th', table);
    heads.forEach((head, column) => {
      const button = make('button', head.textContent);
      button.type = 'button';
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const first = head.classList.contains('n') ? 'descending' : 'ascending';
        const other = first === 'ascending' ? 'descending' : 'ascending';
        const order = head.getAttribute('aria-sort') === first ? other : first;
        heads.forEach((one) => one.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', order);
        const sign = order === 'ascending' ? 1 : -1;
        const body = table.tBodies[0];
        const rows = [...body.rows];
        rows.sort((a, b) => sign * compare(key(a, column), key(b, column)));
        body.append(...rows);
      });
    });
  }

  // Tables that filter: a field above those with more than a few rows.
  for (const table of all('table.filters')) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 4) continue;
    const label = make('label', 'Filter');
    label.className = 'filter';
    const input = make('input');
    input.type = 'search';
    const count = make('span');
    count.setAttribute('role', 'status');
    label.append(input, ' ', count);
    table.parentElement.before(label);
    input.addEventListener('input', () => {
      const word = input.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !row.textContent.toLowerCase().includes(word);
        if (!row.hidden) shown += 1;
      }
      count.textContent = word ? shown + ' of ' + rows.length : '';
    });
  }

  // A link to a task unfolds it.
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    const folded = target && target.closest('details');
    if (folded && !folded.open) {
      folded.open = true;
      folded.scrollIntoView();
    }
  };
  addEventListener('hashchange', unfold);
  unfold();

  // On paper what is judged and measured is not folded.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = all('details.task:not([open]), details.support:not([open])');
    opened.forEach((one) => { one.open = true; });
  });
  addEventListener('afterprint', () => opened.forEach((one) => { one.open = false; }));

  // Over time: what the pointer is at, in words, out of the table below.
  const figure = document.querySelector('.over-time');
  const steps = document.querySelector('table.steps');
  if (figure && steps) {
    const [LEFT, RIGHT, WIDTH] = [62, 880, 960];
    const heads = all('thead th', steps).map((head) => head.textContent);
    const rows = [...steps.tBodies[0].rows];
    const readout = figure.querySelector('.readout');
    readout.hidden = false;
    readout.textContent = 'Point at the chart to read its values.';
    const charts = all('svg.chart', figure);
    const cursors = charts.map((chart) => {
      const line = document.createElementNS('http://www.w3.org/2000/svg', 'line');
      line.setAttribute('class', 'cursor');
      line.setAttribute('y1', '6');
      line.setAttribute('y2', String(chart.viewBox.baseVal.height - 28));
      line.setAttribute('visibility', 'hidden');
      chart.append(line);
      return line;
    });
    for (const chart of charts) {
      chart.addEventListener('pointermove', (event) => {
        const box = chart.getBoundingClientRect();
        const x = (event.clientX - box.left) / box.width * WIDTH;
        const share = Math.min(Math.max((x - LEFT) / (RIGHT - LEFT), 0), 0.9999);
        const row = rows[Math.floor(share * rows.length)];
        readout.textContent = heads.map((head, i) => head + ' ' + row.cells[i].textContent).join(' · ');
        for (const line of cursors) {
          const at = String(LEFT + share * (RIGHT - LEFT));
          line.setAttribute('x1', at);
          line.setAttribute('x2', at);
          line.removeAttribute('visibility');
        }
      });
    }
  }
})();
