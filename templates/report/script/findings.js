// The list of findings, and one finding in full.

const findingTexts = lazily(() =>
  indices(findings.size).map((finding) =>
    ["message", "name", "id", "rule", "resource_group", "subscription", "cause"]
      .map((column) => findings.text(finding, column))
      .concat(subscriptionName(findings.text(finding, "subscription")), findings.number(finding, "fingerprint"))
      .join("\n")
      .toLowerCase(),
  ),
);

const findingByFingerprint = lazily(() =>
  new Map(indices(findings.size).map((finding) => [findings.number(finding, "fingerprint"), finding])),
);

const findingRanks = {
  severity: lazily(() => indices(findings.size).map((finding) => findings.number(finding, "severity"))),
  verdict: lazily(() => indices(findings.size).map((finding) => findings.number(finding, "verdict"))),
  message: lazily(() => ranksOf(findings.size, (finding) => findings.text(finding, "message"))),
  rule: lazily(() => ranksOf(findings.size, (finding) => findings.text(finding, "rule"))),
  group: lazily(() => ranksOf(findings.size, (finding) => findings.text(finding, "resource_group").toLowerCase())),
  subscription: lazily(() => ranksOf(findings.size, (finding) => subscriptionName(findings.text(finding, "subscription")))),
  subject: lazily(() => ranksOf(findings.size, (finding) => findings.text(finding, "name"))),
};

/** How a list may be grouped: what to choose, and what stands above each group. */
const findingGroups = {
  rule: ["rule", (finding) => ruleLink(findings.text(finding, "rule"))],
  severity: ["severity", (finding) => chip("severity", severityOf(finding))],
  verdict: ["verdict", (finding) => chip("verdict", verdictOf(finding))],
  subscription: ["subscription", (finding) => nameOf(subscriptionName(findings.text(finding, "subscription"))) || "no subscription"],
  group: ["resource group", (finding) => nameOf(findings.text(finding, "resource_group")) || "no resource group"],
  subject: ["subject", (finding) => titleOf(findings.text(finding, "name"))],
};

const severityOf = (finding) => wordOf("severity", findings.number(finding, "severity"));
const verdictOf = (finding) => wordOf("verdict", findings.number(finding, "verdict"));
const ruleLink = (id) => h("a", { href: `#/rules/${encodeURIComponent(id)}` }, id);
const findingLink = (finding) => `#/finding/${encodeURIComponent(findings.number(finding, "fingerprint"))}`;

function findingRow(finding) {
  const machine = machineOf(finding);
  const name = titleOf(findings.text(finding, "name"));
  const subject = machine < 0 ? name : h("a", { href: `#/machine/${machine}` }, name);
  return h("tr", { role: "row" },
    cell(chip("severity", severityOf(finding))),
    h("td", { role: "cell", class: "main" },
      h("a", { class: "clamp", href: findingLink(finding) }, said(findings.text(finding, "message") || "(no message)")),
      meta(`${wordOf("kind", findings.number(finding, "kind")).label} `, subject),
      findings.number(finding, "waiver") ? waivedChip() : null, openSince(finding)),
    cell(ruleLink(findings.text(finding, "rule"))),
    cell(chip("verdict", verdictOf(finding))),
    cell(nameOf(findings.text(finding, "resource_group")), meta(nameOf(subscriptionName(findings.text(finding, "subscription"))))));
}

/** What a finding must satisfy, as one function each; only those that were asked for. */
function findingTests(filter) {
  const tests = [];
  const equal = (column, value) => value && tests.push((finding) => findings.text(finding, column) === value);
  const wordEqual = (group, value) => value && tests.push((finding) => wordOf(group, findings.number(finding, group)).key === value);
  equal("rule", filter.rule);
  equal("subscription", filter.subscription);
  wordEqual("severity", filter.severity);
  wordEqual("verdict", filter.verdict);
  if (filter.group) {
    const part = filter.group.toLowerCase();
    tests.push((finding) => findings.text(finding, "resource_group").toLowerCase().includes(part));
  }
  if (filter.class) {
    const bit = 1 << numberOfWord("class", filter.class);
    tests.push((finding) => (reaches[machineOf(finding)]?.bits ?? 0) & bit);
  }
  if (filter.waived) {
    tests.push((finding) => (findings.number(finding, "waiver") > 0) === (filter.waived === "only"));
  }
  if (filter.since) {
    const [least, most] = SINCE[filter.since] ?? [0, Infinity];
    tests.push((finding) => daysOpen(finding) >= least && daysOpen(finding) <= most);
  }
  if (filter.q) {
    const [texts, terms] = [findingTexts(), termsOf(filter.q)];
    tests.push((finding) => matches(texts[finding], terms));
  }
  return tests;
}

const findingsList = pagedList({
  name: "findings", noun: "finding", nouns: "findings", row: findingRow, ranks: findingRanks,
  changed: (change) => readdress(change), empty: "No finding matches.",
});

const findingsForm = lazily(() => {
  suggest("findings-groups", distinct(findings, "resource_group"));
  return filterForm(byId("findings-filters"), {
    rule: { any: "any", options: distinct(findings, "rule") },
    severity: { any: "any", options: wordOptions("severity") },
    verdict: { any: "any", options: wordOptions("verdict").slice(0, 2) },
    subscription: { any: "any", options: distinct(findings, "subscription", subscriptionName) },
    class: { any: "any", options: wordOptions("class").reverse() },
    ...(byId("findings-filters").elements.since ? { since: { any: "any time", options: SINCE_OPTIONS } } : {}),
    waived: { any: "shown", options: [["no", "hidden"], ["only", "only these"]] },
    by: { any: "nothing", options: Object.entries(findingGroups).map(([key, [label]]) => [key, label]) },
  }, (filter) => readdress({ filter }));
});

function showFindings(_, { filter, sort, down, page, gradually }) {
  findingsForm().write(filter);
  const tests = findingTests(filter);
  const order = indices(findings.size).filter((finding) => tests.every((test) => test(finding)));
  const by = Object.hasOwn(findingGroups, filter.by ?? "") ? filter.by : "";
  const group = by ? { keys: findingRanks[by](), head: findingGroups[by][1] } : null;
  findingsList.show({ order, total: findings.size, page, sort, down, group, gradually });
  return "Findings";
}

function factTable(list) {
  const facts = evidenceLists.list(list, "facts");
  if (!facts.length) return null;
  const row = (fact) => h("tr", null,
    h("th", { scope: "row" }, evidence.text(fact, "label")),
    h("td", null, said(evidence.text(fact, "text")),
      evidence.number(fact, "resource") ? meta(nameOf(evidence.text(fact, "resource"), "mono")) : null,
      evidence.number(fact, "location") ? meta(placeOf(evidence.number(fact, "location"))) : null));
  return h("table", { class: "plain" }, h("caption", null, "Evidence"), h("tbody", null, facts.map(row)));
}

function titledList(heading, title, items) {
  return items.length ? [h(heading, null, title), h("ul", null, items.map((item) => h("li", null, said(item))))] : [];
}

function assumptionText(id) {
  const row = assumptionRows.get(id);
  return row === undefined ? id : assumptions.text(row, "text");
}

function waiverBox(number) {
  if (!number) return null;
  const row = number - 1;
  const parts = [["owner", "owner "], ["ticket", "ticket "], ["until", "until the end of "]]
    .filter(([column]) => waivers.number(row, column))
    .map(([column, before]) => before + waivers.text(row, column));
  return h("div", { class: "waiver" }, h("strong", null, icon("waived"), " Waived: "), waivers.text(row, "reason"), parts.length ? meta(parts.join(" · ")) : null);
}

/** One finding in full; `here` is the machine whose page it stands on. */
function findingArticle(finding, here = -1) {
  const cause = findings.text(finding, "cause");
  const machine = machineOf(finding);
  const heading = here < 0 ? "h2" : "h3";
  return h("article", { class: "panel finding" },
    h("header", null, chip("severity", severityOf(finding)), chip("verdict", verdictOf(finding)),
      findings.number(finding, "waiver") ? waivedChip() : null, cause ? h("code", null, cause) : null),
    h("p", { class: "message" }, said(findings.text(finding, "message"))),
    meta(`${wordOf("kind", findings.number(finding, "kind")).label} `, nameOf(findings.text(finding, "name")), " ", placeOf(findings.number(finding, "location"))),
    waiverBox(findings.number(finding, "waiver")),
    findingPast(finding),
    factTable(findings.number(finding, "evidence")),
    titledList(heading, "Not known, and it could change the answer", findings.texts(finding, "gaps")),
    titledList(heading, "Rests on the assumptions", findings.texts(finding, "assumptions").map(assumptionText)),
    h("p", { class: "foot" }, "Rule ", ruleLink(findings.text(finding, "rule")), " · fingerprint ",
      h("a", { href: findingLink(finding) }, h("code", null, findings.number(finding, "fingerprint"))),
      machine < 0 || machine === here ? null : [" · machine ", h("a", { href: `#/machine/${machine}` }, titleOf(machines.text(machine, "name")))],
      h("br"), h("span", { class: "mono" }, nameOf(findings.text(finding, "id")))));
}

function showFinding([fingerprint]) {
  const finding = findingByFingerprint().get(fingerprint);
  const known = finding !== undefined;
  const rule = known ? ruleRows.get(findings.text(finding, "rule")) : undefined;
  const title = !known ? "No such finding" : rule === undefined ? findings.text(finding, "rule") : rules.text(rule, "title");
  byId("finding-title").replaceChildren(visible(title));
  byId("finding-body").replaceChildren(known ? findingArticle(finding) : h("p", { class: "hint" }, "This report has no finding with that fingerprint: it may be of another scan."));
  return title;
}
