// A long table shown page by page, and the form that filters it.

const ROWS_PER_PAGE = 100;
/** Rows that fill a tall window; while somebody types, the others come a moment later. */
const ROWS_AT_ONCE = 20;
const MOST_KEPT_ROWS = 600;

/**
 * Takes over a table of the page. `row` makes the row of an item, `ranks` gives sort keys by column,
 * `changed` is called when page or order were chosen.
 */
function pagedList({ name, noun, nouns, row, ranks, changed, empty }) {
  const table = byId(`${name}-table`);
  const body = table.tBodies[0];
  const status = byId(`${name}-count`);
  const pagers = [...document.querySelectorAll(`[data-pager="${name}"]`)];
  const state = { order: [], total: 0, page: 0, sort: "", down: false, group: null };

  const pages = () => Math.max(1, Math.ceil(state.order.length / ROWS_PER_PAGE));
  const heads = [...table.tHead.querySelectorAll("[data-sort]")];
  const columns = table.tHead.rows[0].cells.length;

  heads.forEach((head) => {
    const button = h("button", { type: "button" }, head.textContent);
    button.addEventListener("click", () => turn(head.dataset.sort));
    head.replaceChildren(button);
  });

  function turn(sort) {
    const again = state.sort === sort;
    changed({ sort: again && state.down ? "" : sort, down: again && !state.down, page: 0 });
  }

  function go(page, fromFoot) {
    if (page < 0 || page >= pages()) return;
    changed({ page });
    if (fromFoot) table.scrollIntoView({ block: "start" });
  }

  const turners = pagers.map((pager, place) => {
    const back = h("button", { type: "button", class: "quiet", "aria-label": `Previous page of ${nouns}` }, "Previous");
    const on = h("button", { type: "button", class: "quiet", "aria-label": `Next page of ${nouns}` }, "Next");
    const where = h("span", null);
    back.addEventListener("click", () => go(state.page - 1, place > 0));
    on.addEventListener("click", () => go(state.page + 1, place > 0));
    pager.append(back, where, on);
    return { pager, back, on, where };
  });

  function sorted(order) {
    const keys = state.sort && ranks[state.sort]?.();
    if (!keys) return order;
    const sign = state.down ? -1 : 1;
    return [...order].sort((a, b) => sign * (keys[a] - keys[b]) || a - b);
  }

  /** Rows that were made once serve again: the next letter of a search shows mostly the same ones. */
  const kept = new Map();
  function rowOf(item) {
    let made = kept.get(item);
    if (!made) {
      if (kept.size >= MOST_KEPT_ROWS) kept.clear();
      made = row(item);
      made.querySelectorAll(".long").forEach((text) => text.removeAttribute("tabindex")); // rows clamp them instead
      kept.set(item, made);
    }
    return made;
  }

  /** Adds the rows that still wait, or nothing. */
  let rest = () => {};
  addEventListener("beforeprint", () => rest());

  function paint(gradually) {
    const first = state.page * ROWS_PER_PAGE;
    const shown = state.order.slice(first, first + ROWS_PER_PAGE);
    const now = gradually ? ROWS_AT_ONCE : ROWS_PER_PAGE;
    const make = state.group ? withGroups(state.group) : (items) => items.map(rowOf);
    const none = () => h("tr", { role: "row" }, h("td", { role: "cell", colspan: columns, class: "empty" }, empty));
    body.replaceChildren(...(shown.length ? make(shown.slice(0, now)) : [none()]));
    paintState(first, shown.length);
    const more = () => {
      if (rest !== more) return;
      rest = () => {};
      body.append(...make(shown.slice(now)));
    };
    rest = shown.length > now ? more : () => {};
    if (rest === more) afterPaint(more);
  }

  /** Makes rows with a head before each group; it remembers the group that the rows before ended with. */
  const withGroups = (group) => {
    let last;
    return (items) => items.flatMap((item) => {
      const key = group.keys[item];
      if (key === last) return [rowOf(item)];
      last = key;
      const count = plural(group.counts.get(key), noun, nouns);
      return [h("tr", { class: "group", role: "row" }, h("th", { role: "rowheader", colspan: columns, scope: "rowgroup" }, group.head(item), ` · ${count}`)), rowOf(item)];
    });
  };

  function paintState(first, count) {
    const all = state.order.length;
    const matching = all === state.total ? plural(all, noun, nouns) : `${grouped(all)} of ${plural(state.total, noun, nouns)}`;
    const part = all > count && count ? `, ${grouped(first + 1)} to ${grouped(first + count)} shown` : "";
    status.textContent = matching + part;
    heads.forEach((head) => {
      const order = head.dataset.sort !== state.sort ? null : state.down ? "descending" : "ascending";
      if (order) head.setAttribute("aria-sort", order);
      else head.removeAttribute("aria-sort");
    });
    turners.forEach(({ pager, back, on, where }) => {
      pager.hidden = pages() === 1;
      where.textContent = `${grouped(state.page + 1)} of ${grouped(pages())}`;
      back.setAttribute("aria-disabled", state.page === 0);
      on.setAttribute("aria-disabled", state.page + 1 >= pages());
    });
  }

  /** Shows the items of `order`; the group, if any, sorts before everything else. */
  function show({ order, total, page = 0, sort = "", down = false, group = null, gradually = false }) {
    Object.assign(state, { total, sort, down, group });
    state.order = sorted(order);
    if (group) {
      group.counts = new Map();
      order.forEach((item) => group.counts.set(group.keys[item], (group.counts.get(group.keys[item]) ?? 0) + 1));
      state.order.sort((a, b) => group.keys[a] - group.keys[b]);
    }
    state.page = Math.min(Math.max(0, page), pages() - 1);
    paint(gradually);
  }

  return { show };
}

/** Runs when what was changed has been drawn. */
const afterPaint = (act) => requestAnimationFrame(() => setTimeout(act));

/** Fills the selects of a form and reports every change, at most once a frame. */
function filterForm(form, choices, changed) {
  for (const [name, { any, options }] of Object.entries(choices)) {
    const all = any === undefined ? options : [["", any], ...options];
    form.elements[name].replaceChildren(...all.map(([value, label]) => h("option", { value }, label.slice(0, 120))));
  }
  const fields = [...form.elements].filter((field) => field.name);
  let waiting = 0;
  const later = () => {
    cancelAnimationFrame(waiting);
    const address = location.hash;
    // Whoever has gone elsewhere meanwhile is not fetched back.
    waiting = requestAnimationFrame(() => location.hash === address && changed(read()));
  };
  form.addEventListener("input", later);
  form.addEventListener("reset", () => setTimeout(later));
  form.addEventListener("submit", (event) => event.preventDefault());

  function read() {
    mark();
    return Object.fromEntries(fields.filter((field) => field.value).map((field) => [field.name, field.value]));
  }

  function mark() {
    fields.forEach((field) => field.classList.toggle("set", field.type !== "search" && field.value !== ""));
  }

  /** Sets the fields from the address of the view. */
  function write(values) {
    fields.forEach((field) => {
      if (document.activeElement === field && field.value.trim() === (values[field.name] ?? "").trim()) return;
      field.value = values[field.name] ?? "";
      if (field.selectedIndex === -1) field.selectedIndex = 0;
    });
    mark();
  }

  return { write };
}

/** Whether a text has every word that was typed. */
const termsOf = (query) => query.toLowerCase().split(/\s+/).filter(Boolean);
const matches = (haystack, terms) => terms.every((term) => haystack.includes(term));

/** Distinct texts of a column, sorted, with labels. */
function distinct(table, column, label = (text) => text) {
  const texts = new Set(indices(table.size).map((row) => table.number(row, column)));
  const { compare } = new Intl.Collator("en", { numeric: true });
  return [...texts].map(textOf).filter(Boolean).map((text) => [text, visible(label(text))]).sort((a, b) => compare(a[1], b[1]));
}

const wordOptions = (group) => data.words[group].map((word) => [word.key, word.label]);

/** A list of names would be too long to be a help beyond this. */
const MOST_SUGGESTIONS = 400;

function suggest(id, texts) {
  byId(id).replaceChildren(...texts.slice(0, MOST_SUGGESTIONS).map(([value]) => h("option", { value })));
}
