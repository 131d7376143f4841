"use strict";
// The data block: tables of numbers over one list of strings. An empty cell at the end of a row is left out.

const data = JSON.parse(document.getElementById("data").textContent);

/** The string with a number; a joined one is put together when it is first asked for. */
function textOf(number) {
  const entry = data.strings[number];
  if (typeof entry === "string") return entry;
  return (data.strings[number] = entry.map(textOf).join(""));
}

/** Reads one table by the names of its columns. */
function tableOf(name) {
  const { columns, rows } = data[name];
  const places = new Map(columns.map((column, place) => [column, place]));
  const number = (row, column) => rows[row][places.get(column)] ?? 0;
  return {
    size: rows.length,
    number,
    text: (row, column) => textOf(number(row, column)),
    list: (row, column) => number(row, column) || [],
    texts: (row, column) => (number(row, column) || []).map(textOf),
  };
}

const subscriptions = tableOf("subscriptions");
const assumptions = tableOf("assumptions");
const rules = tableOf("rules");
const machines = tableOf("machines");
const paths = tableOf("paths");
const hops = tableOf("hops");
const portLists = tableOf("port_lists");
const exposures = tableOf("exposures");
const deciders = tableOf("deciders");
const findings = tableOf("findings");
const evidenceLists = tableOf("evidence_lists");
const evidence = tableOf("evidence");
const waivers = tableOf("waivers");
const locations = tableOf("locations");
const diagnostics = tableOf("diagnostics");

/** Key and label of a numbered word. */
const wordOf = (group, number) => data.words[group][number];
const numberOfWord = (group, key) => data.words[group].findIndex((word) => word.key === key);

const indices = (size) => Array.from({ length: size }, (_, index) => index);
const rowByText = (table, column) => new Map(indices(table.size).map((row) => [table.text(row, column), row]));

const ruleRows = rowByText(rules, "id");
const assumptionRows = rowByText(assumptions, "id");
const subscriptionRows = rowByText(subscriptions, "id");

/** The name people know a subscription by, or its id. */
function subscriptionName(id) {
  const row = subscriptionRows.get(id);
  return (row !== undefined && subscriptions.text(row, "name")) || id;
}

/** The classes of a port list: worst one, those at all (as bits), and the ports of the worst. */
const listReaches = indices(portLists.size).map((row) => {
  const list = portLists.list(row, "exposures").map((exposure) => ({
    port: exposures.number(exposure, "port"),
    reach: exposures.number(exposure, "class"),
  }));
  const worst = Math.max(0, ...list.map((one) => one.reach));
  const bits = list.reduce((sum, one) => sum | (1 << one.reach), 0);
  return { worst, bits, ports: list.filter((one) => one.reach === worst).map((one) => one.port) };
});

/** The same for a machine, over all its ways in. */
const reaches = indices(machines.size).map((machine) => {
  const lists = machines.list(machine, "paths").map((path) => listReaches[paths.number(path, "ports")]);
  const worst = Math.max(0, ...lists.map((list) => list.worst));
  const ports = lists.filter((list) => list.worst === worst).flatMap((list) => list.ports);
  return { worst, bits: lists.reduce((sum, list) => sum | list.bits, 0), ports: [...new Set(ports)].sort((a, b) => a - b) };
});

/** The machine of a finding, or -1. */
const machineOf = (finding) => findings.number(finding, "machine") - 1;

const findingsOfMachine = indices(machines.size).map(() => []);
indices(findings.size).forEach((finding) => findingsOfMachine[machineOf(finding)]?.push(finding));

/** Ranks the rows of a column by its text, so that sorting compares numbers. */
function ranksOf(size, textAt) {
  const texts = indices(size).map(textAt);
  const { compare } = new Intl.Collator("en", { numeric: true });
  const ranks = new Map([...new Set(texts)].sort(compare).map((text, rank) => [text, rank]));
  return texts.map((text) => ranks.get(text));
}

/** Computes once, when first asked. */
function lazily(compute) {
  let value;
  return () => (value ??= compute());
}
