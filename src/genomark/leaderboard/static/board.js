// Makes pages quicker to use; without it links and forms do the same by asking the server.
"use strict";

// ---- Theme ----------------------------------------------------------------------------------

const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : dark.matches;
}

function offerThemes(button) {
  const tell = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `${button.textContent} colours`);
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("genomark-theme", theme);
    } catch {
      // It lasts for this page alone.
    }
    tell();
    document.dispatchEvent(new Event("redraw"));
  });
  dark.addEventListener("change", () => {
    tell();
    document.dispatchEvent(new Event("redraw"));
  });
  tell();
  button.hidden = false;
}

// ---- The address: what is chosen here stands in it, so that it can be passed on --------------

function remember(changes) {
  if (!location.protocol.startsWith("http")) return;
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);
}

// ---- Sorting --------------------------------------------------------------------------------

function numberIn(text) {
  const found = /^[<\s]*(-?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)/i.exec(text.replaceAll("−", "-"));
  return found ? Number(found[1].replaceAll(",", "")) : null;
}

function keyOf(cell) {
  if (!cell) return [2, 0, ""];
  const text = cell.dataset.value ?? cell.textContent.trim();
  const number = numberIn(text);
  if (number !== null && !cell.matches("th")) return [0, number, text];
  return text === "" || text === "–" || text.startsWith("undef") ? [2, 0, ""] : [1, 0, text];
}

const letters = new Intl.Collator("en", { numeric: true });

function sortBy(table, head, ascending) {
  const place = [...head.parentElement.cells].reduce(
    (sum, cell) => (cell.cellIndex < head.cellIndex ? sum + cell.colSpan : sum), 0);
  const way = ascending ? 1 : -1;
  for (const body of table.tBodies) {
    const rows = [...body.rows].map((row) => [keyOf(row.cells[place]), row]);
    // What has no value stays last, whichever way.
    rows.sort(([a], [b]) => a[0] - b[0]
      || way * (a[0] === 0 ? a[1] - b[1] : letters.compare(a[2], b[2])));
    body.append(...rows.map(([, row]) => row));
  }
  for (const other of table.querySelectorAll("thead [aria-sort]")) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
}

function offerSorting(table) {
  for (const head of table.querySelectorAll("thead th[data-sort]")) {
    const first = head.dataset.sort === "asc";
    let handle = head.querySelector("a.order") ?? head.querySelector("a");
    const upright = head.classList.contains("upright");
    const asked = handle && (!upright || handle.classList.contains("order")) ? handle.search : "";
    if (!asked) {
      handle = document.createElement("button");
      handle.type = "button";
      handle.className = "sort order";
      if (upright) {
        handle.textContent = "↕";
        handle.setAttribute("aria-label", `Sort by ${head.textContent.trim()}`);
      } else {
        handle.append(...head.childNodes);
      }
      head.append(handle);
    }
    handle.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      const now = head.getAttribute("aria-sort");
      const ascending = now ? now === "descending" : first;
      sortBy(table, head, ascending);
      const name = new URLSearchParams(asked).get("sort");
      if (name) remember({ sort: name, order: ascending ? "asc" : "desc" });
    });
  }
}

// ---- Filters: names are searched here, the rest is asked of the server ------------------------

// What a server ranks and averages depends on what it leaves out: hiding rows would not do.
async function show(form) {
  const address = new URL(form.action);
  for (const [name, value] of new FormData(form)) {
    if (value) address.searchParams.append(name, value);
  }
  // Since the form was written, heads may have sorted.
  for (const name of ["sort", "order"]) {
    const now = new URLSearchParams(location.search).get(name);
    if (now) address.searchParams.set(name, now);
  }
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) {
    location.assign(address);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const asked = document.activeElement ? document.activeElement.name : "";
  for (const name of ["main", "footer"]) {
    document.querySelector(name).replaceChildren(...page.querySelector(name).childNodes);
  }
  history.replaceState(null, "", address);
  offerAll();
  const field = asked && document.querySelector(`form[data-table] [name="${CSS.escape(asked)}"]`);
  if (field) field.focus();
  document.dispatchEvent(new Event("redraw"));
}

function narrow(form, table) {
  const value = (name) => {
    const field = form.elements.namedItem(name);
    return field ? field.value.trim() : "";
  };
  const [search, standing] = [value("search").toLowerCase(), value("standing")];
  for (const row of table.querySelectorAll("tbody tr")) {
    const name = row.querySelector("th");
    if (!name) continue;
    const link = name.querySelector("a[title]");
    const told = `${name.textContent} ${link ? link.title : ""}`.toLowerCase();
    const badge = row.querySelector(".badge");
    row.classList.toggle("off", !told.includes(search)
      || (standing !== "" && badge !== null && !badge.classList.contains(standing)));
  }
}

function offerFilters(form) {
  const table = document.getElementById(form.dataset.table);
  form.hidden = false;
  const served = "served" in form.dataset;
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) {
      if (served) show(form);
      else narrow(form, table);
    }
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (served) show(form);
    else narrow(form, table);
  });
  // Lines that the server left out are not here to be searched.
  if (!table || "searched" in form.dataset) return;
  form.addEventListener("input", (event) => {
    if (!event.target.matches("[name=search]")) return;
    narrow(form, table);
    if (served) remember({ search: event.target.value.trim() });
  });
}

// ---- The map: a cell tells all of itself, by mouse and by arrow keys -------------------------

const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function offerDetail(table) {
  const line = document.getElementById(table.dataset.detail);
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  const tell = (cell) => {
    const head = heads[cell.cellIndex].querySelector(".up [title], .up");
    const name = cell.parentElement.querySelector("th").textContent;
    line.textContent = `${name}, ${head.title || head.textContent}: ${cell.title}`;
    line.hidden = false;
  };
  const cells = () => table.querySelectorAll("tbody td[title]");
  const first = cells()[0];
  if (!first) return;
  first.tabIndex = 0;
  table.addEventListener("mouseover", (event) => {
    const cell = event.target.closest("tbody td[title]");
    if (cell) tell(cell);
  });
  table.addEventListener("focusin", (event) => {
    if (event.target.matches("tbody td[title]")) tell(event.target);
  });
  table.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const cell = event.target.closest("tbody td[title]");
    if (!step || !cell) return;
    event.preventDefault();
    let row = cell.parentElement;
    let place = cell.cellIndex + step[1];
    while (step[0] && (row = step[0] > 0 ? row.nextElementSibling : row.previousElementSibling)) {
      if (!row.classList.contains("off")) break;
    }
    while (row && row.cells[place] && row.cells[place].classList.contains("off")) place += step[1];
    const next = row && row.cells[place];
    if (!next || !next.matches("td[title]")) return;
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

// ---- Commands -------------------------------------------------------------------------------

function offerCopy(box) {
  if (!navigator.clipboard) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(box.querySelector("code"));
      button.textContent = "Selected";
    }
  });
  box.append(button);
}

// ---- What is waited for ----------------------------------------------------------------------

const seconds = 5;

function poll(line) {
  setTimeout(async () => {
    try {
      const answer = await fetch(line.dataset.poll);
      if (answer.ok && (await answer.json()).state !== line.dataset.state) location.reload();
    } catch {
      // The server may be away for a moment.
    }
    poll(line);
  }, 1000 * seconds);
}

function offerAll() {
  document.querySelectorAll("table.sortable").forEach(offerSorting);
  document.querySelectorAll("form[data-table]").forEach(offerFilters);
  document.querySelectorAll("table[data-detail]").forEach(offerDetail);
  document.querySelectorAll("pre.command").forEach(offerCopy);
}

offerThemes(document.getElementById("theme"));
offerAll();
document.querySelectorAll("[data-poll]").forEach(poll);
