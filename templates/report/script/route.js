// Which view is open. The address says everything: `#/findings?severity=high&page=2` can be kept and sent.

const VIEWS = {
  trend: () => "Trend",
  overview: () => "Overview",
  standards: () => "Standards",
  findings: showFindings,
  finding: showFinding,
  machines: showMachines,
  machine: showMachine,
  rules: showRules,
  notes: showNotes,
};

/** What stands behind `?` apart from filters. */
const RESERVED = ["sort", "down", "page"];

const current = { view: "", path: "", filter: {}, sort: "", down: false, page: 0 };
const scrolls = new Map();
/** Where "back" leads from a single finding, or machine. */
const lastList = { finding: "", machine: "" };
/** The view that was left last, when it was left by a link. */
let previous = "";
let followed = false;

function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\//, "").split("?", 2);
  const values = new URLSearchParams(query);
  const filter = Object.fromEntries([...values].filter(([name]) => !RESERVED.includes(name)));
  return { path, filter, sort: values.get("sort") ?? "", down: values.has("down"), page: Math.max(0, (Number.parseInt(values.get("page"), 10) || 1) - 1) };
}

function addressOf({ path, filter, sort, down, page }) {
  const values = new URLSearchParams(filter);
  if (sort) values.set("sort", sort);
  if (down) values.set("down", "");
  if (page) values.set("page", page + 1);
  const query = values.toString().replace(/=(?=&|$)/g, "");
  return `#/${path}${query ? `?${query}` : ""}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Changes the address of the open view in place: filters, order, page, tab. */
function readdress(change) {
  Object.assign(current, "filter" in change ? { page: 0 } : {}, change);
  history.replaceState(null, "", addressOf(current));
  render(true);
}

/** `gradually`: what is below the window may come a moment later. */
function render(gradually = false) {
  const parts = current.path.split("/").slice(1).map(decoded);
  const shown = VIEWS[current.view](parts, { ...current, gradually });
  const { title, at } = typeof shown === "string" ? { title: shown } : shown;
  document.title = `${visible(title).slice(0, 80)} - Portcullis report`;
  if (["findings", "machines"].includes(current.view)) lastList.machine = location.hash;
  if (current.view === "findings") lastList.finding = location.hash;
  return at;
}

function open() {
  const before = current.view;
  const view = viewOf(location.hash);
  Object.assign(current, parse(location.hash), { view });
  document.documentElement.dataset.view = view;
  document.querySelectorAll(".views a").forEach((link) => {
    const here = link.dataset.view === view || link.dataset.view === `${view}s`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  linkBack(view);
  const at = render();
  if (before) arrive(before !== view, at);
  else if (at) at.scrollIntoView();
}

function linkBack(view) {
  const link = document.querySelector(`#view-${view} .back a`);
  const list = lastList[view];
  if (!link || !list) return;
  link.href = list;
  link.lastChild.textContent = viewOf(list) === "findings" ? "Findings" : "Machines";
}

/** Moves focus and scroll to what was opened; going back finds the place that was left. */
function arrive(changed, at) {
  const target = at?.querySelector("h2") ?? document.querySelector(`#view-${current.view} [tabindex="-1"]`);
  if (changed || followed || at) target?.focus({ preventScroll: true });
  if (!followed) scrollTo(0, scrolls.get(location.hash) ?? 0);
  else if (at) at.scrollIntoView();
  else scrollTo(0, 0);
  followed = false;
}

function leave() {
  const link = document.querySelector(`#view-${current.view} .back a`);
  if (!link) return;
  if (link.hash === previous) history.back();
  else link.click();
}

const typing = (target) => target.closest("input, select, textarea, [contenteditable]");

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && !event.target.closest("input[type=search], select")) leave();
  if (event.key !== "/" || typing(event.target)) return;
  event.preventDefault();
  if (!["findings", "machines"].includes(current.view)) {
    followed = true;
    history.pushState(null, "", "#/findings");
    open();
  }
  document.querySelector(`#view-${current.view} input[type=search]`).select();
}

function paintTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").querySelector("span").textContent = `Theme: ${theme}`;
  byId("theme").setAttribute("aria-label", `Theme: ${theme}`);
}

function nextTheme() {
  const themes = ["system", "light", "dark"];
  const theme = themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length];
  try {
    localStorage.setItem("portcullis-theme", theme);
  } catch {
    // without storage the choice lasts as long as the page
  }
  paintTheme(theme);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  if (!link) return;
  if (!link.hash.startsWith("#/")) {
    event.preventDefault(); // the skip link: the address belongs to the views
    byId("content").focus();
    return;
  }
  scrolls.set(location.hash, scrollY);
  previous = location.hash;
  followed = true;
});
addEventListener("hashchange", open);
document.addEventListener("keydown", press);
byId("theme").addEventListener("click", nextTheme);
history.scrollRestoration = "manual";
paintTheme(document.documentElement.dataset.theme);
open();

// What the first search and the first list would compute is computed while nobody waits.
const chores = [findingsForm, findingTexts, machinesForm, machineTexts];
function whenIdle() {
  chores.shift()?.();
  if (chores.length) (window.requestIdleCallback ?? setTimeout)(whenIdle);
}
(window.requestIdleCallback ?? setTimeout)(whenIdle);
