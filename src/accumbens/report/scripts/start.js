"use strict";
// What all scripts of the page share: its numbers, names that are safe to print, saving as CSV.

const accumbens = { draw: {}, header: null, array: null };

// Reads the payload: a header, and arrays in their own precision.
accumbens.unpack = async function () {
  const packed = atob(document.getElementById("payload").textContent);
  const bytes = Uint8Array.from(packed, (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const size = new DataView(buffer).getUint32(0, true);
  accumbens.header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  const kinds = { float32: Float32Array, float64: Float64Array, int8: Int8Array, int32: Int32Array };
  accumbens.array = (ref) => new kinds[ref.kind](buffer, 4 + size + ref.at, ref.n);
};

// The rows of a table of numbers, cells as text; each is read once.
accumbens.rows = (function () {
  const known = new Map();
  const read = (text) => {
    const [columns, ...cells] = d3.csvParseRows(text); // d3.csvParse would evaluate text as a program
    const rows = cells.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
    return Object.assign(rows, { columns });
  };
  return function (name) {
    if (!known.has(name)) known.set(name, read(accumbens.header.csv[name]));
    return known.get(name);
  };
})();

// A cell as a number; NaN where it is empty.
accumbens.number = (text) => (text === "" || text === undefined || text === null ? NaN : +text);

// A user's name within other text: its writing direction moves nothing around it.
accumbens.name = (text) => `\u2068${text}\u2069`;

// A name that may be long, for an axis.
accumbens.short = (text, most = 22) => {
  const letters = Array.from(String(text));
  return accumbens.name(letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text);
};

// z_1 as it is printed.
accumbens.symbol = (name) => {
  const below = "₀₁₂₃₄₅₆₇₈₉";
  const match = /^([A-Za-z])_(\d+)$/.exec(name);
  if (!match) return accumbens.name(String(name).replaceAll("_", " "));
  return match[1] + Array.from(match[2], (d) => below[+d]).join("");
};

accumbens.save = function (name) {
  const text = accumbens.header.csv[name];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv" }));
  link.download = `${name}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  accumbens.say(`Saved ${name}.csv`);
};

// Tells those who listen what has happened.
accumbens.say = function (text) {
  document.getElementById("said").textContent = text;
};

// An element: its attributes, then its content, strings as text.
accumbens.element = function (name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined)
      made.setAttribute(key, value);
  }
  made.append(...content.filter((part) => part !== null && part !== undefined));
  return made;
};

accumbens.choice = (i) => `var(--choice-${i % 6})`;
accumbens.latent = (i) => `var(--latent-${i % 6})`;
accumbens.dashes = ["none", "5 3", "1.5 2.5", "8 2 2 2", "12 3", "4 2 1 2 1 2"];
accumbens.model = (colour) => ({ "#000000": "var(--ink)", "#666666": "var(--soft)" })[colour] || colour;
