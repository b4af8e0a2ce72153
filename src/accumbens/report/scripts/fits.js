"use strict";
// Training, comparisons and animals.

accumbens.draw.learning_curves = function (rows, width) {
  const known = new Set(["seed", "stage", "step"]);
  const terms = rows.columns.filter((c) => !known.has(c));
  const order = ["loss", "choice_nll", "signal_mse"];
  const shown = [...order.filter((t) => terms.includes(t)), ...terms.filter((t) => !order.includes(t))];
  const stages = [...new Set(rows.map((d) => d.stage))];
  const seeds = [...new Set(rows.map((d) => d.seed))];
  const panels = stages.flatMap((stage) => {
    const here = rows.filter((d) => d.stage === stage);
    return shown.filter((t) => here.some((d) => d[t] !== "" && +d[t] !== 0)).map((term) => ({ stage, term, here }));
  });
  const grid = accumbens.fig.grid(width, panels, ({ stage, term, here }, w, h) => {
    const of = here.filter((d) => d[term] !== "");
    return {
      title: `${stage.replaceAll("_", " ")}: ${term.replaceAll("_", " ").replace("nll", "negative log likelihood")}`,
      node: accumbens.fig.plot({
        width: w, height: h, x: { label: "step" }, y: { label: null, nice: true },
        marks: [Plot.lineY(of, { x: (d) => +d.step, y: (d) => +d[term], z: "seed", stroke: (d) => (seeds.length > 1 ? accumbens.latent(seeds.indexOf(d.seed)) : "var(--ink)"), strokeWidth: 1.4 })],
      }),
    };
  }, { least: 220, height: 150 });
  const legend = seeds.length > 1 ? [accumbens.fig.legend(seeds.map((s, i) => ({ label: `start ${s}`, colour: accumbens.latent(i) })))] : [];
  return [...legend, grid];
};

// What tells a path of a selection apart, by one of its rows.
accumbens.route = function (rows) {
  const most = d3.max(rows, (d) => +d.latents || 0);
  return (d) => `share ${+d.share}${+d.embedding ? ", subjects apart" : ""}${+d.start ? `, start ${d.start}` : ""}${d.latents && +d.latents < most ? `, at most ${d.latents} latent${+d.latents === 1 ? "" : "s"}` : ""}`;
};

accumbens.draw.held_out_curves = function (rows, width) {
  const held = (d) => +d.inner_normalized_likelihood;
  const fitted = (d) => accumbens.number(d.fitted_normalized_likelihood);
  const route = accumbens.route(rows);
  const late = rows.filter((d) => +d.step >= 0.4 * d3.max(rows, (e) => +e.step)); // before, all is still rising
  const y = accumbens.fig.range(late.flatMap((d) => [held(d), fitted(d)]), 0.08);
  const inside = (value) => (d) => (value(d) >= y[0] && value(d) <= y[1] ? value(d) : NaN);
  const legend = accumbens.fig.legend([
    { label: "sessions that were fitted", colour: "var(--soft)", dash: "5 3" },
    { label: "sessions that were held out", colour: "var(--latent-0)" },
  ]);
  return [legend, accumbens.fig.grid(width, [...d3.group(rows, route)], ([title, here], w, h) => ({
    title,
    node: accumbens.fig.plot({
      width: w, height: h, x: { label: "gradient step", domain: [0, d3.max(rows, (d) => +d.step)], ticks: 4 }, y: { label: null, domain: y },
      marks: [
        Plot.lineY(here, { x: (d) => +d.step, y: inside(fitted), stroke: "var(--soft)", strokeWidth: 1.8, strokeDasharray: "5 3" }),
        Plot.lineY(here, { x: (d) => +d.step, y: inside(held), stroke: "var(--latent-0)", strokeWidth: 1.8 }),
        Plot.dot(here.filter((d) => d.chosen === "True"), { x: (d) => +d.step, y: held, r: 7, stroke: "var(--ink)", strokeWidth: 2 }),
        Plot.tip(here, Plot.pointer({ x: (d) => +d.step, y: inside(held), title: (d) => `step ${d.step}, penalties ${(+d.factor).toPrecision(3)} times\nfitted ${fitted(d).toFixed(4)}\nheld out ${held(d).toFixed(4)}`, fill: "var(--paper)", stroke: "var(--soft)" })),
      ],
    }),
  }), { least: 250, height: 190 })];
};

accumbens.draw.comparison = function (rows, width) {
  const explorer = accumbens.header.explorer;
  const label = new Map(explorer ? explorer.models.map((m) => [m.name, m.label]) : []);
  const colour = new Map(explorer ? explorer.models.map((m) => [m.name, accumbens.model(m.colour)]) : []);
  const title = { normalized_likelihood: "choices: normalized likelihood (right is better)", mse: "mean squared error (left is better)", r2: "R² (right is better)" };
  const panels = [...d3.group(rows, (d) => `${d.metric}\t${d.signal}`)];
  return accumbens.fig.grid(width, panels, ([key, here], w) => {
    const [metric, signal] = key.split("\t");
    const named = (d) => accumbens.short(label.get(d.model) || d.model, w < 420 ? 20 : 34);
    const models = [...new Set(here.map(named))];
    const all = here.filter((d) => !d.subject);
    const animals = here.filter((d) => d.subject);
    const best = animals.length ? [...d3.group(animals, (d) => d.subject)] : [];
    const x = accumbens.fig.range(here.flatMap((d) => [+d.value, accumbens.number(d.low), accumbens.number(d.high)]), 0.06);
    return {
      title: `${signal ? `${accumbens.name(signal)}: ` : ""}${title[metric] || metric}`,
      node: accumbens.fig.plot({
        width: w, height: 60 + 44 * models.length, marginLeft: Math.min(w * 0.42, 230),
        x: { domain: x, label: null, grid: true }, y: { domain: models, label: null },
        marks: [
          best.map(([, of]) => Plot.line(of, { x: (d) => +d.value, y: named, stroke: "var(--line)", strokeWidth: 1 })),
          Plot.dot(animals, { x: (d) => +d.value, y: named, r: 2.6, stroke: "var(--soft)", title: (d) => `${d.subject}: ${d.value}` }),
          Plot.ruleY(all.filter((d) => d.low), { x1: (d) => +d.low, x2: (d) => +d.high, y: named, strokeWidth: 2.4, stroke: (d) => colour.get(d.model) || "var(--ink)" }),
          Plot.dot(all, { x: (d) => +d.value, y: named, r: 5.5, fill: (d) => colour.get(d.model) || "var(--ink)", stroke: "var(--paper)" }),
          Plot.tip(animals, Plot.pointer({ x: (d) => +d.value, y: named, title: (d) => `${d.subject}\n${(+d.value).toPrecision(4)}`, fill: "var(--paper)", stroke: "var(--soft)" })),
        ],
      }),
    };
  }, { least: 420, most: 2 });
};

accumbens.draw.selection = function (rows, width) {
  const route = accumbens.route(rows);
  const routes = [...new Set(rows.map(route))];
  const look = (d) => accumbens.latent(routes.indexOf(route(d)));
  const chosen = rows.filter((d) => d.chosen === "True");
  const held = (d) => +d.inner_normalized_likelihood;
  // As high as the paths come, and a little below: what rises from chance leaves the panel.
  const tops = d3.rollups(rows, (of) => d3.max(of, held), route).map(([, top]) => top);
  const span = Math.max(d3.max(tops) - d3.min(tops), 0.004);
  const room = [d3.min(tops) - 2.5 * span, d3.max(tops) + 0.4 * span];
  const part = (y, label, domain) => (key, w, h) => ({
    node: accumbens.fig.plot({
      width: w, height: h + 30, x: { type: "log", label: "penalties, times the default", ticks: 4, tickFormat: "~g" },
      y: { label, domain, nice: !domain, ...(domain ? {} : { ticks: d3.range(0, d3.max(rows, (d) => +d.open_latents) + 1) }) },
      marks: [
        Plot.lineY(rows, { x: (d) => +d.factor, y: (d) => (domain && y(d) < domain[0] ? NaN : y(d)), z: route, stroke: look, strokeWidth: 1.8 }),
        Plot.dot(rows.filter((d) => !domain || y(d) >= domain[0]), { x: (d) => +d.factor, y, r: 2.4, fill: look, title: (d) => `${route(d)}: ${y(d)}` }),
        Plot.dot(chosen, { x: (d) => +d.factor, y, r: 8, stroke: "var(--ink)", strokeWidth: 2 }),
      ],
    }),
  });
  const makers = [part(held, "normalized likelihood of folds", room), part((d) => +d.open_latents, "open latents")];
  return [accumbens.fig.legend(routes.map((r, i) => ({ label: r, colour: accumbens.latent(i) }))),
    accumbens.fig.grid(width, makers, (make, w, h) => make(null, w, h), { most: 2, least: 320 })];
};

accumbens.draw.penalty_path = function (rows, width) {
  const chosen = rows.filter((d) => d.chosen === "True");
  return accumbens.fig.plot({
    width: Math.min(width, 560), height: 260, x: { type: "log", label: "penalties, times those given" }, y: { label: "normalized likelihood of folds", nice: true },
    marks: [
      Plot.ruleX(rows, { x: (d) => +d.factor, y1: (d) => +d.mean - d.standard_error, y2: (d) => +d.mean + +d.standard_error, stroke: "var(--soft)" }),
      Plot.lineY(rows, { x: (d) => +d.factor, y: (d) => +d.mean, stroke: "var(--latent-0)", strokeWidth: 2, marker: "dot" }),
      Plot.dot(chosen, { x: (d) => +d.factor, y: (d) => +d.mean, r: 8, stroke: "var(--ink)", strokeWidth: 2 }),
    ],
  });
};

accumbens.draw.shrinkage = function (rows, width) {
  return accumbens.fig.grid(width, accumbens.fig.groups(rows, "parameter"), ([parameter, here], w) => {
    const values = here.flatMap((d) => [accumbens.number(d.alone), +d.estimate, accumbens.number(d.low), accumbens.number(d.high)]);
    const animal = (d) => accumbens.short(d.subject, 14);
    return {
      title: accumbens.name(parameter.replaceAll("_", " ")),
      node: accumbens.fig.plot({
        width: w, height: 56 + 17 * here.length, marginLeft: Math.min(110, w * 0.34),
        x: { label: null, ticks: 3, tickFormat: ".3~g", domain: accumbens.fig.wide(values) }, y: { domain: here.map(animal), label: null },
        marks: [
          Plot.ruleX([accumbens.number(here[0].median)].filter(Number.isFinite), { stroke: "var(--latent-2)", strokeWidth: 2 }),
          Plot.ruleY(here.filter((d) => d.low), { y: animal, x1: (d) => +d.low, x2: (d) => +d.high, stroke: "var(--soft)" }),
          Plot.dot(here.filter((d) => d.alone), { y: animal, x: (d) => +d.alone, r: 3.2, stroke: "var(--ink)" }),
          Plot.dot(here, { y: animal, x: (d) => +d.estimate, r: 3.4, fill: "var(--ink)" }),
        ],
      }),
    };
  }, { least: 240 });
};

accumbens.draw.contrast = function (rows, width) {
  return accumbens.fig.grid(width, accumbens.fig.groups(rows, "parameter"), ([parameter, here], w) => {
    const group = here[0];
    const animals = here.filter((d) => d.difference !== "");
    const animal = (d) => accumbens.short(d.subject, 14);
    const all = "group";
    return {
      title: `${accumbens.name(parameter.replaceAll("_", " "))}: difference, p = ${(+group.p).toPrecision(2)}`,
      node: accumbens.fig.plot({
        width: w, height: 70 + 17 * animals.length, marginLeft: Math.min(110, w * 0.34), x: { label: null, nice: true, ticks: 3, tickFormat: ".3~g" }, y: { domain: [...animals.map(animal), all], label: null },
        marks: [
          Plot.ruleX([0], { stroke: "var(--soft)", strokeDasharray: "2 3" }),
          Plot.dot(animals, { y: animal, x: (d) => +d.difference, r: 3.2, stroke: "var(--ink)" }),
          Plot.ruleY([group].filter((d) => d.group_low), { y: () => all, x1: (d) => +d.group_low, x2: (d) => +d.group_high, stroke: "var(--latent-2)", strokeWidth: 2.4 }),
          Plot.dot([group], { y: () => all, x: (d) => +d.group_difference, r: 5, fill: "var(--latent-2)" }),
        ],
      }),
    };
  }, { least: 240 });
};

accumbens.draw.predictive_check = function (rows, width) {
  const explorer = accumbens.header.explorer;
  const label = new Map(explorer ? explorer.models.map((m) => [m.name, m.label]) : []);
  const pooled = rows.filter((d) => !d.subject);
  const who = [...new Set(pooled.map((d) => d.of))];
  const look = (of) => (of === "animals" ? "var(--ink)" : accumbens.latent(who.indexOf(of)));
  const grid = accumbens.fig.grid(width, accumbens.fig.groups(pooled, "curve"), ([curve, here], w, h) => ({
    title: curve.replaceAll("_", " "),
    node: accumbens.fig.plot({
      width: w, height: h + 30, marginBottom: 56, x: { type: "point", domain: [...new Set(here.map((d) => d.point))], label: null, tickRotate: -60 }, y: { label: null, nice: true },
      marks: [...d3.group(here, (d) => d.of)].flatMap(([of, line]) => {
        const banded = line.filter((d) => d.low !== "");
        return [
          Plot.areaY(banded, { x: "point", y1: (d) => +d.low, y2: (d) => +d.high, fill: look(of), fillOpacity: of === "animals" ? 0.1 : 0.16 }),
          Plot.lineY(line.filter((d) => d.value !== ""), { x: "point", y: (d) => +d.value, stroke: look(of), strokeWidth: of === "animals" ? 3 : 1.6, marker: "dot" }),
        ];
      }),
    }),
  }), { most: 2, least: 330 });
  return [accumbens.fig.legend(who.map((of) => ({ label: label.get(of) || of, colour: look(of) }))), grid];
};

accumbens.draw.example_session = () => accumbens.element("p", {}, "See the explorer above.");

accumbens.draw.sweep_scores = function (rows, width) {
  const end = ".normalized_likelihood";
  const axes = rows.columns.slice(0, rows.columns.indexOf("cell"));
  const models = rows.columns.filter((c) => c.endsWith(end));
  const long = models.flatMap((m, i) => rows.filter((d) => d[m] !== "").map((d) => ({ ...d, i, y: +d[m] })));
  const panels = axes.length ? axes : ["cell"];
  const grid = accumbens.fig.grid(width, panels, (axis, w, h) => {
    const values = [...new Set(rows.map((d) => d[axis]))];
    const numbers = values.every((v) => v !== "" && Number.isFinite(+v));
    return {
      title: accumbens.name(axis),
      node: accumbens.fig.plot({
        width: w, height: h + 40, marginBottom: numbers ? 42 : 70,
        x: { type: "point", domain: numbers ? values.sort((a, b) => a - b) : values, label: null, tickRotate: numbers && values.length < 12 ? 0 : -45, tickFormat: (v) => (numbers ? String(+v) : accumbens.short(v, 14)) },
        y: { label: "normalized likelihood", nice: true },
        marks: [Plot.dot(long, { x: axis, y: "y", r: 3.2, stroke: (d) => accumbens.latent(d.i), title: (d) => `${d.cell}: ${d.y}` })],
      }),
    };
  }, { least: 320, most: 2 });
  return [accumbens.fig.legend(models.map((m, i) => ({ label: (accumbens.header.labels || {})[m.slice(0, -end.length)] || accumbens.name(m.slice(0, -end.length)), colour: accumbens.latent(i), mark: "open" }))), grid];
};
