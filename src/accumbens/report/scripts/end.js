"use strict";
// Starts the page.

(async function () {
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  await accumbens.unpack();
  for (const button of document.querySelectorAll("[data-csv]"))
    button.addEventListener("click", () => accumbens.save(button.dataset.csv));
  const explorer = accumbens.header.explorer;
  accumbens.figures();
  const place = document.getElementById("explorer-here");
  if (explorer && place) {
    if (explorer.networks) accumbens.net = accumbens.networks(explorer.networks);
    const start = () => {
      if (!accumbens.view) accumbens.explorer(place);
    };
    const near = new IntersectionObserver((entries) => entries.some((e) => e.isIntersecting) && start(), { rootMargin: "800px" });
    near.observe(place);
    addEventListener("beforeprint", start);
  }
  const watched = document.getElementById("watched");
  if (watched) accumbens.watch(watched);
  root.dataset.ready = "yes";
})();
