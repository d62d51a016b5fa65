"use strict";

// Draws the charts, turns devices on and off in charts, cards and tables, and shows the
// table of as many timesteps as the slider says.
(function () {
  const specs = JSON.parse(document.getElementById("specs").textContent);
  const options = { actions: false, renderer: "svg", tooltip: { theme: "custom" } };
  const boxes = [...document.querySelectorAll(".toggles input")];

  // the views of the charts by their id, for whoever wants to look closer
  window.reportViews = {};

  function hidden() {
    return boxes.filter((box) => !box.checked).map((box) => box.value);
  }

  function show() {
    const gone = new Set(hidden());
    document.querySelectorAll("[data-device]").forEach((element) => {
      element.hidden = gone.has(element.dataset.device);
    });
    const timesteps = choose();
    return Promise.all(
      Object.values(window.reportViews).map((view) => {
        const names = view.getState().signals;
        if ("hidden" in names) view.signal("hidden", [...gone]);
        if ("timesteps" in names) view.signal("timesteps", timesteps);
        return view.runAsync();
      })
    );
  }

  const slider = document.querySelector(".slider input");
  const tables = [...document.querySelectorAll("[data-timesteps]")];

  function choose() {
    if (!slider) return 0;
    const timesteps = tables[+slider.value].dataset.timesteps;
    document.querySelector(".slider output").value = timesteps;
    tables.forEach((table) => (table.hidden = table.dataset.timesteps !== timesteps));
    return +timesteps;
  }

  if (slider) slider.addEventListener("input", show);

  boxes.forEach((box) => box.addEventListener("change", show));

  window.reportReady = Promise.all(
    [...document.querySelectorAll("[data-chart]")].map((place) => {
      const id = place.dataset.chart;
      return vegaEmbed(place, specs[id], options).then((result) => {
        window.reportViews[id] = result.view;
      });
    })
  ).then(show); // a browser may remember boxes that were off

  function fit() {
    Object.entries(window.reportViews).forEach(([id, view]) => {
      const place = document.getElementById("chart-" + id);
      if (place.clientWidth) view.resize().signal("width", place.clientWidth).run();
    });
  }

  // paper is narrower than the screen, and shows what is folded up there
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((element) => (element.open = true));
    document.body.classList.add("paper");
    fit();
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((element) => (element.open = false));
    document.body.classList.remove("paper");
    fit();
  });
})();
