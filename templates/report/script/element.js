// Elements from data. Names of the estate are hostile: they become text nodes, never markup.

const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Spells out control, bidirectional and zero-width characters; the templates do the same. */
function visible(text) {
  return text.replace(hidden, (character) => `[U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

const grouped = (number) => number.toLocaleString("en-US");
const plural = (number, one, many = `${one}s`) => `${grouped(number)} ${number === 1 ? one : many}`;

/** A count as decimal text; IPv6 counts are too long to read. */
function addressCount(digits) {
  if (digits.length <= 15) return grouped(Number(digits));
  return `about ${digits[0]}.${digits[1]} × 10^${digits.length - 1}`;
}

/** An element with attributes and children; texts become visible text, empty children are left out. */
function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child instanceof Node) element.append(child);
    else if (child !== undefined && child !== null && child !== false && child !== "") element.append(shown(visible(String(child))));
  }
  return element;
}

/** Beyond this a text gets a box of its own that scrolls. */
const LONG_TEXT = 400;

function shown(text) {
  if (text.length <= LONG_TEXT) return text;
  const box = document.createElement("span");
  box.className = "long";
  box.tabIndex = 0;
  box.textContent = text;
  return box;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  const svg = document.createElementNS(space, "svg");
  return fill(svg, { class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, [use]);
}

/** A message of the report: values in backticks become code. The templates do the same. */
function said(text) {
  const parts = text.split("`");
  const last = parts.length - 1;
  return parts.map((part, place) => {
    if (place % 2 === 0) return part;
    return place === last ? `\`${part}` : part && h("code", null, part);
  });
}

/** A word with its shape, so that colour is never the only sign. */
const chip = (group, word) => h("span", { class: `chip ${group}-${word.key}` }, icon(word.key), word.label);
const waivedChip = () => h("span", { class: "chip waived" }, icon("waived"), "waived");

/** A name that the scanned estate chose. */
const nameOf = (text, extra = "") => text && h("bdi", { class: `name ${extra}`.trim() }, text);
/** The same where something must stand, such as in a link. */
const titleOf = (text) => nameOf(text) || "(no name)";
const meta = (...children) => h("span", { class: "meta" }, ...children);
const cell = (...children) => h("td", { role: "cell" }, ...children);

/** Where something was said, or nothing; `number` is one more than the row. */
function placeOf(number) {
  if (!number) return null;
  const row = number - 1;
  const { line, column } = { line: locations.number(row, "line"), column: locations.number(row, "column") };
  return h("span", { class: "place" }, h("bdi", null, locations.text(row, "file")), `:${line}:${column}`);
}

const byId = (id) => document.getElementById(id);
