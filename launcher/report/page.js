'use strict';
// Draws the charts of the page from the JSON in #curves and makes tables sortable. Texts from files
// reach the page only as canvas text or textContent.
(() => {
  const data = JSON.parse(document.getElementById('curves').textContent);
  const charts = new Map();  // figure -> Chart

  const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const faded = hex => hex + '33';
  const series = index => ({color: color('--c' + index % 7), dash: [[], [6, 3], [2, 2]][Math.floor(index / 7) % 3]});

  const shortened = text => text.length > 36 ? text.slice(0, 35) + '\u2026' : text;
  const line = (label, points, style) => ({
    label, data: points.map(p => ({x: p[0], y: p[1], n: p[4], low: p[2], high: p[3]})),
    borderColor: style.color, backgroundColor: style.color, borderDash: style.dash || [],
    borderWidth: style.width || 2, pointRadius: points.length > 1 ? 0 : 3, pointHitRadius: 8, tension: 0,
  });

  // The mean, and behind it the area between the lowest and the highest seed.
  function band(label, points, style) {
    const edge = (at, fill) => ({
      data: points.map(p => ({x: p[0], y: p[at]})), isEdge: true, fill, borderWidth: 0, pointRadius: 0, pointHitRadius: 0,
      backgroundColor: faded(style.color), borderColor: 'transparent',
    });
    const mean = line(label, points, style);
    return points.some(p => p[4] > 1) ? [mean, edge(2, false), edge(3, '-1')] : [mean];
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

  function compareDatasets(cells, what) {
    return cells.flatMap((cell, index) => {
      const points = what === 'train' ? cell.bands.train_error : heldOut(cell);
      return points ? [line(shortened(cell.label), points, series(index))] : [];
    });
  }

  const digits = value => Number(value.toPrecision(4)).toString();

  function tooltip(item) {
    const p = item.raw;
    const spread = p.n > 1 ? ' (' + digits(p.low) + ' to ' + digits(p.high) + ', ' + p.n + ' runs)' : '';
    return item.dataset.label + ': ' + digits(p.y) + spread;
  }

  function axis(title, integers) {
    return {
      type: 'linear', grid: {color: color('--line')}, ticks: {color: color('--faint'), precision: integers ? 0 : undefined, maxTicksLimit: 8},
      title: {display: !!title, text: title, color: color('--faint')}, beginAtZero: !integers,
    };
  }

  function draw(figure) {
    const [kind, which] = figure.dataset.chart.split(' ');
    const cells = data.tables[figure.dataset.table].cells;
    const datasets = kind === 'compare' ? compareDatasets(cells, which) : cellDatasets(cells[which], kind);
    if (datasets.length === 0) { figure.hidden = true; return; }
    charts.get(figure)?.destroy();
    charts.set(figure, new Chart(figure.querySelector('canvas'), {
      type: 'line', data: {datasets},
      options: {
        animation: false, maintainAspectRatio: false, normalized: true, interaction: {mode: 'nearest', axis: 'x', intersect: false},
        scales: {x: axis('epoch', true), y: axis('', false)},
        plugins: {
          legend: {position: 'bottom', labels: {color: color('--ink'), boxWidth: 18, boxHeight: 1,
            filter: (item, all) => !all.datasets[item.datasetIndex].isEdge},
            onClick(event, item, legend) {  // the band goes with its line
              const all = legend.chart.data.datasets, show = !legend.chart.isDatasetVisible(item.datasetIndex);
              let i = item.datasetIndex;
              do { legend.chart.setDatasetVisibility(i, show); ++i; } while (all[i] && all[i].isEdge);
              legend.chart.update();
            }},
          tooltip: {filter: item => !item.dataset.isEdge, callbacks: {title: items => items.length ? 'epoch ' + items[0].parsed.x : '', label: tooltip}},
        },
      },
    }));
  }

  const figures = [...document.querySelectorAll('figure[data-chart]')];
  const redraw = () => { for (const figure of charts.keys()) draw(figure); };
  // A sweep may have hundreds of charts: then each is drawn when it comes near the screen.
  const fewCharts = 40;
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, {rootMargin: '600px'});
  figures.forEach(figure => figures.length <= fewCharts ? draw(figure) : seen.observe(figure));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  addEventListener('beforeprint', () => {
    document.documentElement.classList.add('printing');
    figures.forEach(draw);
    for (const chart of charts.values()) chart.resize();
  });
  addEventListener('afterprint', () => { document.documentElement.classList.remove('printing'); redraw(); });

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

  function sort(table, column) {
    const headings = [...table.tHead.rows[0].cells], heading = headings[column];
    const ascending = heading.getAttribute('aria-sort') !== 'ascending';
    headings.forEach(h => h.removeAttribute('aria-sort'));
    heading.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    const body = table.tBodies[0];
    [...body.rows].map(row => ({row, key: key(row, column)}))
      .sort((a, b) => compare(a.key, b.key, ascending ? 1 : -1)).forEach(entry => body.append(entry.row));
  }

  for (const table of document.querySelectorAll('table'))
    if (table.tHead)
      [...table.tHead.rows[0].cells].forEach((heading, column) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = heading.textContent;
        button.addEventListener('click', () => sort(table, column));
        heading.replaceChildren(button);
      });
})();
