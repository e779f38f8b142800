// Compares models without a server. The pairs of a benchmark are in a script of its own: a page
// from a folder may read no other files. It calls genomark.pairs(slug, {models, fields, pairs});
// a pair is two places in models, then the numbers that fields names.
"use strict";

const loaded = new Map();
window.genomark = { pairs: (slug, told) => loaded.set(slug, told) };

const form = document.getElementById("pick");
const target = document.getElementById("compared");
const columns = JSON.parse(document.getElementById("columns").textContent);
const names = new Map([...form.querySelectorAll("option[value]")]
  .filter((each) => each.value).map((each) => [each.value, each.textContent]));

function load(column) {
  if (loaded.has(column.slug)) return Promise.resolve();
  return new Promise((done) => {
    const script = document.createElement("script");
    script.src = column.pairs;
    script.onload = script.onerror = () => { script.remove(); done(); };
    document.head.append(script);
  });
}

function element(name, text, classes = "") {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (classes) made.className = classes;
  return made;
}

function figure(value) {
  if (value === null || value === undefined) return "–";
  const far = Math.abs(value);
  const written = far >= 10000 || (far > 0 && far < 0.0005) ? value.toExponential(2)
    : value.toFixed(far < 10 ? 3 : far < 100 ? 2 : far < 1000 ? 1 : 0);
  return written.replaceAll("-", "−");
}

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function drawn(pair, ends) {
  const at = (value) => 10 + (value + ends) / (2 * ends) * 240;
  const plot = shape("svg", { class: "plot", viewBox: "0 0 260 24", preserveAspectRatio: "none",
    role: "img" });
  const title = shape("title", {});
  title.textContent = `${figure(pair.difference)} [${figure(pair.low)}, ${figure(pair.high)}]`;
  plot.append(title, shape("path", { class: "zero", d: `M${at(0)} 0V24` }));
  if (pair.low !== null) {
    plot.append(shape("path", { class: "whisker", d: `M${at(pair.low)} 12H${at(pair.high)}` }));
  }
  plot.append(shape("path", { class: "dot", d: `M${at(pair.difference)} 12h.01` }));
  return plot;
}

function turned(pair) {
  const minus = (value) => (value === null ? null : -value);
  return { ...pair, model_a: pair.model_b, model_b: pair.model_a, difference: -pair.difference,
    low: minus(pair.high), high: minus(pair.low) };
}

function chosenPairs(column, chosen) {
  const found = [];
  const told = loaded.get(column.slug);
  if (!told) return found;
  const places = told.models.map((slug) => chosen.indexOf(slug));
  for (const [a, b, ...values] of told.pairs) {
    if (places[a] < 0 || places[b] < 0) continue;
    const pair = Object.fromEntries(told.fields.map((name, place) => [name, values[place]]));
    pair.model_a = told.models[a];
    pair.model_b = told.models[b];
    found.push(places[a] < places[b] ? pair : turned(pair));
  }
  return found;
}

function row(pair, ends) {
  const made = element("tr");
  const name = element("th", `${names.get(pair.model_a)} less ${names.get(pair.model_b)}`, "name");
  name.scope = "row";
  const plot = element("td", undefined, "plotted");
  plot.append(drawn(pair, ends));
  const interval = pair.low === null ? "no interval"
    : `[${figure(pair.low)}, ${figure(pair.high)}]`;
  made.append(name, element("td", `${figure(pair.difference)} ${interval}`, "num"), plot,
    element("td", pair.n ? String(pair.n) : "–", "num"),
    element("td", (pair.tied ? "tied" : "apart") + (pair.paired ? "" : ", not paired")));
  return made;
}

function section(column, pairs) {
  const body = element("tbody");
  const head = element("tr", undefined, "group");
  const cell = element("th");
  cell.colSpan = 5;
  cell.scope = "rowgroup";
  const link = element("a", column.title);
  link.href = column.page;
  cell.append(link,
    element("span", ` ${column.metric}, ${column.higher ? "higher" : "lower"} is better`, "quiet"));
  head.append(cell);
  const reach = pairs.flatMap((pair) => [pair.difference, pair.low, pair.high])
    .filter((value) => value !== null).map(Math.abs);
  const ends = Math.max(...reach) || 1;
  body.append(head, ...pairs.map((pair) => row(pair, ends)));
  return body;
}

async function compare() {
  const chosen = [...new Set([...form.querySelectorAll("[name=models]")]
    .map((each) => each.value).filter(Boolean))];
  if (chosen.length < 2) {
    target.replaceChildren(element("p", "Choose two models or more."));
    return;
  }
  target.replaceChildren(element("p", "Reading …"));
  const asked = form.elements.namedItem("benchmark");
  const wanted = columns.filter((each) => !asked || !asked.value || asked.value === each.slug);
  const table = element("table", undefined, "forest differences");
  table.append(element("caption", "Difference of scores on shared items, the first model less the "
    + "second, with its 95 % interval. An interval that holds 0 is a tie."));
  const head = table.createTHead().insertRow();
  for (const [text, classes] of [["Models", "name"], ["Difference", "num"], ["Drawn", "plotted wide"],
    ["Items", "num"], ["Verdict", ""]]) {
    const cell = element("th", text, classes);
    cell.scope = "col";
    head.append(cell);
  }
  let shown = 0;
  for (const column of wanted) {
    await load(column);
    const pairs = chosenPairs(column, chosen);
    if (pairs.length) {
      table.append(section(column, pairs));
      shown += 1;
    }
  }
  const box = element("div", undefined, "box");
  box.tabIndex = 0;
  box.append(table);
  target.replaceChildren(shown ? box
    : element("p", "No benchmark has a result of two of these models."));
}

form.hidden = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  compare();
});
const given = new URLSearchParams(location.search).getAll("models");
const selects = [...form.querySelectorAll("[name=models]")];
given.slice(0, selects.length).forEach((slug, place) => { selects[place].value = slug; });
if (given.length > 1) compare();
