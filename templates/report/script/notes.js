// Rules and notes: static, but for the list of diagnostics.

function diagnosticRow(diagnostic) {
  const text = (column) => diagnostics.text(diagnostic, column);
  return h("tr", { role: "row" },
    cell(chip("level", wordOf("level", diagnostics.number(diagnostic, "level")))),
    h("td", { role: "cell", class: "main" }, said(text("message")), text("help") ? meta("help: ", said(text("help"))) : null, meta(h("code", null, text("code")))),
    cell(placeOf(diagnostics.number(diagnostic, "location")), text("resource") ? nameOf(text("resource"), "mono") : null));
}

const diagnosticsList = lazily(() => diagnostics.size && pagedList({
  name: "diagnostics", noun: "diagnostic", nouns: "diagnostics", row: diagnosticRow,
  ranks: {
    level: lazily(() => indices(diagnostics.size).map((row) => diagnostics.number(row, "level"))),
    message: lazily(() => ranksOf(diagnostics.size, (row) => diagnostics.text(row, "message"))),
    place: lazily(() => indices(diagnostics.size).map((row) => diagnostics.number(row, "location"))),
  },
  changed: (change) => readdress(change), empty: "None.",
}));

function showNotes(_, { sort, down, page }) {
  const list = diagnosticsList();
  if (list) list.show({ order: indices(diagnostics.size), total: diagnostics.size, page, sort, down });
  return "Notes";
}

function showRules([wanted]) {
  const articles = [...document.querySelectorAll("[data-rule]")];
  const rule = wanted && articles.find((article) => article.dataset.rule === wanted);
  return { title: "Rules", at: rule || null };
}
