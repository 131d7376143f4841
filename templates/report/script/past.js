// What the history says of findings and machines, where the page was made from one.

const pastFindings = tableOf("past_findings");
const spells = tableOf("spells");
const pastMachines = tableOf("past_machines");
const judgements = tableOf("judgements");

const pastFindingRows = new Map(indices(pastFindings.size).map((row) => [pastFindings.number(row, "fingerprint"), row]));
const pastMachineRows = new Map(indices(pastMachines.size).map((row) => [pastMachines.number(row, "machine") - 1, row]));
const pastRowOf = (finding) => pastFindingRows.get(findings.number(finding, "fingerprint"));

/** Days of a select: from, to. */
const SINCE = { week: [0, 7], month: [8, 30], quarter: [31, 90], longer: [91, Infinity] };
const SINCE_OPTIONS = [["week", "up to 7 days"], ["month", "8 to 30 days"], ["quarter", "31 to 90 days"], ["longer", "over 90 days"]];

const daysBetween = (from, to) => Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 86400000));

/** Days that a finding has been open; -1 where nobody knows. */
function daysOpen(finding) {
  const row = pastRowOf(finding);
  return row === undefined ? -1 : daysBetween(pastFindings.text(row, "opened"), document.documentElement.dataset.now);
}

const dayOf = (time) => h("time", { datetime: time }, time.slice(0, 10));
const daysWords = (days) => (days === 0 ? "less than a day" : plural(days, "day"));

/** A line for lists, or nothing. */
function openSince(finding) {
  const row = pastRowOf(finding);
  if (row === undefined) return null;
  const times = pastFindings.list(row, "spells").length;
  return meta("open for ", daysWords(daysOpen(finding)), times > 1 ? `, for the ${times}. time` : "");
}

const ENDINGS = {
  "": "still open", fixed: "fixed", cleared: "settled: it never was sure", gone: "its machine is gone", retired: "the rule was changed",
};

/** Every opening of a finding, newest first. */
function findingPast(finding) {
  const row = pastRowOf(finding);
  if (row === undefined) return null;
  const list = [...pastFindings.list(row, "spells")].reverse();
  const owner = pastFindings.text(row, "owner");
  const unjudged = pastFindings.text(row, "unjudged");
  const until = (spell) => spells.text(spell, "closed") || document.documentElement.dataset.now;
  const line = (spell) => h("tr", null,
    h("th", { scope: "row", "data-label": "opened" }, dayOf(spells.text(spell, "opened"))),
    h("td", { "data-label": "closed" }, spells.text(spell, "closed") ? dayOf(spells.text(spell, "closed")) : "-"),
    h("td", { "data-label": "open for" }, daysWords(daysBetween(spells.text(spell, "opened"), until(spell)))),
    h("td", null, ENDINGS[spells.text(spell, "ending")]));
  return h("div", { class: "past" },
    h("table", { class: "plain" }, h("caption", null, "History"),
      h("thead", null, h("tr", null, ["Opened", "Closed", "Open for", "What became of it"].map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", null, list.map(line))),
    owner ? h("p", { class: "hint" }, "Owner: ", nameOf(owner)) : null,
    unjudged ? h("p", { class: "hint" }, "Could not be judged since ", dayOf(unjudged), ".") : null);
}

/** The verdicts that a machine had, newest first. */
function machinePast(machine) {
  const row = pastMachineRows.get(machine);
  if (row === undefined) return null;
  const list = [...pastMachines.list(row, "judgements")].reverse();
  const line = (judgement) => h("tr", null,
    h("th", { scope: "row" }, dayOf(judgements.text(judgement, "taken"))),
    h("td", null, chip("verdict", wordOf("verdict", judgements.number(judgement, "verdict")))),
    h("td", null, judgements.text(judgement, "exposure")),
    h("td", null, h("span", { class: "clamp" }, said(judgements.text(judgement, "because")))));
  return [
    h("h2", { class: "section-title" }, "History"),
    h("section", { class: "panel" },
      h("p", { class: "hint" }, "First seen on ", dayOf(pastMachines.text(row, "first_seen")), ". Verdict and exposure hold from each date on."),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "History of the machine" }, h("table", { class: "plain verdict-past" },
        h("thead", null, h("tr", null, ["Since", "Verdict", "Widest exposure", "Reason"].map((head) => h("th", { scope: "col" }, head)))),
        h("tbody", null, list.map(line))))),
  ];
}
