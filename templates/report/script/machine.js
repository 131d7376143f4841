// One machine: why it is judged so, its ways in as a drawing, its ports, its findings.

/** The layer whose rules decide at a hop. */
const LAYER_OF_HOP = { admin_rules: "admin", subnet_nsg: "subnet", nic_nsg: "nic" };
const OPEN_CLASSES = new Set(["wide", "narrow", "azure_tenants"]);
const MOST_SOURCES = 6;

const property = (label, value, wide) => value && h("div", { class: wide ? "full" : null }, h("dt", null, label), h("dd", null, value));

function machineProperties(machine) {
  const text = (column) => machines.text(machine, column);
  const subscription = text("subscription");
  const name = subscriptionName(subscription);
  return h("dl", { class: "properties" },
    property("Just-in-time access", [machineTab(machine).label, text("tab_reason") ? [": ", said(text("tab_reason"))] : null]),
    property("Defender for Cloud says", text("defender")),
    property("Operating system", text("os")),
    property("Power", text("power")),
    property("Region", text("region")),
    property("Resource group", nameOf(text("resource_group"))),
    property("Subscription", [nameOf(name), name === subscription ? null : meta(nameOf(subscription))]),
    property("Resource id", h("bdi", { class: "mono" }, text("id")), true));
}

/** Deciders by hop; one whose layer is not drawn stands at the machine. */
function decidersByHop(kinds, exposure) {
  const byHop = kinds.map(() => []);
  exposures.list(exposure, "deciders").forEach((decider) => {
    const layer = wordOf("layer", deciders.number(decider, "layer")).key;
    const hop = kinds.findIndex((kind) => LAYER_OF_HOP[kind] === layer);
    byHop.at(hop)?.push(decider); // -1 is the last: the machine
  });
  return byHop;
}

/** What happens at each hop: `passes` or `stops` where rules decide, `cut` behind a stop. */
function hopStates(byHop, open) {
  let stopped = false;
  return byHop.map((list) => {
    if (stopped) return "cut";
    if (!list.length) return "";
    const allows = open || list.some((decider) => deciders.text(decider, "access").toLowerCase() === "allow");
    stopped = !allows;
    return allows ? "passes" : "stops";
  });
}

function deciderName(decider) {
  const [group, rule, priority] = [deciders.text(decider, "group"), deciders.text(decider, "rule"), deciders.number(decider, "priority")];
  return [nameOf(group ? `${group}/${rule}` : rule), priority ? ` (${priority})` : null];
}

function deciderMark(decider) {
  const access = deciders.text(decider, "access").toLowerCase() === "allow" ? "allow" : "deny";
  const [rule, priority] = [deciders.text(decider, "rule"), deciders.number(decider, "priority")];
  return h("div", { class: `mark-line ${access}` }, icon(access),
    h("div", null, h("strong", null, access), " ", nameOf(rule),
      priority ? h("small", null, `priority ${priority}`) : null,
      deciders.number(decider, "location") ? h("small", null, placeOf(deciders.number(decider, "location"))) : null));
}

function hopItem(hop, kind, list, state) {
  const behind = state === "cut" ? h("span", { class: "quietly" }, "not reached") : null;
  return h("li", { class: `hop ${state}`.trim() },
    h("div", { class: "hop-box" },
      h("span", { class: "hop-kind" }, icon(kind.key), kind.label, behind),
      hops.text(hop, "name") === kind.label ? null : h("span", { class: "hop-name" }, nameOf(hops.text(hop, "name"))),
      hops.number(hop, "note") ? h("span", { class: "hop-note" }, said(hops.text(hop, "note"))) : null,
      list.map(deciderMark)));
}

/** The way from the outside to the machine, for one port. */
function drawing(path, exposure) {
  const list = paths.list(path, "hops");
  const kinds = list.map((hop) => wordOf("hop", hops.number(hop, "kind")));
  const reach = wordOf("class", exposures.number(exposure, "class"));
  const byHop = decidersByHop(kinds.map((kind) => kind.key), exposure);
  const states = hopStates(byHop, OPEN_CLASSES.has(reach.key));
  return [
    h("ol", { class: `hops class-${reach.key}`, "aria-label": `The way to port ${exposures.number(exposure, "port")}` },
      list.map((hop, place) => hopItem(hop, kinds[place], byHop[place], states[place]))),
    h("div", { class: "answer" }, chip("class", reach), h("p", null, said(exposures.text(exposure, "sentence")))),
  ];
}

function portChoice(group, exposure, checked, choose) {
  const reach = wordOf("class", exposures.number(exposure, "class"));
  const input = h("input", { type: "radio", name: group });
  input.checked = checked;
  input.addEventListener("change", choose);
  return h("label", { class: `port-choice class-${reach.key}` }, input,
    h("span", null, icon(reach.key), exposures.number(exposure, "port"), h("span", { class: "quietly" }, `: ${reach.label}`)));
}

function sourceList(exposure) {
  const tags = exposures.texts(exposure, "tags").map((tag) => `service tag ${tag}`);
  const sources = [...tags, ...exposures.texts(exposure, "sources")];
  const more = Number(exposures.text(exposure, "more_sources") || 0);
  const possible = exposures.texts(exposure, "possible_sources");
  return [
    sources.length ? shortened(sources, more) : "nobody",
    possible.length ? meta("and perhaps, depending on what is not known:", shortened(possible, 0)) : null,
  ];
}

function shortened(texts, more) {
  const items = (list) => list.map((text) => h("li", null, nameOf(text)));
  const [first, rest] = [texts.slice(0, MOST_SOURCES), texts.slice(MOST_SOURCES)];
  const beyond = more ? h("li", null, `and ${plural(more, "more range")}`) : null;
  if (!rest.length) return h("ul", { class: "cidrs" }, items(first), beyond);
  return [h("ul", { class: "cidrs" }, items(first)), h("details", null, h("summary", null, `${grouped(rest.length + more)} more`), h("ul", { class: "cidrs" }, items(rest), beyond))];
}

function deciderLine(decider) {
  const access = deciders.text(decider, "access").toLowerCase() === "allow" ? "allow" : "deny";
  const layer = wordOf("layer", deciders.number(decider, "layer")).label;
  return h("li", { class: `decides ${access}` }, icon(access), h("span", null, `${layer}: ${access} `, deciderName(decider)));
}

function exposureRow(exposure) {
  const reach = wordOf("class", exposures.number(exposure, "class"));
  const [port, front] = [exposures.number(exposure, "port"), exposures.number(exposure, "front_port")];
  const data = (label, ...children) => h("td", { "data-label": label }, ...children);
  return h("tr", null,
    h("th", { scope: "row" }, `${port}`, front && front !== port ? meta(`outside: ${front}`) : null),
    h("td", null, chip("class", reach)),
    data("who", sourceList(exposure)),
    data("addresses", addressCount(exposures.text(exposure, "addresses"))),
    data("decided by", h("ul", null, exposures.list(exposure, "deciders").map(deciderLine))),
    h("td", null, said(exposures.text(exposure, "sentence")), exposures.texts(exposure, "gaps").map((gap) => meta("not known: ", said(gap)))));
}

function exposureTable(list) {
  const heads = ["Port", "Exposure", "Who gets through", "Addresses", "Decided by", "In words"];
  return h("div", { class: "scroll" }, h("table", { class: "plain exposures" },
    h("caption", { class: "quietly" }, "Who reaches which port on this way"),
    h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", null, list.map(exposureRow))));
}

function pathArticle(path, place) {
  const list = portLists.list(paths.number(path, "ports"), "exposures");
  const worst = list.reduce((best, exposure) => (exposures.number(exposure, "class") > exposures.number(best, "class") ? exposure : best), list[0]);
  const canvas = h("div", { "aria-live": "polite" });
  const draw = (exposure) => canvas.replaceChildren(...drawing(path, exposure));
  if (worst !== undefined) draw(worst);
  const choices = list.map((exposure) => portChoice(`path-${place}`, exposure, exposure === worst, () => draw(exposure)));
  const way = wordOf("way", paths.number(path, "way")).label;
  return h("article", { class: "panel path" },
    h("header", null,
      h("div", null, h("h3", null, way.charAt(0).toUpperCase() + way.slice(1)),
        meta("to ", nameOf(paths.text(path, "target")), " at ", nameOf(paths.text(path, "address")))),
      choices.length ? h("fieldset", { class: "ports" }, h("legend", null, "Port"), choices) : null),
    canvas, list.length ? exposureTable(list) : null);
}

const sectionTitle = (text) => h("h2", { class: "section-title" }, text);

function machineBody(machine) {
  const ways = machines.list(machine, "paths");
  const found = findingsOfMachine[machine];
  const cause = machines.text(machine, "cause");
  return [
    h("p", { class: "verdict-line" }, chip("verdict", machineVerdict(machine)), cause ? h("code", null, cause) : null,
      h("span", { class: "reason" }, said(machines.text(machine, "because")))),
    h("section", { class: "panel", "aria-label": "Properties" }, machineProperties(machine)),
    ...(machinePast(machine) ?? []),
    sectionTitle(ways.length ? "Ways in" : "No way in was found"), ...ways.map(pathArticle),
    sectionTitle(found.length ? plural(found.length, "finding") : "No findings"), ...found.map((finding) => findingArticle(finding, machine)),
  ];
}

const machineById = lazily(() => new Map(indices(machines.size).map((machine) => [machines.text(machine, "id").toLowerCase(), machine])));

/** A machine is named by its number in this report, or by its id, which holds in every report. */
function showMachine(wanted) {
  const [name] = wanted;
  const machine = /^\d+$/.test(name ?? "") ? Number(name) : machineById().get(wanted.join("/").toLowerCase()) ?? -1;
  const known = machine >= 0 && machine < machines.size;
  const title = known ? machines.text(machine, "name") : "No such machine";
  byId("machine-title").replaceChildren(titleOf(title));
  byId("machine-body").replaceChildren(...(known ? machineBody(machine) : [h("p", { class: "hint" }, "This report has no machine with that number.")]));
  return title;
}
