"use strict";
// Parts that several figures are made of.

accumbens.fig = {
  // A plot with this page's look; facets and marks as of Observable Plot.
  plot(options) {
    const made = Plot.plot({
      style: { background: "none", fontSize: "12px", overflow: "visible" },
      marginLeft: 52,
      marginBottom: 42,
      ...options,
    });
    for (const part of made.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label"); // the whole has one
    return made;
  },

  // Small plots side by side, as many in a row as there is room for.
  grid(width, panels, make, { least = 230, most = 3, height = 210 } = {}) {
    const columns = Math.max(1, Math.min(most, panels.length, Math.floor(width / least)));
    const each = Math.floor(width / columns) - 8;
    const wide = columns === 1 ? Math.min(width, 460) : Math.min(each, 460);
    const box = accumbens.element("div", { class: "panels" });
    for (const panel of panels) {
      const { title, node } = make(panel, wide, height);
      const around = accumbens.element("div", { class: "panel" });
      if (title) around.append(accumbens.element("div", { class: "title" }, title));
      around.append(node);
      box.append(around);
    }
    return box;
  },

  // What lines mean: [{ label, colour, dash }].
  legend(items) {
    const box = accumbens.element("div", { class: "legend", "aria-hidden": "true" });
    for (const { label, colour, dash = "none", mark = "line" } of items) {
      const svg = d3.create("svg").attr("width", 26).attr("height", 10);
      if (mark === "line")
        svg.append("line").attr("x2", 26).attr("y1", 5).attr("y2", 5).attr("stroke", colour)
          .attr("stroke-width", 2.2).attr("stroke-dasharray", dash);
      else
        svg.append("circle").attr("cx", 13).attr("cy", 5).attr("r", 4).attr("stroke", colour)
          .attr("stroke-width", 1.6).attr("fill", mark === "filled" ? colour : "none");
      box.append(accumbens.element("span", {}, svg.node(), label));
    }
    return box;
  },

  // Colour and dash of a condition such as "left, unrewarded": choices have colours, outcomes lines.
  looks(conditions) {
    const explorer = accumbens.header.explorer;
    const choices = explorer ? [...explorer.choices] : [];
    const split = (label) => {
      const choice = choices.filter((c) => label.startsWith(`${c}, `)).sort((a, b) => b.length - a.length)[0];
      const cut = choice === undefined ? label.indexOf(", ") : choice.length;
      return [label.slice(0, cut), label.slice(cut + 2)];
    };
    const parts = conditions.map(split);
    const first = choices.length ? choices : [...new Set(parts.map((p) => p[0]))];
    const second = [...new Set(parts.map((p) => p[1]))];
    return new Map(conditions.map((label, i) => [label, {
      label: accumbens.name(label),
      colour: accumbens.choice(Math.max(0, first.indexOf(parts[i][0]))),
      dash: accumbens.dashes[second.indexOf(parts[i][1]) % accumbens.dashes.length],
    }]));
  },

  // How often trials visit each value, along the foot of a panel.
  visits(data, x, share, y0, y1) {
    const most = d3.max(data, share) || 1;
    return Plot.areaY(data, {
      x, y1: y0, y2: (d) => y0 + (0.16 * (y1 - y0) * share(d)) / most,
      fill: "var(--pale)", curve: "step",
    });
  },

  // The range of values with a little room.
  range(values, room = 0.06) {
    const [a, b] = d3.extent(values.filter(Number.isFinite));
    if (a === undefined) return [0, 1];
    const pad = (b - a || Math.abs(b) || 1) * room;
    return [a - pad, b + pad];
  },

  // The same, at least as wide as a tenth of the values, so that what is nearly alike looks so.
  wide(values) {
    const [a, b] = this.range(values);
    const least = 0.1 * Math.max(Math.abs(a), Math.abs(b));
    const more = Math.max(0, (least - (b - a)) / 2);
    return [a - more, b + more];
  },

  groups(rows, key) {
    return [...d3.group(rows, (d) => d[key])];
  },

};

// Draws every figure when it comes near the screen, again when its width changes, and before print.
accumbens.figures = function () {
  const boxes = [...document.querySelectorAll("[data-draw]")];
  const draw = (box) => {
    const name = box.dataset.draw;
    const maker = accumbens.draw[name.replace(/_\d+$/, "")] || accumbens.draw[name];
    if (!maker) {
      if (!box.firstElementChild) box.append("This figure is not drawn here; its numbers are below.");
      return;
    }
    const width = Math.max(260, Math.floor(box.clientWidth));
    if (box.dataset.width === String(width)) return;
    box.dataset.width = width;
    const drawn = maker(accumbens.rows(name), width);
    const holder = accumbens.element("div", { role: "img", "aria-label": box.dataset.alt });
    holder.append(...(Array.isArray(drawn) ? drawn : [drawn]));
    for (const svg of holder.querySelectorAll("svg")) svg.setAttribute("aria-hidden", "true");
    box.replaceChildren(holder);
  };
  const seen = new Set();
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries)
      if (entry.isIntersecting) {
        seen.add(entry.target);
        draw(entry.target);
      }
  }, { rootMargin: "600px" });
  boxes.forEach((box) => near.observe(box));
  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => seen.forEach(draw), 150);
  });
  addEventListener("beforeprint", () => boxes.forEach(draw));
  accumbens.drawAll = () => boxes.forEach(draw);
};
