"use strict";
// Bottlenecks, and the rules that a disRNN has learned.

accumbens.draw.bottlenecks = function (rows, width) {
  const box = accumbens.element("div", { class: "panels" });
  const each = Math.min(560, width > 820 ? Math.floor(width / 2) - 8 : width);
  box.append(accumbens.diagram(rows, each), accumbens.matrix(rows, each));
  return box;
};

// Noise of every bottleneck: readers down, inputs across.
accumbens.matrix = function (rows, width) {
  const cells = rows.map((d) => ({
    noise: +d.noise,
    row: d.kind === "latent" ? "own noise" : d.kind === "update" ? `update of ${accumbens.symbol(d.reader)}`
      : d.kind === "choice" ? "choice" : `signal: ${accumbens.short(d.reader, 14)}`,
    column: accumbens.symbol(d.input),
  }));
  const across = [...new Set(cells.map((d) => d.column))];
  const down = [...new Set(cells.map((d) => d.row))];
  const roomy = (width - 150) / across.length >= 34;
  return accumbens.fig.plot({
    width, height: 86 + 28 * down.length, marginLeft: 130, marginTop: roomy ? 34 : 60, marginBottom: 12, padding: 0.06,
    x: { domain: across, axis: "top", label: "input", tickRotate: across.some((c) => c.length > (roomy ? 9 : 4)) ? -40 : 0 },
    y: { domain: down, label: null },
    marks: [
      Plot.cell(cells, { x: "column", y: "row", fill: (d) => accumbens.openness(d.noise), stroke: "var(--line)", title: (d) => `${d.row} reads ${d.column}: noise ${d.noise.toFixed(3)}` }),
      !roomy ? null : Plot.text(cells, { x: "column", y: "row", text: (d) => d.noise.toFixed(2), fill: (d) => (d.noise < 0.5 ? "var(--on-open)" : "var(--ink)") }),
    ],
  });
};

accumbens.openness = (noise) => `color-mix(in srgb, var(--open) ${Math.round(100 * (1 - noise))}%, var(--closed))`;

// Which inputs reach which network; lines as strong as the bottleneck is open.
accumbens.diagram = function (rows, width) {
  const own = rows.filter((d) => d.kind === "latent");
  const open = own.filter((d) => +d.noise <= 0.9).map((d) => d.input);
  const latents = own.map((d) => d.input);
  const read = rows.filter((d) => d.kind !== "latent" && (d.kind !== "update" || open.includes(d.reader)))
    .filter((d) => !latents.includes(d.input) || open.includes(d.input));
  const outside = [...new Set(read.filter((d) => !latents.includes(d.input)).map((d) => d.input))];
  const heads = [...new Set(read.filter((d) => d.kind !== "update").map((d) => `${d.kind}\t${d.reader}`))];
  const height = Math.max(160, 62 * Math.max(open.length, outside.length, heads.length) + 56);
  const place = (names, x) => new Map(names.map((n, i) => [n, [x, 36 + ((height - 46) * (i + 0.5)) / names.length]]));
  const inputs = place(outside, 70), middle = place(open, width / 2), right = place(heads, width - 78);
  const svg = d3.create("svg").attr("width", width).attr("height", height).attr("class", "diagram")
    .attr("viewBox", `0 0 ${width} ${height}`).attr("font-size", 12);
  const line = (a, b, noise, bend, words) => {
    if (noise > 0.9) return;
    const [x1, y1] = a, [x2, y2] = b;
    const path = bend === null
      ? `M${x1},${y1 - 16}c-42,-46 42,-46 0,0`
      : `M${x1},${y1}C${(x1 + x2) / 2 + bend},${y1} ${(x1 + x2) / 2 + bend},${y2} ${x2},${y2}`;
    svg.append("path").attr("d", path).attr("fill", "none").attr("stroke", "var(--open)")
      .attr("stroke-width", 0.8 + 4.2 * (1 - noise)).attr("stroke-opacity", 0.25 + 0.6 * (1 - noise))
      .append("title").text(words);
  };
  for (const d of read) {
    const from = inputs.get(d.input) || middle.get(d.input);
    const to = d.kind === "update" ? middle.get(d.reader) : right.get(`${d.kind}\t${d.reader}`);
    if (!from || !to) continue;
    const words = `${d.input} into ${d.kind === "update" ? "the update of " : ""}${d.reader}: noise ${(+d.noise).toFixed(3)}`;
    const itself = d.kind === "update" && d.input === d.reader;
    line(from, to, +d.noise, itself ? null : d.kind === "update" && middle.has(d.input) ? 70 : 0, words);
  }
  const node = ([x, y], label, fill, text) => {
    const g = svg.append("g").attr("transform", `translate(${x},${y})`);
    const w = Math.max(34, 7.2 * Array.from(label).length + 14);
    g.append("rect").attr("x", -w / 2).attr("y", -15).attr("width", w).attr("height", 30).attr("rx", 15)
      .attr("fill", fill).attr("stroke", "var(--soft)");
    g.append("text").attr("text-anchor", "middle").attr("dy", "0.32em").attr("fill", text).text(label);
  };
  inputs.forEach((at, n) => node(at, accumbens.short(n, 14), "var(--paper)", "var(--ink)"));
  middle.forEach((at, n) => node(at, accumbens.symbol(n), accumbens.latent(latents.indexOf(n)), "var(--on-latent)"));
  right.forEach((at, n) => node(at, n.startsWith("choice\t") ? "choice" : accumbens.short(n.split("\t")[1], 14), "var(--paper)", "var(--ink)"));
  if (!open.length) svg.append("text").attr("x", width / 2).attr("y", 20).attr("text-anchor", "middle").attr("fill", "var(--ink)").text("No latent is open.");
  return svg.node();
};

accumbens.draw.choice_rule = function (rows, width) {
  const lines = rows.filter((d) => d.panel !== "plane");
  const choices = [...new Set(lines.map((d) => d.choice))];
  const y = accumbens.fig.range([0, ...lines.map((d) => +d.log_odds)], 0.12);
  const against = rows[0] ? rows[0].against : "";
  const grid = accumbens.fig.grid(width, accumbens.fig.groups(lines, "panel"), ([panel, here], w, h) => ({
    node: accumbens.fig.plot({
      width: w, height: h,
      x: { label: `${accumbens.symbol(panel)} before the trial` },
      y: { domain: y, label: "log-odds" },
      marks: [
        accumbens.fig.visits(here.filter((d) => d.choice === choices[0]), (d) => +d[panel], (d) => +d.share_of_trials, y[0], y[1]),
        Plot.ruleY([0], { stroke: "var(--soft)", strokeDasharray: "2 3" }),
        Plot.lineY(here, { x: (d) => +d[panel], y: (d) => +d.log_odds, z: "choice", stroke: (d) => accumbens.choice(choices.indexOf(d.choice) + 1), strokeWidth: 2.2 }),
      ],
    }),
  }));
  const legend = accumbens.fig.legend(choices.map((c, i) => ({ label: `${accumbens.name(c)} against ${accumbens.name(against)}`, colour: accumbens.choice(i + 1) })));
  return [legend, grid];
};

accumbens.draw.update_rule = function (rows, width) {
  if (!rows.length) return accumbens.element("p", {}, "No latent is open, so there is nothing to update.");
  const looks = accumbens.fig.looks([...new Set(rows.map((d) => d.condition))]);
  const strong = { mean: 2, "10th percentile": 1.1, "90th percentile": 3 };
  const panels = [...d3.group(rows, (d) => `${d.latent}\t${d.modulator}`)];
  const grid = accumbens.fig.grid(width, panels, ([key, here], w, h) => {
    const [latent, modulator] = key.split("\t");
    const x = accumbens.fig.range(here.map((d) => +d.old), 0);
    const y = accumbens.fig.range(here.flatMap((d) => [+d.old, +d.new]), 0.1);
    const one = here.filter((d) => d.condition === here[0].condition && d.modulator_at === here[0].modulator_at);
    return {
      title: modulator ? `${accumbens.symbol(modulator)} low (thin), high (thick)` : "others at their mean",
      node: accumbens.fig.plot({
        width: w, height: h,
        x: { label: `${accumbens.symbol(latent)} before` }, y: { domain: y, label: `${accumbens.symbol(latent)} after` },
        marks: [
          accumbens.fig.visits(one, (d) => +d.old, (d) => +d.share_of_trials, y[0], y[1]),
          Plot.line(x.map((v) => [v, v]), { stroke: "var(--soft)", strokeDasharray: "2 3" }),
          [...d3.group(here, (d) => `${d.condition}\t${d.modulator_at}`).values()].map((of) =>
            Plot.lineY(of, { x: (d) => +d.old, y: (d) => +d.new, stroke: looks.get(of[0].condition).colour,
              strokeDasharray: looks.get(of[0].condition).dash, strokeWidth: strong[of[0].modulator_at] || 1.6 })),
        ],
      }),
    };
  });
  return [accumbens.fig.legend([...looks.values()]), grid];
};

accumbens.draw.signal_rule = function (rows, width) {
  const looks = accumbens.fig.looks([...new Set(rows.map((d) => d.condition))]);
  const signals = [...new Set(rows.map((d) => d.signal))];
  const grid = accumbens.fig.grid(width, [...d3.group(rows, (d) => `${d.signal}\t${d.panel}`)], ([key, here], w, h) => {
    const [signal, panel] = key.split("\t");
    const y = accumbens.fig.range(rows.filter((d) => d.signal === signal).map((d) => +d.predicted), 0.14);
    const one = here.filter((d) => d.condition === here[0].condition);
    return {
      title: signals.length > 1 ? accumbens.short(signal, 30) : "",
      node: accumbens.fig.plot({
        width: w, height: h,
        x: { label: panel === "none" ? null : `${accumbens.symbol(panel)} before the trial` },
        y: { domain: y, label: `predicted ${accumbens.short(signal, 16)}` },
        marks: [
          accumbens.fig.visits(one, (d) => +(d[panel] ?? 0), (d) => +d.share_of_trials, y[0], y[1]),
          [...d3.group(here, (d) => d.condition)].map(([c, of]) =>
            Plot.lineY(of, { x: (d) => +(d[panel] ?? 0), y: (d) => +d.predicted, stroke: looks.get(c).colour, strokeDasharray: looks.get(c).dash, strokeWidth: 2, marker: of.length === 1 ? "circle" : null })),
        ],
      }),
    };
  });
  return [accumbens.fig.legend([...looks.values()]), grid];
};
