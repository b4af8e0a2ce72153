"use strict";
// The explorer: an animal, a session, its trials; the same trials in the rules.

accumbens.explorer = function (place) {
  const trials = accumbens.header.explorer;
  const { element } = accumbens;
  const cache = new Map();
  const view = {
    trials,
    choice: accumbens.array(trials.choice),
    number: accumbens.array(trials.trial),
    instructed: accumbens.array(trials.instructed),
    session: trials.sessions.find((s) => s.held_out) || trials.sessions[0],
    state: {
      models: new Set(trials.models.filter((m) => m.p.length).slice(0, 2).map((m) => m.name).concat(trials.models[0].name)),
      latentsOf: (trials.models.find((m) => Object.keys(m.latents).length) || { name: "" }).name,
      choice: trials.choices.length - 1, signal: 0, zoom: 9, range: null, trial: null,
    },
    column(name) {
      if (!cache.has(name)) cache.set(name, accumbens.array(trials.columns[name]));
      return cache.get(name);
    },
    isProbability(name) {
      const values = this.column(name);
      return values.every((v) => !Number.isFinite(v) || (v >= 0 && v <= 1)) && /prob|p_|chance/i.test(name);
    },
    extent(lines) {
      const values = lines.flatMap((l) => d3.range(this.session.length).map(l.value));
      return accumbens.fig.range(values, 0.05);
    },
    room: () => Math.max(200, scroller.clientWidth),
    width: () => Math.max(260, place.clientWidth),
  };
  accumbens.view = view;
  const { state } = view;

  const option = (value, label) => element("option", { value }, label);
  const labelled = (id, text, input) => element("div", { class: "control" }, element("label", { for: id }, text), input);
  const animals = [...new Set(trials.sessions.map((s) => s.subject))];
  const animal = element("select", { id: "animal", onchange: () => { listSessions(); go(sessionsHere()[0]); } }, ...animals.map((a, i) => option(i, accumbens.name(a))));
  const session = element("select", { id: "session", onchange: () => go(sessionsHere()[+session.value]) });
  const sessionsHere = () => trials.sessions.filter((s) => s.subject === animals[+animal.value]);
  const listSessions = () => session.replaceChildren(...sessionsHere().map((s, i) => option(i, `${accumbens.name(s.session)} (${s.length} trials, ${s.held_out ? "held out" : "fitted"})`)));
  const step = (by, text) => element("button", { type: "button", onclick: () => {
    const i = trials.sessions.indexOf(view.session) + by;
    if (i < 0 || i >= trials.sessions.length) return accumbens.say("There is no further session.");
    choose(trials.sessions[i]);
  } }, text);
  const which = element("select", { id: "which", onchange: () => { state.choice = +which.value; draw(); } }, ...trials.choices.map((c, i) => option(i, accumbens.name(c))));
  const latents = element("select", { id: "latents", onchange: () => { state.latentsOf = latents.value; draw(); } },
    ...trials.models.filter((m) => Object.keys(m.latents).length).map((m) => option(m.name, m.label)));
  const signal = element("select", { id: "signal", onchange: () => { state.signal = +signal.value; draw(); } }, ...trials.signals.map((s, i) => option(i, accumbens.name(s))));
  const zoom = element("input", { id: "zoom", type: "range", min: 2, max: 30, step: 1, oninput: () => { state.zoom = +zoom.value; draw(false); } });
  const models = element("fieldset", {}, element("legend", {}, "Models"), ...trials.models.map((m) => element("label", {}, element("input", { type: "checkbox", name: "model", value: m.name, checked: state.models.has(m.name),
    onchange: (event) => { if (event.target.checked) state.models.add(m.name); else state.models.delete(m.name); draw(); } }), m.label)));
  const from = element("input", { id: "from", type: "number", onchange: () => typed(from) });
  const to = element("input", { id: "to", type: "number", onchange: () => typed(to) });
  const clear = element("button", { type: "button", onclick: () => brush(null) }, "All trials");
  const controls = element("div", { class: "controls" },
    labelled("animal", "Animal", animal), labelled("session", "Session", session),
    element("div", { class: "control buttons" }, step(-1, "Previous"), step(1, "Next")),
    models, labelled("which", "Probability of", which),
    latents.options.length ? labelled("latents", "Latents of", latents) : null,
    trials.signals.length > 1 ? labelled("signal", "Signal", signal) : null,
    labelled("zoom", "Zoom", zoom),
    element("div", { class: "control buttons" }, element("label", { for: "from" }, "Trials"), from, element("label", { for: "to" }, "to"), to, clear));

  const axes = d3.create("svg").attr("class", "axes").attr("aria-hidden", "true");
  const wide = d3.create("svg").attr("class", "wide").attr("role", "img").attr("aria-label", "Trials of the session");
  const scroller = element("div", { class: "scroller", tabindex: 0, role: "group", "aria-label": "Trials: arrow keys move along them, with Shift they brush, Enter takes over the latents" }, wide.node());
  const over = element("div", { class: "titles", "aria-hidden": "true" });
  const legend = element("div", { class: "legends" });
  const readout = element("p", { class: "readout", id: "readout" }, "Point at a trial to read it.");
  place.replaceChildren(controls, legend, element("div", { class: "tracks" }, axes.node(), element("div", { class: "window" }, scroller, over)), readout);
  const rules = accumbens.header.explorer.networks ? accumbens.rulesOf(view) : null;
  if (rules) place.append(rules.box);
  let drawn = null;

  function draw(also = true) {
    zoom.value = state.zoom;
    which.value = state.choice;
    drawn = accumbens.tracks(view, axes, wide, legend);
    over.replaceChildren(...drawn.titles.map(([text, y]) => element("span", { style: `top:${y}px` }, text)));
    wide.attr("aria-label", `Session ${view.session.session} of ${view.session.subject}: ${view.session.length} trials`);
    drawn.brush(state.range);
    drawn.point(state.trial);
    if (rules && also) rules.update();
  }

  function go(next) {
    view.session = next;
    state.range = null;
    state.trial = null;
    for (const input of [from, to]) {
      input.min = view.number[next.start];
      input.max = view.number[next.start + next.length - 1];
      input.value = "";
    }
    readout.textContent = `${accumbens.name(next.subject)}, session ${accumbens.name(next.session)}: ${next.length} trials. Point at a trial to read it.`;
    scroller.scrollLeft = 0;
    draw(false);
    if (rules) rules.setTo(0);
    accumbens.say(`Session ${next.session} of ${next.subject}`);
  }

  function choose(next) {
    animal.value = animals.indexOf(next.subject);
    listSessions();
    session.value = sessionsHere().indexOf(next);
    go(next);
  }

  function typed(changed) {
    const { start, length } = view.session;
    const index = (text) => d3.range(length).find((t) => view.number[start + t] >= +text) ?? length - 1;
    if (changed.value === "") return;
    const now = index(changed.value);
    const [a, b] = state.range || [now, now];
    brush(changed === from ? [now, Math.max(now, b)] : [Math.min(a, now), now]);
  }

  function brush(range) {
    state.range = range;
    const number = (t) => view.number[view.session.start + t];
    from.value = range ? number(range[0]) : "";
    to.value = range ? number(range[1]) : "";
    drawn.brush(range);
    if (rules) rules.update();
    accumbens.say(range ? `${range[1] - range[0] + 1} trials brushed` : "All trials");
  }

  // What is known of a trial, in words.
  function read(t) {
    state.trial = t;
    drawn.point(t);
    const i = view.session.start + t;
    const digits = (v) => (Number.isFinite(v) ? (Number.isInteger(v) ? String(v) : v.toPrecision(4)) : "missing").replace("-", "−");
    const c = view.choice[i];
    const parts = [`Trial ${view.number[i]}: ${c < 0 ? "missed" : accumbens.name(trials.choices[c])}${view.instructed[i] ? " (forced)" : ""}`];
    const own = [...trials.outcomes, ...trials.contexts, ...trials.signals];
    parts.push(...own.map((n) => `${accumbens.name(n)} ${digits(view.column(n)[i])}`));
    for (const m of trials.models.filter((m) => state.models.has(m.name))) {
      const said = m.p.length ? [`P(${accumbens.name(trials.choices[state.choice])}) ${digits(view.column(m.p[state.choice])[i])}`] : [];
      for (const [s, column] of Object.entries(m.signals)) said.push(`${accumbens.name(s)} ${digits(view.column(column)[i])}`);
      if (m.name === state.latentsOf) for (const [l, column] of Object.entries(m.latents)) if (m.name !== "disrnn" || !trials.open.length || trials.open.includes(l)) said.push(`${accumbens.symbol(l)} ${digits(view.column(column)[i])}`);
      parts.push(`${m.label}: ${said.join(", ")}`);
    }
    readout.textContent = parts.join("; ");
  }

  const where = (event) => drawn.trial(event.clientX - wide.node().getBoundingClientRect().left);
  let begun = null;
  scroller.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button !== 0) return;
    begun = where(event);
    event.preventDefault();
    scroller.focus({ preventScroll: true });
  });
  addEventListener("pointermove", (event) => {
    if (begun === null) return;
    const now = where(event);
    if (now !== begun || state.range) {
      state.range = [Math.min(begun, now), Math.max(begun, now)];
      drawn.brush(state.range);
    }
  });
  addEventListener("pointerup", (event) => {
    if (begun === null) return;
    const now = where(event);
    if (now === begun) {
      brush(null);
      read(now);
    } else brush([Math.min(begun, now), Math.max(begun, now)]);
    begun = null;
  });
  scroller.addEventListener("pointermove", (event) => { if (begun === null) read(where(event)); });
  scroller.addEventListener("keydown", (event) => {
    const last = view.session.length - 1;
    const now = state.trial ?? -1;
    const moves = { ArrowRight: now + 1, ArrowLeft: now - 1, PageDown: now + 20, PageUp: now - 20, Home: 0, End: last };
    if (event.key === "Enter" && rules && state.trial !== null) return rules.setTo(state.trial);
    if (event.key === "Escape") return brush(null);
    if (!(event.key in moves)) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(last, moves[event.key]));
    if (event.shiftKey) {
      const anchor = state.range ? (state.range[0] === now ? state.range[1] : state.range[0]) : Math.max(0, now);
      brush([Math.min(anchor, next), Math.max(anchor, next)]);
    }
    read(next);
    accumbens.say(readout.textContent);
    const x = drawn.x(next);
    if (x < scroller.scrollLeft + 30) scroller.scrollLeft = x - 60;
    if (x > scroller.scrollLeft + scroller.clientWidth - 30) scroller.scrollLeft = x - scroller.clientWidth + 60;
  });
  let width = 0;
  new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    if (drawn) draw();
  }).observe(place);
  choose(view.session);
};
