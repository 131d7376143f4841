// The machines, sorted into the tabs of the portal.

const TAB_ABOUT = {
  configured: "In a just-in-time policy, whether or not that closes every port.",
  not_configured: "No just-in-time policy, although one could be enabled.",
  unsupported: "Just-in-time access cannot be enabled here; the reason stands beside each machine.",
  unknown: "Not enough was read to tell.",
  all: "Every machine of the scan.",
};

const machineTexts = lazily(() =>
  indices(machines.size).map((machine) =>
    ["name", "id", "subscription", "resource_group", "region", "os", "power", "because", "tab_reason", "cause"]
      .map((column) => machines.text(machine, column))
      .concat(subscriptionName(machines.text(machine, "subscription")))
      .concat(machines.list(machine, "paths").flatMap((path) => [paths.text(path, "address"), paths.text(path, "target"), ...paths.list(path, "hops").map((hop) => hops.text(hop, "name"))]))
      .join("\n")
      .toLowerCase(),
  ),
);

const machineVerdict = (machine) => wordOf("verdict", machines.number(machine, "verdict"));
const machineTab = (machine) => wordOf("tab", machines.number(machine, "tab"));

const machineRanks = {
  name: lazily(() => ranksOf(machines.size, (machine) => machines.text(machine, "name"))),
  verdict: lazily(() => indices(machines.size).map((machine) => machines.number(machine, "verdict"))),
  class: lazily(() => indices(machines.size).map((machine) => -reaches[machine].worst)),
  reason: lazily(() => ranksOf(machines.size, (machine) => machines.text(machine, "because"))),
  group: lazily(() => ranksOf(machines.size, (machine) => machines.text(machine, "resource_group").toLowerCase())),
};

/** Unhealthy and wide open first: what to look at, if nobody chose another order. */
const machinesWorstFirst = lazily(() => {
  const [verdicts, classes] = [machineRanks.verdict(), machineRanks.class()];
  return indices(machines.size).sort((a, b) => verdicts[a] - verdicts[b] || classes[a] - classes[b] || a - b);
});

function machineRow(machine) {
  const { worst, ports } = reaches[machine];
  const number = findingsOfMachine[machine].length;
  const about = [machineTab(machine).label, machines.text(machine, "os"), machines.text(machine, "region"), machines.text(machine, "power")];
  return h("tr", { role: "row" },
    h("th", { role: "rowheader", scope: "row", class: "main" },
      h("a", { href: `#/machine/${machine}` }, titleOf(machines.text(machine, "name"))),
      meta(about.filter((part) => part && part !== "unknown").join(" · "))),
    cell(chip("verdict", machineVerdict(machine)), number ? meta(plural(number, "finding")) : null),
    cell(worst < 0 ? meta("no way in was found") : chip("class", wordOf("class", worst)), worst > 0 && ports.length ? meta(`port ${ports.slice(0, 8).join(", ")}${ports.length > 8 ? " ..." : ""}`) : null),
    cell(h("span", { class: "clamp" }, said(machines.text(machine, "because"))), meta(said(machines.text(machine, "tab_reason")))),
    cell(nameOf(machines.text(machine, "resource_group")), meta(nameOf(subscriptionName(machines.text(machine, "subscription"))))));
}

function machineTests(tab, filter) {
  const tests = [];
  if (tab !== "all") tests.push((machine) => machineTab(machine).key === tab);
  if (filter.verdict) tests.push((machine) => machineVerdict(machine).key === filter.verdict);
  if (filter.class) tests.push((machine) => wordOf("class", reaches[machine].worst)?.key === filter.class);
  if (filter.subscription) tests.push((machine) => machines.text(machine, "subscription") === filter.subscription);
  if (filter.group) {
    const part = filter.group.toLowerCase();
    tests.push((machine) => machines.text(machine, "resource_group").toLowerCase().includes(part));
  }
  if (filter.q) {
    const [texts, terms] = [machineTexts(), termsOf(filter.q)];
    tests.push((machine) => matches(texts[machine], terms));
  }
  return tests;
}

const machinesList = pagedList({
  name: "machines", noun: "machine", nouns: "machines", row: machineRow, ranks: machineRanks,
  changed: (change) => readdress(change), empty: "No machine matches.",
});

const machinesForm = lazily(() => {
  suggest("machines-groups", distinct(machines, "resource_group"));
  return filterForm(byId("machines-filters"), {
    verdict: { any: "any", options: wordOptions("verdict") },
    class: { any: "any", options: wordOptions("class").reverse() },
    subscription: { any: "any", options: distinct(machines, "subscription", subscriptionName) },
  }, (filter) => readdress({ filter }));
});

const machineTabs = lazily(() => {
  const count = (key) => indices(machines.size).filter((machine) => machineTab(machine).key === key).length;
  const tabs = wordOptions("tab").map(([key, label]) => ({ key, label, count: count(key) })).filter((tab) => tab.count || tab.key !== "unknown");
  tabs.push({ key: "all", label: "All", count: machines.size });
  const buttons = tabs.map(({ key, label, count: number }) => {
    const button = h("button", { type: "button", role: "tab", id: `tab-${key}`, class: `tab tab-${key}`, "aria-controls": "machines-panel" },
      key === "all" ? null : icon(key), label, h("span", { class: "count" }, grouped(number)));
    button.dataset.tab = key;
    button.addEventListener("click", () => chooseTab(key));
    return button;
  });
  byId("machine-tabs").append(...buttons);
  byId("machine-tabs").addEventListener("keydown", (event) => moveTab(event, buttons));
  byId("machines-panel").setAttribute("role", "tabpanel");
  return buttons;
});

function chooseTab(key) {
  readdress({ path: key === "all" ? "machines" : `machines/${key}`, page: 0 });
}

/** Arrow keys, Home and End walk through the tabs, as the pattern for tabs asks. */
function moveTab(event, buttons) {
  const here = buttons.indexOf(document.activeElement);
  const last = buttons.length - 1;
  const goal = { ArrowRight: here === last ? 0 : here + 1, ArrowLeft: here === 0 ? last : here - 1, Home: 0, End: last }[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  buttons[goal].focus();
  chooseTab(buttons[goal].dataset.tab);
}

function showMachines([wanted], { filter, sort, down, page, gradually }) {
  const buttons = machineTabs();
  const chosen = buttons.find((button) => button.dataset.tab === wanted) ?? buttons[buttons.length - 1];
  buttons.forEach((button) => {
    button.setAttribute("aria-selected", button === chosen);
    button.tabIndex = button === chosen ? 0 : -1;
  });
  const tab = chosen.dataset.tab;
  byId("machines-panel").setAttribute("aria-labelledby", chosen.id);
  byId("tab-about").textContent = TAB_ABOUT[tab];
  machinesForm().write(filter);
  const tests = machineTests(tab, filter);
  const order = machinesWorstFirst().filter((machine) => tests.every((test) => test(machine)));
  machinesList.show({ order, total: machines.size, page, sort, down, gradually });
  return "Machines";
}
