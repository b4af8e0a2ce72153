"use strict";
// A session along its trials: choices and outcomes, probabilities, latents, signal.

accumbens.tracks = (function () {
  const LEFT = 58, GAP = 30, TOP = 22;

  // The tracks of a session: { title, height, domain, ticks, lines, marks, legend }.
  function contents(view) {
    const { trials, session, state } = view;
    const at = (name, i) => view.column(name)[session.start + i];
    const models = trials.models.filter((m) => state.models.has(m.name));
    const found = [];
    const rows = trials.choices.length * 16 + trials.outcomes.length * 14;
    found.push({ title: "choices and outcomes", height: rows, domain: null, lines: [], marks: true, legend: [] });

    const which = state.choice;
    const chances = trials.contexts.filter((name) => view.isProbability(name));
    const lines = chances.map((name, i) => ({ label: accumbens.name(name.replaceAll("_", " ")), colour: accumbens.choice(i), dash: "4 3", step: true, value: (t) => at(name, t) }));
    for (const m of models.filter((m) => m.p.length))
      lines.push({ label: m.label, colour: accumbens.model(m.colour), width: 1.8, value: (t) => at(m.p[which], t) });
    if (lines.length) found.push({ title: `probability of ${accumbens.name(trials.choices[which])}`, height: 120, domain: [0, 1], lines, legend: lines });

    const source = trials.models.find((m) => m.name === state.latentsOf);
    if (source) {
      const names = Object.keys(source.latents).filter((n) => source.name !== "disrnn" || !trials.open.length || trials.open.includes(n));
      const own = names.map((n, i) => ({ label: accumbens.symbol(n), colour: accumbens.latent(i), width: 1.8, dash: i >= 6 ? "5 3" : "none", value: (t) => at(source.latents[n], t) }));
      if (own.length) found.push({ title: `latents of ${source.label}`, height: 110, domain: view.extent(own), lines: own, legend: own });
    }
    const signal = trials.signals[state.signal];
    if (signal) {
      const own = [{ label: "measured", colour: "var(--soft)", dots: true, value: (t) => at(signal, t) }];
      for (const m of models.filter((m) => m.signals[signal]))
        own.push({ label: `${m.label} predicts`, colour: accumbens.model(m.colour), width: 1.6, value: (t) => at(m.signals[signal], t) });
      found.push({ title: accumbens.name(signal.replaceAll("_", " ")), height: 120, domain: view.extent(own), lines: own, legend: own });
    }
    return found;
  }

  const dot = (x, y, r) => `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0`;

  // Choices in rows, long where something came; below, a row of dots for each kind of outcome.
  function marks(view, group, x, top) {
    const { trials, session } = view;
    const choice = view.choice, forced = view.instructed, start = session.start;
    const paths = trials.choices.map(() => ["", ""]);
    let missed = "", under = "";
    const outcome = trials.outcomes.map((name) => view.column(name));
    const dots = trials.outcomes.map(() => "");
    const half = trials.choices.length * 16;
    for (let t = 0; t < session.length; t++) {
      const c = choice[start + t], px = x(t).toFixed(1);
      if (c < 0) {
        missed += `M${x(t) - 2.5},${top + half / 2 - 2.5}l5,5m0,-5l-5,5`;
        continue;
      }
      const came = outcome.some((o) => o[start + t] > 0);
      const y = top + 16 * (trials.choices.length - 1 - c);
      paths[c][came ? 1 : 0] += came ? `M${px},${y + 1}v13` : `M${px},${y + 5}v5`;
      if (forced[start + t]) under += `M${px - 2.5},${y + 15}h5`;
      outcome.forEach((o, k) => {
        if (o[start + t] > 0) dots[k] += dot(x(t), top + half + 14 * k + 7, 2.6);
      });
    }
    paths.forEach((of, c) => of.forEach((d, came) => d && group.append("path").attr("d", d)
      .attr("stroke", accumbens.choice(c)).attr("stroke-width", came ? 2.4 : 1.6).attr("fill", "none")));
    dots.forEach((d, k) => d && group.append("path").attr("d", d).attr("fill", accumbens.outcomes[(k + 1) % 6]));
    if (missed) group.append("path").attr("d", missed).attr("stroke", "var(--soft)").attr("fill", "none");
    if (under) group.append("path").attr("d", under).attr("stroke", "var(--ink)").attr("fill", "none");
  }

  function lines(view, group, track, x, y) {
    const steps = d3.range(view.session.length);
    for (const line of track.lines) {
      if (line.dots) {
        let d = "";
        for (const t of steps) {
          const v = line.value(t);
          if (Number.isFinite(v)) d += dot(x(t), y(v), 2.2);
        }
        group.append("path").attr("d", d).attr("fill", line.colour);
        continue;
      }
      const path = d3.line().x((t) => x(t)).y((t) => y(line.value(t))).defined((t) => Number.isFinite(line.value(t)));
      if (line.step) path.curve(d3.curveStepAfter);
      group.append("path").attr("d", path(steps)).attr("fill", "none").attr("stroke", line.colour)
        .attr("stroke-width", line.width || 1.5).attr("stroke-dasharray", line.dash || "none");
    }
  }

  // Draws into `axes` (which stay) and `wide` (which scrolls); says where trials are.
  return function (view, axes, wide, legend) {
    const { trials, session, state } = view;
    const found = contents(view);
    const height = d3.sum(found, (t) => t.height + GAP) + TOP + 22;
    const width = Math.max(view.room(), session.length * state.zoom + 24);
    const x = d3.scaleLinear([0, Math.max(1, session.length - 1)], [12, 12 + Math.max(1, session.length - 1) * state.zoom]);
    axes.selectAll("*").remove();
    wide.selectAll("*").remove();
    axes.attr("width", LEFT).attr("height", height).attr("viewBox", `0 0 ${LEFT} ${height}`);
    wide.attr("width", width).attr("height", height).attr("viewBox", `0 0 ${width} ${height}`);
    const brushed = wide.append("rect").attr("class", "brushed").attr("y", 0).attr("height", height).attr("fill", "var(--pale)");
    let top = TOP;
    const titles = [];
    for (const track of found) {
      titles.push([track.title, top - 18]);
      if (track.domain) {
        const y = d3.scaleLinear(track.domain, [top + track.height, top]);
        axes.append("g").attr("transform", `translate(${LEFT - 4},0)`).attr("color", "var(--soft)").call(d3.axisLeft(y).ticks(4)).call((g) => g.select(".domain").remove());
        for (const tick of y.ticks(4)) wide.append("line").attr("x2", width).attr("y1", y(tick)).attr("y2", y(tick)).attr("stroke", "var(--line)").attr("stroke-width", 0.6);
        lines(view, wide.append("g"), track, x, y);
      } else {
        trials.choices.forEach((name, c) => axes.append("text").attr("x", LEFT - 6).attr("y", top + 16 * (trials.choices.length - 1 - c) + 12)
          .attr("text-anchor", "end").attr("font-size", 11).attr("fill", accumbens.choice(c)).text(accumbens.short(name, 9)));
        trials.outcomes.forEach((name, k) => axes.append("text").attr("x", LEFT - 6).attr("y", top + 16 * trials.choices.length + 14 * k + 11)
          .attr("text-anchor", "end").attr("font-size", 11).attr("fill", "var(--soft)").text(accumbens.short(name, 9)));
        marks(view, wide.append("g"), x, top);
      }
      top += track.height + GAP;
    }
    const number = (t) => view.number[session.start + t];
    wide.append("g").attr("transform", `translate(0,${height - 24})`).attr("color", "var(--soft)")
      .call(d3.axisBottom(x).tickValues(x.ticks(Math.max(2, Math.floor(width / 90))).filter(Number.isInteger)).tickFormat((t) => (t < session.length ? number(t) : "")));
    const cursor = wide.append("line").attr("class", "cursor").attr("y1", 0).attr("y2", height - 24).attr("stroke", "var(--ink)").attr("stroke-width", 1).attr("visibility", "hidden");
    legend.replaceChildren(...found.filter((t) => t.legend.length).map((t) => {
      const box = accumbens.fig.legend(t.legend.map((l) => ({ ...l, mark: l.dots ? "filled" : "line" })));
      box.prepend(accumbens.element("strong", {}, t.title));
      return box;
    }));
    return {
      height, titles, left: LEFT,
      trial: (px) => Math.max(0, Math.min(session.length - 1, Math.round(x.invert(px)))),
      x,
      point(t) {
        if (t === null) cursor.attr("visibility", "hidden");
        else cursor.attr("visibility", "visible").attr("x1", x(t)).attr("x2", x(t));
      },
      brush(range) {
        if (!range) brushed.attr("width", 0);
        else brushed.attr("x", x(range[0]) - state.zoom / 2).attr("width", x(range[1]) - x(range[0]) + state.zoom);
      },
    };
  };
})();
