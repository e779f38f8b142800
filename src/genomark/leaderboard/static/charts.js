// Draws the charts of a page in the colours of its theme. Expressions are interpreted, not
// compiled: the page's policy lets nothing be evaluated.
"use strict";

function colour(name) {
  // What light-dark() comes to is known only where it is used.
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function themed() {
  const [ink, quiet, line] = ["ink", "quiet", "line"].map(colour);
  return {
    background: "transparent",
    font: getComputedStyle(document.body).fontFamily,
    view: { stroke: line },
    axis: { domainColor: line, gridColor: line, tickColor: line, labelColor: quiet,
      titleColor: ink, titleFontWeight: "normal", labelFontSize: 11, titleFontSize: 12 },
    legend: { orient: "top", labelColor: ink, titleColor: ink, labelFontSize: 12 },
    title: { color: ink },
    mark: { color: colour("strong") },
    rule: { color: quiet },
    range: { category: ["strong", "fair", "good", "bad", "quiet"].map(colour) },
  };
}

async function draw(place) {
  const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  try {
    await vegaEmbed(place, spec, {
      mode: "vega-lite",
      renderer: "svg",
      ast: true,
      actions: false,
      defaultStyle: false,
      config: themed(),
      tooltip: { disableDefaultStyle: true, id: "vg-tooltip-element" },
    });
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", spec.description);
  } catch (error) {
    place.textContent = "The chart could not be drawn; the tables tell the same.";
    throw error;
  }
}

function drawAll() {
  document.querySelectorAll("[data-chart]").forEach(draw);
}

drawAll();
document.addEventListener("redraw", drawAll);
