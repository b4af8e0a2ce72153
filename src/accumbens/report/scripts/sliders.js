"use strict";
// What the networks say at latents that the reader sets, and of the trials that are brushed.

accumbens.rulesOf = function (view) {
  const { trials } = view;
  const net = accumbens.net;
  const index = new Map(net.latents.map((n, i) => [n, i]));
  const shown = trials.open.length ? trials.open : net.latents.slice(0, 6);
  const conditions = trials.choices.flatMap((choice, c) => trials.conditions.map((k, o) => ({ choice, c, o, label: k.label, values: k.values })));
  const state = { z: [...net.initial], along: shown[0] };
  const box = accumbens.element("div", { class: "rules" });

  const sliders = new Map();
  const panel = accumbens.element("fieldset", { class: "sliders" }, accumbens.element("legend", {}, "Set the latents"));
  for (const name of shown) {
    const id = `latent-${name}`;
    const out = accumbens.element("output", { for: id });
    const input = accumbens.element("input", { type: "range", id, min: -2, max: 2, step: 0.01, oninput: () => {
      state.z[index.get(name)] = +input.value;
      out.textContent = (+input.value).toFixed(2);
      update();
    } });
    panel.append(accumbens.element("label", { for: id }, accumbens.symbol(name)), input, out);
    sliders.set(name, { input, out });
  }
  const along = accumbens.element("select", { id: "along", onchange: () => { state.along = along.value; update(); } },
    ...shown.map((n) => accumbens.element("option", { value: n }, accumbens.symbol(n))));
  const take = accumbens.element("button", { type: "button", onclick: () => setTo(view.state.trial ?? 0) }, "Those of the trial pointed at");
  panel.append(take);
  const said = accumbens.element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Choice probability and signal at these latents" });
  const figures = accumbens.element("div", { class: "panels" });
  box.append(accumbens.element("h3", {}, "What the networks say"), accumbens.element("div", { class: "answer" }, panel, said),
    accumbens.element("p", {}, accumbens.element("label", { for: "along" }, "Rules along "), along, " Other latents are as set above; dots are trials of this session, strong where brushed."), figures);

  // Puts the sliders where a trial of the session began.
  function setTo(t) {
    const source = trials.models.find((m) => m.name === "disrnn");
    for (const [name, column] of Object.entries(source.latents)) state.z[index.get(name)] = view.column(column)[view.session.start + t];
    for (const [name, { input, out }] of sliders) {
      input.value = state.z[index.get(name)];
      out.textContent = state.z[index.get(name)].toFixed(2);
    }
    update();
  }

  function answer() {
    const subject = view.session.number;
    const p = net.probabilities(state.z, subject);
    const signal = trials.signals[view.state.signal];
    const k = net.signals.indexOf(signal);
    const heads = ["choice", "probability", ...(k < 0 ? [] : trials.conditions.map((c) => `${accumbens.name(signal)} if ${accumbens.name(c.label)}`))];
    const row = (choice, c) => accumbens.element("tr", {}, accumbens.element("th", { scope: "row" }, accumbens.element("bdi", {}, choice)),
      accumbens.element("td", { "data-p": c }, accumbens.element("span", { class: "bar", style: `width:${(60 * p[c]).toFixed(1)}px;background:${accumbens.choice(c)}` }), p[c].toFixed(4)),
      ...(k < 0 ? [] : trials.conditions.map((o, i) => accumbens.element("td", { "data-signal": `${c} ${i}` }, net.signal(state.z, c, o.values, subject)[k].toFixed(4).replace("-", "−")))));
    said.replaceChildren(accumbens.element("table", {}, accumbens.element("thead", {}, accumbens.element("tr", {}, ...heads.map((h) => accumbens.element("th", { scope: "col" }, h)))),
      accumbens.element("tbody", {}, ...trials.choices.map(row))));
  }

  function dots() {
    const { start, length } = view.session;
    const range = view.state.range;
    const source = trials.models.find((m) => m.name === "disrnn");
    const k = index.get(state.along);
    const z = view.column(source.latents[state.along]);
    const signal = trials.signals[view.state.signal];
    const measured = signal ? view.column(signal) : null;
    const p = source.p.length ? view.column(source.p[view.state.choice]) : null;
    return d3.range(length).filter((t) => view.choice[start + t] >= 0).map((t) => {
      const i = start + t;
      return { k, t, z: z[i], next: t + 1 < length ? z[i + 1] : NaN, p: p ? p[i] : NaN, signal: measured ? measured[i] : NaN,
        choice: view.choice[i], came: trials.outcomes.some((o) => view.column(o)[i] > 0), inside: !range || (t >= range[0] && t <= range[1]), brushed: Boolean(range) };
    });
  }

  function draw() {
    const subject = view.session.number;
    const k = index.get(state.along);
    const grid = d3.range(-2, 2.0001, 0.05);
    const at = (v) => state.z.map((z, i) => (i === k ? v : z));
    const points = dots();
    accumbens.brushedTrials = points.filter((d) => d.inside).map((d) => d.t);
    const strong = (d) => (d.inside ? (d.brushed ? 0.95 : 0.4) : 0.08);
    const mark = (y) => [
      Plot.dot(points.filter((d) => !d.came && Number.isFinite(d[y])), { x: "z", y, r: 2.8, stroke: (d) => accumbens.choice(d.choice), strokeOpacity: strong }),
      Plot.dot(points.filter((d) => d.came && Number.isFinite(d[y])), { x: "z", y, r: 2.8, fill: (d) => accumbens.choice(d.choice), fillOpacity: strong }),
    ];
    const curves = (value) => conditions.map(({ c, o, values }) => Plot.lineY(grid, {
      x: (v) => v, y: (v) => value(at(v), c, values), stroke: accumbens.choice(c), strokeDasharray: accumbens.dashes[o % 6], strokeWidth: 1.8 }));
    const x = { label: `${accumbens.symbol(state.along)} before the trial`, domain: accumbens.fig.range(points.map((d) => d.z).concat(state.z[k]), 0.1) };
    const inside = grid.filter((v) => v >= x.domain[0] && v <= x.domain[1]);
    grid.splice(0, grid.length, ...inside);
    const width = Math.min(440, Math.max(250, Math.floor(view.width() / Math.max(1, Math.min(3, Math.floor(view.width() / 260)))) - 10));
    const here = Plot.ruleX([state.z[k]], { stroke: "var(--soft)", strokeDasharray: "2 3" });
    const plots = [["choice rule", accumbens.fig.plot({ width, height: 220, x, y: { domain: [0, 1], label: `probability of ${accumbens.short(trials.choices[view.state.choice], 14)}` },
      marks: [here, mark("p"), Plot.lineY(grid, { x: (v) => v, y: (v) => net.probabilities(at(v), subject)[view.state.choice], stroke: "var(--ink)", strokeWidth: 2 })] })],
    ["update rule", accumbens.fig.plot({ width, height: 220, x, y: { label: `${accumbens.symbol(state.along)} after`, domain: [-2, 2] },
      marks: [Plot.line([[-2, -2], [2, 2]].map(([a, b]) => [Math.max(a, x.domain[0]), Math.max(b, x.domain[0])]).map(([a, b]) => [Math.min(a, x.domain[1]), Math.min(b, x.domain[1])]), { stroke: "var(--soft)", strokeDasharray: "2 3" }), here, mark("next"), curves((z, c, v) => net.next(z, c, v, subject)[k])] })]];
    const signal = net.signals.indexOf(trials.signals[view.state.signal]);
    if (signal >= 0) plots.push(["signal rule (dots: measured)", accumbens.fig.plot({ width, height: 220, x, y: { label: accumbens.short(net.signals[signal], 18), nice: true },
      marks: [here, mark("signal"), curves((z, c, v) => net.signal(z, c, v, subject)[signal])] })]);
    const legend = accumbens.fig.legend(conditions.map(({ choice, c, o, label }) => ({ label: `${accumbens.name(choice)}, ${accumbens.name(label)}`, colour: accumbens.choice(c), dash: accumbens.dashes[o % 6] })));
    figures.replaceChildren(legend, ...plots.map(([title, node]) => {
      node.setAttribute("role", "img");
      node.setAttribute("aria-label", `${title} along ${state.along}, with ${points.filter((d) => d.inside).length} trials of this session`);
      return accumbens.element("div", { class: "panel" }, accumbens.element("div", { class: "title" }, title), node);
    }));
  }

  let waiting = 0;
  function update() {
    answer();
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(draw);
  }
  return { box, update, setTo, state };
};
