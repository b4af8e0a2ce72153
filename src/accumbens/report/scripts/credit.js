"use strict";
// Credit assignment, and what units respond to.

accumbens.outcomes = ["var(--soft)", "var(--choice-1)", "var(--choice-0)", "var(--latent-0)", "var(--latent-1)", "var(--latent-2)"];

accumbens.draw.history_weights = function (rows, width) {
  const outcomes = [...new Set(rows.map((d) => d.outcome))];
  const groups = [...new Set(rows.map((d) => d.group))];
  const y = accumbens.fig.range(rows.flatMap((d) => [+d.weight, accumbens.number(d.low), accumbens.number(d.high)]));
  const panels = [...d3.group(rows, (d) => `${d.group}\t${d.outcome}`)];
  return accumbens.fig.grid(width, panels, ([key, here], w, h) => {
    const [group, outcome] = key.split("\t");
    const colour = accumbens.outcomes[outcomes.indexOf(outcome) % 6];
    const mean = here.filter((d) => d.low !== "" || +d.n_subjects > 1);
    const each = here.filter((d) => !mean.includes(d));
    const thick = mean.length ? mean : each;
    return {
      title: `${groups.length > 1 ? `${accumbens.name(group)}: ` : ""}choices that brought ${outcome === "none" ? "nothing" : accumbens.name(outcome)}`,
      node: accumbens.fig.plot({
        width: w, height: h, x: { label: "trials back", ticks: 5, tickFormat: (v) => (Number.isInteger(v) ? v : "") }, y: { domain: y, label: "weight (log-odds)" },
        marks: [
          Plot.ruleY([0], { stroke: "var(--soft)", strokeDasharray: "2 3" }),
          Plot.lineY(each, { x: (d) => +d.lag, y: (d) => +d.weight, z: "subject", stroke: colour, strokeOpacity: 0.35, strokeWidth: 1 }),
          Plot.areaY(thick.filter((d) => d.low !== ""), { x: (d) => +d.lag, y1: (d) => +d.low, y2: (d) => +d.high, fill: colour, fillOpacity: 0.2 }),
          Plot.lineY(mean, { x: (d) => +d.lag, y: (d) => +d.weight, stroke: colour, strokeWidth: 2.6, marker: "dot" }),
        ],
      }),
    };
  });
};

accumbens.draw.credit_indices = function (rows, width) {
  const group = rows.filter((d) => d.subject === "group" || d.subject === "mean over subjects");
  const animals = rows.filter((d) => !group.includes(d));
  const x = (d) => +d.x, y = (d) => +d.y;
  const bars = (of, stroke, strokeWidth) => [
    Plot.ruleY(of.filter((d) => d.x_low !== ""), { y, x1: (d) => +d.x_low, x2: (d) => +d.x_high, stroke, strokeWidth }),
    Plot.ruleX(of.filter((d) => d.y_low !== ""), { x, y1: (d) => +d.y_low, y2: (d) => +d.y_high, stroke, strokeWidth }),
  ];
  // Equal axes, so that the dashed line is that of equal indices; names where there is room for them.
  const domain = accumbens.fig.range([0, ...rows.flatMap((d) => [x(d), y(d), ...[d.x_low, d.x_high, d.y_low, d.y_high].map(accumbens.number)])]);
  const size = Math.min(width, 520), unit = (domain[1] - domain[0]) / size;
  const named = [];
  for (const d of d3.sort(animals, (d) => -y(d)))
    if (!named.some((o) => Math.abs(y(o) - y(d)) < 13 * unit && Math.abs(x(o) - x(d)) < 90 * unit)) named.push(d);
  return accumbens.fig.plot({
    width: size, height: size,
    x: { label: `${accumbens.name(rows[0].x_index)} index`, domain }, y: { label: `${accumbens.name(rows[0].y_index)} index`, domain },
    marks: [
      Plot.link([0], { x1: domain[0], y1: domain[0], x2: domain[1], y2: domain[1], stroke: "var(--soft)", strokeDasharray: "5 4" }),
      Plot.ruleX([0], { stroke: "var(--line)" }), Plot.ruleY([0], { stroke: "var(--line)" }),
      bars(animals, "var(--line)", 1.2), bars(group, "var(--ink)", 2.4),
      Plot.dot(animals, { x, y, r: 4, stroke: "var(--soft)", fill: "var(--paper)" }),
      Plot.tip(animals, Plot.pointer({ x, y, title: (d) => `${d.subject}\n${d.x_index} ${x(d).toPrecision(3)}, ${d.y_index} ${y(d).toPrecision(3)}`, fill: "var(--paper)", stroke: "var(--soft)" })),
      Plot.text(named, { x, y, text: (d) => accumbens.short(d.subject, 12), dx: 8, textAnchor: "start", fill: "var(--soft)", fontSize: 11 }),
      Plot.dot(group, { x, y, r: 7, fill: "var(--ink)" }),
    ],
  });
};

accumbens.draw.null_distributions = function (rows, width) {
  return accumbens.fig.grid(width, accumbens.fig.groups(rows, "test"), ([test, here], w) => {
    const summary = here.filter((d) => d.subject);
    const bins = here.filter((d) => d.count !== "");
    const most = d3.max(bins, (d) => +d.count) || 1;
    const who = (d) => accumbens.short(d.subject, 20);
    const first = summary[0] ? who(summary[0]) : "";
    const x = accumbens.fig.range([...summary.flatMap((d) => [+d.observed, accumbens.number(d.null_low), accumbens.number(d.null_high)]), ...bins.flatMap((d) => [+d.bin_low, +d.bin_high])]);
    const histogram = accumbens.fig.plot({
      width: w, height: 130, marginLeft: 130, x: { domain: x, axis: null }, y: { label: "redrawn experiments", nice: true, ticks: 3 },
      marks: [
        Plot.rectY(bins, { x1: (d) => +d.bin_low, x2: (d) => +d.bin_high, y: (d) => +d.count, fill: "var(--pale)", stroke: "var(--soft)", strokeWidth: 0.4 }),
        Plot.ruleX(summary.slice(0, 1), { x: (d) => +d.observed, y1: 0, y2: most, stroke: "var(--choice-1)", strokeWidth: 3 }),
        Plot.ruleY([0], { stroke: "var(--soft)" }),
      ],
    });
    const animals = accumbens.fig.plot({
      width: w, height: 56 + 20 * summary.length, marginLeft: 130, x: { domain: x, label: "index (log-odds)" }, y: { domain: summary.map(who), label: null },
      marks: [
        Plot.ruleY(summary.filter((d) => d.null_low !== ""), { y: who, x1: (d) => +d.null_low, x2: (d) => +d.null_high, stroke: "var(--soft)", strokeWidth: 5, strokeOpacity: 0.5 }),
        Plot.tickX(summary, { y: who, x: (d) => +d.null_mean, stroke: "var(--soft)" }),
        Plot.dot(summary, { y: who, x: (d) => +d.observed, r: (d) => (who(d) === first ? 6 : 4), fill: "var(--choice-1)" }),
      ],
    });
    const node = accumbens.element("div", {}, histogram, animals);
    return { title: accumbens.name(test), node };
  }, { least: 400, most: 2 });
};

accumbens.draw.credit_session = function (rows, width) {
  const fixed = new Set(["number", "choice", "instructed", "running_share"]);
  const columns = rows.columns.filter((c) => !fixed.has(c));
  const chances = columns.filter((c) => /after|probability/.test(c));
  const outcomes = columns.filter((c) => !chances.includes(c));
  const codes = [...new Set(rows.map((d) => d.choice))].filter((c) => c !== "").sort();
  const up = (d) => (codes.indexOf(d.choice) === 1 ? 1 : -1);
  const kind = (d) => outcomes.map((c) => (+d[c] > 0 ? 1 : 0)).reduce((a, b, i) => a + b * 2 ** i, 0);
  const made = rows.filter((d) => d.choice !== "");
  const words = (k) => outcomes.filter((_, i) => k & (2 ** i)).map(accumbens.name).join(" + ") || "nothing";
  const kinds = [...new Set(made.map(kind))].sort();
  const plot = accumbens.fig.plot({
    width, height: 250, x: { label: "trial" }, y: { domain: [-0.35, 1.35], ticks: [0, 0.5, 1], label: "probability" },
    marks: [
      chances.map((c, i) => Plot.lineY(rows, { x: (d) => +d.number, y: (d) => accumbens.number(d[c]), stroke: accumbens.latent(i), curve: "step-after", strokeDasharray: "4 3" })),
      Plot.lineY(rows.filter((d) => d.running_share !== ""), { x: (d) => +d.number, y: (d) => +d.running_share, stroke: "var(--ink)", strokeWidth: 1.8 }),
      Plot.ruleX(made, { x: (d) => +d.number, y1: (d) => (up(d) > 0 ? 1.08 : -0.08), y2: (d) => (up(d) > 0 ? 1.08 + (kind(d) ? 0.2 : 0.08) : -0.08 - (kind(d) ? 0.2 : 0.08)), stroke: (d) => accumbens.outcomes[kind(d) % 6], strokeWidth: 1.4 }),
    ],
  });
  return [accumbens.fig.legend([...kinds.map((k) => ({ label: `brought ${words(k)}`, colour: accumbens.outcomes[k % 6] })),
    { label: `running share of ${accumbens.name(codes[1] ?? "")}`, colour: "var(--ink)" },
    ...chances.map((c, i) => ({ label: accumbens.name(c), colour: accumbens.latent(i), dash: "4 3" }))]), plot];
};

accumbens.draw.power_curves = function (rows, width) {
  const panels = [...d3.group(rows, (d) => `${d.test}\t${d.weight}`)];
  const mice = [...new Set(rows.map((d) => d.mice))];
  const grid = accumbens.fig.grid(width, panels, ([key, here], w, h) => {
    const [test, weight] = key.split("\t");
    return { title: `${accumbens.name(test)}, weight ${weight}`, node: accumbens.fig.plot({
      width: w, height: h, x: { label: "sessions of each mouse" }, y: { domain: [0, 1], label: "power" },
      marks: [Plot.ruleY([+here[0].wanted], { stroke: "var(--soft)", strokeDasharray: "2 3" }),
        Plot.lineY(here, { x: (d) => +d.sessions, y: (d) => +d.power, z: "mice", stroke: (d) => accumbens.latent(mice.indexOf(d.mice)), marker: "dot", strokeWidth: 2 })] }) };
  });
  return [accumbens.fig.legend(mice.map((m, i) => ({ label: `${m} mice`, colour: accumbens.latent(i) }))), grid];
};

accumbens.draw.unit_effects = function (rows, width) {
  const kinds = [...new Set(rows.map((d) => d.kind))];
  const colour = (d) => accumbens.outcomes[kinds.indexOf(d.kind) % 6];
  const grid = accumbens.fig.grid(width, accumbens.fig.groups(rows, "region"), ([region, here], w) => ({
    title: `${region ? accumbens.name(region) : "all units"}, n = ${here.length}`,
    node: accumbens.fig.plot({
      width: w, height: w * 0.9, x: { label: `effect of ${accumbens.name(here[0].x_outcome)}`, nice: true }, y: { label: `effect of ${accumbens.name(here[0].y_outcome)}`, nice: true },
      marks: [Plot.ruleX([0], { stroke: "var(--line)" }), Plot.ruleY([0], { stroke: "var(--line)" }),
        Plot.dot(here, { x: (d) => +d.x, y: (d) => +d.y, r: 3.6, fill: colour, title: (d) => `${d.unit}: ${d.kind}` })],
    }),
  }), { least: 280 });
  return [accumbens.fig.legend(kinds.map((k, i) => ({ label: accumbens.name(k), colour: accumbens.outcomes[i % 6], mark: "filled" }))), grid];
};

accumbens.draw.selective_fraction = function (rows, width) {
  const region = (d) => accumbens.short(d.region || "all units", 18);
  return accumbens.fig.grid(width, accumbens.fig.groups(rows, "contrast"), ([contrast, here], w) => ({
    title: accumbens.name(contrast),
    node: accumbens.fig.plot({
      width: w, height: 60 + 26 * here.length, marginLeft: 120, marginRight: 50, x: { label: "selective units", tickFormat: "%", domain: [0, Math.max(0.1, d3.max(here, (d) => +d.high))] }, y: { domain: here.map(region), label: null },
      marks: [Plot.ruleY(here, { y: region, x1: (d) => +d.low, x2: (d) => +d.high, stroke: "var(--soft)", strokeWidth: 2 }),
        Plot.dot(here, { y: region, x: (d) => +d.fraction, r: 5, fill: "var(--ink)" }),
        Plot.text(here, { y: region, frameAnchor: "right", dx: 44, text: (d) => `${d.selective}/${d.units}`, fill: "var(--soft)" })],
    }),
  }), { least: 300 });
};

accumbens.draw.outcome_responses = function (rows, width) {
  const kinds = [...new Set(rows.map((d) => d.outcome))];
  return accumbens.fig.grid(width, accumbens.fig.groups(rows, "unit"), ([unit, here], w) => ({
    title: `${accumbens.short(unit, 22)}${here[0].region ? ` (${accumbens.name(here[0].region)})` : ""}`,
    node: accumbens.fig.plot({
      width: w, height: 60 + 24 * here.length, marginLeft: 120, x: { label: "mean response (95 %)", nice: true, ticks: 4 }, y: { domain: here.map((d) => accumbens.short(d.outcome, 18)), label: null },
      marks: [Plot.ruleY(here.filter((d) => d.low !== ""), { y: (d) => accumbens.short(d.outcome, 18), x1: (d) => +d.low, x2: (d) => +d.high, stroke: "var(--soft)", strokeWidth: 2 }),
        Plot.dot(here, { y: (d) => accumbens.short(d.outcome, 18), x: (d) => +d.mean, r: 4.5, fill: (d) => accumbens.outcomes[kinds.indexOf(d.outcome) % 6] })],
    }),
  }), { least: 260 });
};
