// Elements from data. Names of the estate are hostile: they become text nodes, never markup.

const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Spells out control, bidirectional and zero-width characters; the templates do the same. */
function visible(text) {
  return text.replace(hidden, (character) => {
    const code = character.codePointAt(0);
    return code < 32 ? String.fromCodePoint(0x2400 + code) : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
  });
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
  for (const child of children.flat()) {
    if (child instanceof Node) element.append(child);
    else if (child !== undefined && child !== null && child !== false && child !== "") element.append(visible(String(child)));
  }
  return element;
}

function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  const svg = document.createElementNS(space, "svg");
  return fill(svg, { class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" }, [use]);
}

/** A word with its shape, so that colour is never the only sign. */
const chip = (group, word) => h("span", { class: `chip ${group}-${word.key}` }, icon(word.key), word.label);
const waivedChip = () => h("span", { class: "chip waived" }, icon("waived"), "waived");

/** A name that the scanned estate chose. */
const nameOf = (text, extra = "") => text && h("bdi", { class: `name ${extra}`.trim() }, text);
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
