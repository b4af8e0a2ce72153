"use strict";
// A fit or sweep that is under way: asks for its state again and again.

accumbens.watch = function (place) {
  const { element } = accumbens;
  const words = { done: "done", failed: "failed", running: "under way", begun: "begun and stopped", "to do": "not begun" };

  function draw(state) {
    const parts = [element("p", { class: "verdict" }, state.error || (state.finished ? "Finished. Its report: accumbens report." : "Under way."))];
    const cells = Object.entries(state.cells || {});
    if (cells.length) {
      const all = d3.sum(cells, (d) => d[1]);
      parts.push(element("progress", { max: all, value: state.cells.done || 0, "aria-label": "Cells that are done" }),
        element("p", {}, cells.map(([name, n]) => `${n} ${words[name] || name}`).join(", ")));
    }
    for (const [name, fit] of Object.entries(state.fits || {})) {
      parts.push(element("h3", {}, accumbens.name(name)));
      if (fit.latents.length) parts.push(element("p", {}, `Noise of the latents (0 open, 1 closed): ${fit.latents.map((v) => v.toFixed(2)).join(", ")}`));
      const panels = Object.entries(fit.losses).flatMap(([stage, terms]) => Object.entries(terms).map(([term, points]) => ({ stage, term, points })));
      parts.push(accumbens.fig.grid(Math.max(260, place.clientWidth), panels.filter((p) => p.points.some((d) => d[1] !== 0)), ({ stage, term, points }, w, h) => ({
        title: `${stage.replaceAll("_", " ")}: ${term.replaceAll("_", " ")}`,
        node: accumbens.fig.plot({ width: w, height: h, x: { label: "step" }, y: { label: null, nice: true }, marks: [Plot.lineY(points, { x: "0", y: "1", stroke: "var(--ink)" })] }),
      }), { least: 220, height: 150 }));
    }
    place.replaceChildren(...parts);
  }

  async function ask() {
    let finished = false;
    try {
      const state = await (await fetch("/state.json")).json();
      draw(state);
      finished = state.finished;
    } catch {
      accumbens.say("The server has ended.");
      return;
    }
    if (!finished) setTimeout(ask, 2000);
  }
  ask();
};
