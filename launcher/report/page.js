'use strict';
// Draws the charts of the page from the JSON in #curves, makes tables sortable and, where a server
// shows the page, keeps it new. Texts from files reach the page only as canvas text, as textContent,
// or in pages that the server escaped.
(() => {
  const root = document.documentElement;
  const charts = new Map();  // figure -> Chart
  let data = JSON.parse(document.getElementById('curves').textContent);

  const color = name => getComputedStyle(root).getPropertyValue(name).trim();
  const faded = (hex, alpha) => hex + (alpha || '33');
  const series = index => ({color: color('--c' + index % 7), dash: [[], [6, 3], [2, 2]][Math.floor(index / 7) % 3]});
  const shortened = text => text.length > 36 ? text.slice(0, 35) + '\u2026' : text;
  const digits = value => Number(value.toPrecision(4)).toString();

  // ---- curves over epochs

  const line = (label, points, style) => ({
    label, data: points.map(p => ({x: p[0], y: p[1], low: p[2], high: p[3], n: p[4]})),
    borderColor: style.color, backgroundColor: style.color, borderDash: style.dash || [],
    borderWidth: style.width || 2, pointRadius: points.length > 1 ? 0 : 3, pointHitRadius: 8, tension: 0,
  });

  // The mean, and behind it the area between the lowest and the highest seed.
  function band(label, points, style) {
    const edge = (at, fill) => ({
      data: points.map(p => ({x: p[0], y: p.length > 2 ? p[at] : p[1]})), isEdge: true, fill, borderWidth: 0, pointRadius: 0,
      pointHitRadius: 0, backgroundColor: faded(style.color), borderColor: 'transparent',
    });
    const mean = line(label, points, style);
    return points.some(p => p.length > 2) ? [mean, edge(2, false), edge(3, '-1')] : [mean];
  }

  const kinds = [['train', 'training', 1], ['validation', 'validation', 0], ['test', 'test', 2]];

  function cellDatasets(cell, what) {
    const datasets = [];
    for (const [key, label, index] of kinds)
      if (cell.bands[key + '_' + what]) datasets.push(...band(label, cell.bands[key + '_' + what], series(index)));
    for (const run of cell.alone)
      for (const [key, label, index] of kinds)
        if (run.curves[key + '_' + what])
          datasets.push(line(label + ', ' + run.label, run.curves[key + '_' + what],
            {color: series(index).color, dash: [3, 3], width: 1}));
    return datasets;
  }

  const heldOut = cell => cell.bands.validation_error || cell.bands.test_error;

  // Up to 12 rows in colours; of more the best seven, and some of the others faint behind them.
  function compareDatasets(cells, what) {
    const all = cells.map(cell => ({cell, points: what === 'train' ? cell.bands.train_error : heldOut(cell)})).filter(c => c.points);
    if (all.length <= 12) return all.map((c, i) => line(shortened(c.cell.label), c.points, series(i)));
    const ranked = [...all].sort((a, b) => a.points[a.points.length - 1][1] - b.points[b.points.length - 1][1]);
    const best = ranked.slice(0, 7), rest = ranked.slice(7), step = Math.ceil(rest.length / 60);
    const faint = {color: faded(color('--faint'), '40'), width: 1};
    return best.map((c, i) => line(shortened(c.cell.label), c.points, series(i)))
      .concat(rest.filter((c, i) => i % step === 0).map(c => ({...line(shortened(c.cell.label), c.points, faint), isFaint: true})));
  }

  function spread(p) {
    return p.n > 1 ? ' (' + digits(p.low) + ' to ' + digits(p.high) + ', ' + p.n + ' runs)' : '';
  }

  // ---- error against depth and time, gates

  const span = values => [values.reduce((a, b) => a + b, 0) / values.length, Math.min(...values), Math.max(...values), values.length];

  function depthDatasets(cells, what) {
    const groups = new Map();
    for (const cell of cells)
      if (cell.depth !== undefined && cell.runs.length > 0) {
        if (!groups.has(cell.series)) groups.set(cell.series, []);
        groups.get(cell.series).push([cell.depth, ...span(cell.runs.map(run => run[what === 'train' ? 2 : 1]))]);
      }
    return [...groups].slice(0, 14).map(([label, points], i) => ({
      ...line(shortened(label), points.sort((a, b) => a[0] - b[0]), series(i)), pointRadius: 4, hasBars: true,
    }));
  }

  // Seconds, minutes or hours, whatever makes short numbers of the longest run.
  function timeUnit(cells) {
    const longest = Math.max(0, ...cells.flatMap(cell => cell.runs.map(run => run[0])));
    return longest < 180 ? ['s', 1] : longest < 10800 ? ['min', 60] : ['h', 3600];
  }

  function timeDatasets(cells) {
    const [, unit] = timeUnit(cells);
    const point = (cell, run) => ({x: run[0] / unit, y: run[1], what: cell.label});
    const few = cells.filter(cell => cell.runs.length > 0).length <= 14;
    let i = 0;
    const dots = (label, points, style) => ({type: 'scatter', label, data: points, borderColor: style.color,
      backgroundColor: faded(style.color, 'b0'), pointRadius: 4, pointHitRadius: 6});
    if (few) return cells.filter(cell => cell.runs.length > 0)
      .map(cell => dots(shortened(cell.label), cell.runs.map(run => point(cell, run)), series(i++)));
    return [dots('runs', cells.flatMap(cell => cell.runs.map(run => point(cell, run))), series(0))];
  }

  function gateDatasets(gates) {
    const at = values => values.map((y, i) => ({x: i + 1, y, what: gates.names[i]}));
    const datasets = [{type: 'bar', label: 'open', data: at(gates.open), backgroundColor: faded(color('--c0'), 'a0'), barPercentage: 0.9, categoryPercentage: 1}];
    if (gates.survival.some(p => p < 1))
      datasets.unshift({type: 'line', label: 'probability', data: at(gates.survival), borderColor: color('--c1'),
        backgroundColor: color('--c1'), borderWidth: 2, borderDash: [5, 3], pointRadius: 0, pointHitRadius: 6});
    return datasets;
  }

  // Lines from the lowest to the highest run through every point.
  const errorBars = {
    id: 'errorBars',
    afterDatasetsDraw(chart) {
      chart.data.datasets.forEach((dataset, index) => {
        if (!dataset.hasBars || !chart.isDatasetVisible(index)) return;
        chart.getDatasetMeta(index).data.forEach((point, i) => {
          const p = dataset.data[i];
          if (!(p.n > 1)) return;
          const {ctx, scales} = chart;
          ctx.save();
          ctx.strokeStyle = dataset.borderColor;
          ctx.lineWidth = 1.5;
          ctx.beginPath();
          ctx.moveTo(point.x, scales.y.getPixelForValue(p.low));
          ctx.lineTo(point.x, scales.y.getPixelForValue(p.high));
          ctx.stroke();
          ctx.restore();
        });
      });
    },
  };

  // ---- drawing

  function datasetsOf(kind, which, cells) {
    switch (kind) {
      case 'compare': return compareDatasets(cells, which);
      case 'depth': return depthDatasets(cells, which);
      case 'time': return timeDatasets(cells);
      case 'gates': return cells[which].gates ? gateDatasets(cells[which].gates) : [];
      default: return cellDatasets(cells[which], kind);
    }
  }

  const xAxis = (kind, cells) => {
    if (kind === 'depth') return {title: 'depth'};
    if (kind === 'time') return {title: 'training time (' + timeUnit(cells)[0] + ')', fromZero: true};
    return kind === 'gates' ? {title: 'gate, from the input on', precision: 0} : {title: 'epoch', precision: 0};
  };

  function axis(options) {
    return {
      type: 'linear', grid: {color: color('--line')}, border: {display: false},
      ticks: {color: color('--faint'), precision: options.precision, maxTicksLimit: 8},
      title: {display: !!options.title, text: options.title, color: color('--faint')}, beginAtZero: !!options.fromZero, max: options.max,
    };
  }

  function titleOf(kind, cells, items) {
    if (items.length === 0) return '';
    const x = items[0].parsed.x;
    if (kind === 'depth') return 'depth ' + x;
    if (kind === 'time') return digits(x) + ' ' + timeUnit(cells)[0];
    return kind === 'gates' ? x + ': ' + items[0].raw.what : 'epoch ' + x;
  }

  function labelOf(kind, item) {
    const p = item.raw;
    return (kind === 'time' ? p.what : item.dataset.label) + ': ' + digits(p.y) + spread(p);
  }

  function draw(figure) {
    const [kind, which] = figure.dataset.chart.split(' ');
    const table = data.tables[figure.dataset.table];
    const datasets = table ? datasetsOf(kind, which, table.cells) : [];
    figure.hidden = datasets.length === 0;
    charts.get(figure)?.destroy();
    charts.delete(figure);
    if (figure.hidden) return;
    const narrow = root.clientWidth < 640;
    charts.set(figure, new Chart(figure.querySelector('canvas'), {
      type: kind === 'gates' ? 'bar' : 'line', data: {datasets}, plugins: [errorBars],
      options: {
        animation: false, maintainAspectRatio: false, normalized: true, interaction: {mode: 'nearest', axis: kind === 'time' ? 'xy' : 'x', intersect: false},
        scales: {x: axis(xAxis(kind, table.cells)), y: axis({fromZero: true, max: kind === 'gates' ? 1 : undefined})},
        plugins: {
          legend: {position: 'bottom', display: kind !== 'time' || datasets.length > 1,
            labels: {color: color('--ink'), boxWidth: 18, boxHeight: kind === 'time' || kind === 'gates' ? 8 : 1, font: {size: narrow ? 11 : 12},
              filter: (item, all) => !all.datasets[item.datasetIndex].isEdge && !all.datasets[item.datasetIndex].isFaint},
            onClick(event, item, legend) {  // the band goes with its line
              const all = legend.chart.data.datasets, show = !legend.chart.isDatasetVisible(item.datasetIndex);
              let i = item.datasetIndex;
              do { legend.chart.setDatasetVisibility(i, show); ++i; } while (all[i] && all[i].isEdge);
              legend.chart.update();
            }},
          tooltip: {filter: (item, index) => !item.dataset.isEdge && index < 12,
            callbacks: {title: items => titleOf(kind, table.cells, items), label: item => labelOf(kind, item)}},
        },
      },
    }));
  }

  const figuresNow = () => [...document.querySelectorAll('figure[data-chart]')];
  const redraw = () => { for (const figure of [...charts.keys()]) draw(figure); };
  // A sweep may have hundreds of charts: then each is drawn when it comes near the screen.
  const fewCharts = 40;
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, {rootMargin: '600px'});
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  addEventListener('beforeprint', () => {
    root.classList.add('printing');
    figuresNow().forEach(draw);
    for (const chart of charts.values()) chart.resize();
  });
  addEventListener('afterprint', () => { root.classList.remove('printing'); redraw(); });

  // ---- tables

  // By number where cells carry one, else by text; cells without anything come last either way.
  function key(row, column) {
    const cell = row.cells[column];
    if (!cell || cell.textContent === '') return null;
    return cell.dataset.sort === undefined ? cell.textContent : Number(cell.dataset.sort);
  }

  function compare(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), undefined, {numeric: true}));
  }

  function sort(table, column, ascending) {
    const headings = [...table.tHead.rows[0].cells], heading = headings[column];
    if (!heading) return;
    headings.forEach(h => h.removeAttribute('aria-sort'));
    heading.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    const body = table.tBodies[0];
    [...body.rows].map(row => ({row, key: key(row, column)}))
      .sort((a, b) => compare(a.key, b.key, ascending ? 1 : -1)).forEach(entry => body.append(entry.row));
  }

  // A narrow screen has no headings to press: it gets a list.
  function sortChoice(table, headings) {
    const label = document.createElement('label'), select = document.createElement('select');
    label.className = 'sortby';
    select.append(...['', ...headings.map(h => h.textContent)].map((text, i) => new Option(text, i - 1)));
    select.addEventListener('change', () => { if (select.value >= 0) sort(table, Number(select.value), true); });
    label.append('sort by ', select);
    return label;
  }

  function makeSortable(table) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = heading.textContent;
      button.addEventListener('click', () => sort(table, column, heading.getAttribute('aria-sort') !== 'ascending'));
      heading.replaceChildren(button);
    });
    if (table.tBodies[0].rows.length > 3) table.parentElement.before(sortChoice(table, headings));
    // Long tables come without the labels that a narrow screen shows before every cell.
    for (const row of table.tBodies[0].rows)
      [...row.cells].forEach((cell, column) => { if (!cell.dataset.label && headings[column]) cell.dataset.label = headings[column].textContent; });
  }

  // ---- what is done with a page, whether it came with the window or later

  function choose(select) {
    const pair = select.closest('p').nextElementSibling;
    for (const figure of pair.querySelectorAll('figure')) {
      figure.dataset.chart = figure.dataset.chart.split(' ')[0] + ' ' + select.value;
      draw(figure);
    }
  }

  function prepare() {
    for (const table of document.querySelectorAll('main table')) if (table.tHead) makeSortable(table);
    for (const select of document.querySelectorAll('select.choice')) select.addEventListener('change', () => choose(select));
    const figures = figuresNow();
    figures.forEach(figure => figures.length <= fewCharts ? draw(figure) : seen.observe(figure));
  }
  prepare();

  // ---- a page that is served

  // Where the reader is, as names that the next page has too.
  function place() {
    const nearby = [...document.querySelectorAll('main h1, main h2, main h3, main summary')].map(e => ({e, top: e.getBoundingClientRect().top}))
      .filter(m => m.top <= innerHeight / 3).pop();
    const text = e => e.tagName + e.textContent;
    return {
      mark: nearby && text(nearby.e), top: nearby && nearby.top,
      open: new Set([...document.querySelectorAll('main details[open] > summary')].map(text)),
      choices: [...document.querySelectorAll('select.choice')].map(s => s.selectedOptions[0]?.textContent),
      sorts: [...document.querySelectorAll('main table')].map(t => {
        const column = t.tHead ? [...t.tHead.rows[0].cells].findIndex(h => h.hasAttribute('aria-sort')) : -1;
        return column < 0 ? null : {column, ascending: t.tHead.rows[0].cells[column].getAttribute('aria-sort') === 'ascending'};
      }),
      hidden: new Map([...charts].map(([f, c]) => [f.dataset.table + f.dataset.chart,
        c.data.datasets.filter((d, i) => !c.isDatasetVisible(i)).map(d => d.label)])),
    };
  }

  function goTo(was) {
    const text = e => e.tagName + e.textContent;
    for (const summary of document.querySelectorAll('main details > summary')) if (was.open.has(text(summary))) summary.parentElement.open = true;
    [...document.querySelectorAll('main table')].forEach((t, i) => { if (was.sorts[i]) sort(t, was.sorts[i].column, was.sorts[i].ascending); });
    [...document.querySelectorAll('select.choice')].forEach((s, i) => {
      const option = [...s.options].find(o => o.textContent === was.choices[i]);
      if (option) { s.value = option.value; choose(s); }
    });
    for (const [figure, chart] of charts) {
      const hidden = was.hidden.get(figure.dataset.table + figure.dataset.chart) || [];
      if (hidden.length === 0) continue;
      let hide = false;
      chart.data.datasets.forEach((d, i) => { if (!d.isEdge) hide = hidden.includes(d.label); chart.setDatasetVisibility(i, !hide); });
      chart.update();
    }
    const mark = [...document.querySelectorAll('main h1, main h2, main h3, main summary')].find(e => text(e) === was.mark);
    if (mark) scrollBy(0, mark.getBoundingClientRect().top - was.top);
  }

  function take(html) {
    const next = new DOMParser().parseFromString(html, 'text/html');
    const curves = next.getElementById('curves');
    if (!curves || !next.querySelector('main')) return;
    const was = place();
    for (const chart of charts.values()) chart.destroy();
    charts.clear();
    data = JSON.parse(curves.textContent);
    document.title = next.title;
    document.querySelector('main').replaceWith(document.adoptNode(next.querySelector('main')));
    document.querySelector('.made').textContent = next.querySelector('.made').textContent;
    prepare();
    goTo(was);
  }

  function live() {
    const status = document.querySelector('.live');
    const say = (text, good) => { if (status.textContent !== text) status.textContent = text; status.classList.toggle('lost', !good); };
    let etag = null, busy = false;
    async function look() {
      if (busy || document.hidden) return;
      busy = true;
      try {
        const answer = await fetch(location.pathname, {headers: etag ? {'If-None-Match': etag} : {}, cache: 'no-store'});
        if (answer.status === 200) {
          const first = etag === null;
          etag = answer.headers.get('ETag');
          const html = await answer.text();
          if (!first) take(html);
        }
        say(answer.ok || answer.status === 304 ? 'live' : 'the server answers ' + answer.status, answer.ok || answer.status === 304);
      } catch (error) {
        say('the server has gone; what you see is the last it sent', false);
      }
      busy = false;
    }
    setInterval(look, 2000);
    document.addEventListener('visibilitychange', look);
    look();
  }
  if (root.dataset.live !== undefined) live();
})();
