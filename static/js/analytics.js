/*
 * Draws the charts of a segment from the tables below them: <canvas data-chart="line|bars" data-table="id">. A row is a
 * point or a bar, a column a line or a colour (data-color, data-below for bars that hang down); a link in a cell is where
 * its bar leads. Without this module the tables say the same.
 */

const number = (cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value));

function colour(name) {
  // What a property with light-dark() comes to is only known to an element that uses it.
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function read(table) {
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  return {
    labels: rows.map((row) => row.cells[0].dataset.short),
    titles: rows.map((row) => row.cells[0].textContent.trim()),
    series: heads.map((head, place) => ({
      label: head.textContent.trim(),
      color: colour(head.dataset.color),
      isBelow: "below" in head.dataset,
      values: rows.map((row) => number(row.cells[place + 1])),
      links: rows.map((row) => row.cells[place + 1].querySelector("a")?.href),
    })),
  };
}

function line({ values, label, color }) {
  const isAlone = values.filter((value) => value !== null).length === 1;
  return {
    label,
    data: values,
    borderColor: color,
    backgroundColor: colour("primary-soft"),
    borderWidth: 2,
    fill: true,
    cubicInterpolationMode: "monotone",
    pointBackgroundColor: color,
    pointRadius: isAlone ? 4 : 0,
    pointHoverRadius: 4,
  };
}

/* Some room around the line, but none below zero: there are no sizes. */
function bounds(values) {
  const sizes = values.filter((value) => value !== null);
  const [lowest, highest] = [Math.min(...sizes), Math.max(...sizes)];
  const room = (highest - lowest) / 10;
  return { [lowest > room ? "suggestedMin" : "min"]: Math.max(0, lowest - room), suggestedMax: highest + Math.max(1, room) };
}

function bars({ values, label, color, isBelow }) {
  return {
    label,
    data: isBelow ? values.map((value) => -value) : values,
    backgroundColor: color,
    borderRadius: 3,
    maxBarThickness: 34,
    categoryPercentage: 0.86,
    barPercentage: 0.92,
  };
}

function draw(canvas) {
  Chart.getChart(canvas)?.destroy();
  const { labels, titles, series } = read(document.getElementById(canvas.dataset.table));
  const isLine = canvas.dataset.chart === "line";
  const numbers = new Intl.NumberFormat(document.documentElement.lang);
  const linkOf = (hit) => hit && series[hit.datasetIndex].links[hit.index];
  new Chart(canvas, {
    type: isLine ? "line" : "bar",
    data: { labels, datasets: series.map(isLine ? line : bars) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: isLine ? "index" : "nearest", intersect: !isLine },
      plugins: {
        legend: { display: false },
        tooltip: {
          callbacks: {
            title: ([{ dataIndex }]) => titles[dataIndex],
            label: ({ dataset, parsed }) => `${dataset.label}: ${numbers.format(Math.abs(parsed.y))}`,
          },
        },
      },
      scales: {
        x: {
          stacked: !isLine,
          grid: { display: false },
          border: { color: colour("border-button") },
          ticks: { color: colour("muted"), maxRotation: 0, autoSkipPadding: 18 },
        },
        y: {
          stacked: !isLine,
          ...(isLine ? bounds(series[0].values) : {}),
          border: { display: false },
          grid: { color: colour("border") },
          ticks: { color: colour("muted"), precision: 0, maxTicksLimit: 7, callback: (value) => numbers.format(Math.abs(value)) },
        },
      },
      onClick: (_event, [hit]) => { if (linkOf(hit)) location.assign(linkOf(hit)); },
      onHover: (_event, [hit]) => { canvas.style.cursor = linkOf(hit) ? "pointer" : ""; },
    },
  });
}

function drawAll() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  document.querySelectorAll("canvas[data-chart]").forEach(draw);
}

drawAll();
document.addEventListener("htmx:afterSettle", () => {
  for (const canvas of document.querySelectorAll("canvas[data-chart]")) if (!Chart.getChart(canvas)) draw(canvas);
});
document.fonts.ready.then(drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
