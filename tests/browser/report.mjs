// Opens HTML reports in a browser and checks what no parser can: that nothing is fetched or refused, that the
// keyboard works, that names stay text, and that axe finds no barrier in any view.
//
//   node report.mjs REPORT.html...
//
// CHROMIUM names the browser (default: chromium on the path). TOOLS names a folder whose node_modules holds
// playwright-core and axe-core (default: this one). SCREENSHOTS names a folder for pictures.

import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const tools = createRequire(process.env.TOOLS ? join(resolve(process.env.TOOLS), "x.cjs") : import.meta.url);
const { chromium } = tools("playwright-core");
const axeSource = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const executablePath = process.env.CHROMIUM || execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser || command -v google-chrome"], { encoding: "utf8" }).trim();
const pictures = process.env.SCREENSHOTS;
if (pictures) mkdirSync(pictures, { recursive: true });

/** A page that remembers everything it complained about and everything it asked for. */
async function openReport(browser, file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const troubles = [];
  const address = pathToFileURL(resolve(file)).href;
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && troubles.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  page.on("request", (request) => request.url().split("#")[0] !== address && troubles.push(`request: ${request.url()}`));
  page.on("dialog", (dialog) => (troubles.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
  const started = performance.now();
  await page.goto(address);
  const opened = performance.now() - started;
  return { context, page, troubles, address, opened };
}

const go = (page, hash) => page.evaluate((target) => { location.hash = target; }, hash).then(() => page.waitForTimeout(50));
const view = (page) => page.evaluate(() => document.documentElement.dataset.view);
const rowCount = (page, name) => page.locator(`#${name}-table tbody tr:not(:has(.empty))`).count();
const total = (page, table) => page.evaluate((name) => data[name].rows.length, table);

async function axe(page, where) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }));
  const lines = violations.map((one) => `${one.id}: ${one.help}\n    ${one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary?.split("\n")[1] ?? ""}`).join("\n    ")}`);
  assert.deepEqual(lines, [], `axe in ${where}:\n  ${lines.join("\n  ")}`);
}

async function picture(page, file, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${basename(file, ".html")}-${name}.png`) });
}

/** No view may be wider than the window. */
async function fits(page, where) {
  const spill = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(spill <= 0, `${where} is ${spill} px too wide`);
}

const isDashboard = (page) => page.evaluate(() => document.documentElement.dataset.home === "trend");

/** The trend opens first; a finding tells since when it is open; a machine is found by its id, which holds in every report. */
async function thePast(page) {
  await go(page, "#/");
  assert.equal(await view(page), "trend");
  const bars = await page.locator("#view-trend .chart g").count();
  assert.ok(bars > 0 || (await total(page, "past_findings")) === 0);
  await go(page, "#/findings?since=week");
  await go(page, "#/findings");
  assert.match(await page.locator("#findings-table tbody").textContent(), /open for/);
  await go(page, `#/finding/${await page.evaluate(() => findings_first())}`);
  assert.match(await page.locator("#finding-body").textContent(), /still open/);
  const id = await page.evaluate(() => machines.text(0, "id"));
  await go(page, `#/machine/${id}`);
  assert.equal(await view(page), "machine");
  assert.match(await page.locator("#machine-body").textContent(), /First seen on/);
}

/** Printed, it is light, and as long as its paper. */
async function printed(page, file) {
  await go(page, "#/");
  const bytes = await page.pdf({ format: "A4" });
  assert.ok(bytes.length > 10000 && bytes.subarray(0, 5).toString() === "%PDF-");
  if (pictures) writeFileSync(join(pictures, `${basename(file, ".html")}.pdf`), bytes);
}

/** Colours matter to axe, widths to `fits`. */
async function everyView(page, file, label, barriers) {
  const [machines, findings] = [await total(page, "machines"), await total(page, "findings")];
  const fingerprint = findings ? await page.evaluate(() => findings_first()) : "none";
  const home = (await isDashboard(page)) ? ["#/", "#/overview"] : ["#/"];
  const views = [...home, "#/standards", "#/findings", "#/machines", "#/rules", "#/notes", `#/machine/${machines ? 0 : 9}`, `#/finding/${fingerprint}`];
  for (const hash of views) {
    await go(page, hash);
    const name = `${label}-${await view(page)}`;
    await fits(page, name);
    if (barriers) await axe(page, name);
    await picture(page, file, name);
  }
}

async function tabsByKeyboard(page) {
  await go(page, "#/machines");
  const selected = () => page.locator('[role="tab"][aria-selected="true"]').getAttribute("data-tab");
  assert.equal(await selected(), "all");
  await page.locator('[role="tab"][aria-selected="true"]').focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await selected(), "configured");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.tab), "configured");
  await page.keyboard.press("ArrowRight");
  assert.equal(await selected(), "not_configured");
  await page.keyboard.press("End");
  assert.equal(await selected(), "all");
  await page.keyboard.press("Home");
  assert.equal(await selected(), "configured");
  assert.match(await page.evaluate(() => location.hash), /^#\/machines\/configured/);
}

async function searchFilters(page) {
  await go(page, "#/");
  await page.keyboard.press("/");
  assert.equal(await view(page), "findings");
  assert.equal(await page.evaluate(() => document.activeElement.name), "q");
  const before = await page.locator("#findings-count").textContent();
  const fingerprint = await page.evaluate(() => findings_first());
  await page.keyboard.type(fingerprint);
  await page.waitForFunction((text) => document.getElementById("findings-count").textContent !== text || document.querySelectorAll("#findings-table tbody tr").length === 1, before);
  assert.equal(await rowCount(page, "findings"), 1);
  assert.match(await page.evaluate(() => location.hash), new RegExp(`q=${fingerprint}`));
  await page.keyboard.press("Control+a");
  await page.keyboard.type("no such text anywhere at all");
  await page.waitForFunction(() => document.querySelector("#findings-table .empty"));
}

async function groupsAndPages(page, findings) {
  await go(page, "#/findings?by=rule");
  assert.ok((await page.locator("#findings-table tr.group").count()) > 0);
  await go(page, "#/findings");
  const sort = page.locator('#findings-table [data-sort="rule"] button');
  await sort.click();
  assert.equal(await page.locator('#findings-table [data-sort="rule"]').getAttribute("aria-sort"), "ascending");
  if (findings > 100) {
    await page.locator('#view-findings .pager').first().getByRole("button", { name: "Next" }).click();
    assert.match(await page.evaluate(() => location.hash), /page=2/);
  }
}

/** Whoever follows a link while a filter waits for the next frame gets where the link leads. */
async function linkWins(page) {
  for (let round = 0; round < 3; round += 1) {
    await go(page, "#/findings");
    const reached = await page.evaluate(async () => {
      const field = document.querySelector("#findings-filters [name=q]");
      field.value = "typed in haste";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      location.hash = "#/findings?by=rule";
      const busy = performance.now() + 150;
      while (performance.now() < busy);
      await new Promise((done) => setTimeout(done, 100));
      return location.hash;
    });
    assert.equal(reached, "#/findings?by=rule");
  }
}

async function machinePage(page, machines) {
  await go(page, "#/machines");
  const link = page.locator("#machines-table tbody a").first();
  await link.focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.documentElement.dataset.view === "machine");
  assert.equal(await page.evaluate(() => document.activeElement.id), "machine-title");
  assert.ok((await page.locator("#view-machine .hops .hop").count()) >= 3);
  // The last way in is the private one, which leads to every port.
  const ports = page.locator("#view-machine .path").last().locator('input[type="radio"]');
  await ports.first().focus();
  await page.keyboard.press("ArrowDown");
  assert.ok((await ports.count()) < 2 || (await ports.nth(1).isChecked()));
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.documentElement.dataset.view === "machines");
  await go(page, `#/machine/${machines - 1}`);
  assert.ok((await page.locator("#machine-title").textContent()).length > 0);
  await page.goBack();
  assert.equal(await view(page), "machines");
}

async function skipLink(page) {
  await go(page, "#/findings");
  await page.reload();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "content");
  assert.equal(await view(page), "findings");
}

async function withoutScript(browser, file) {
  const { context, page, troubles } = await openReport(browser, file, { javaScriptEnabled: false });
  assert.ok(await page.locator("#view-overview").isVisible());
  if (await page.locator("html[data-home=trend]").count()) assert.ok(await page.locator("#view-trend").isVisible());
  assert.ok(await page.locator("#view-findings").isVisible());
  assert.ok(await page.locator("#view-rules").isVisible());
  assert.equal(await page.locator(".filters").first().isVisible(), false);
  await picture(page, file, "no-script");
  assert.deepEqual(troubles, []);
  await context.close();
}

const FILTER_LIMIT = 100;
const PAINT_LIMIT = 1000;

/** How long a change of the filter takes, from the event to the painted rows; the best of three rounds, since others work here too. */
async function filterTime(page) {
  const rounds = [];
  for (let round = 0; round < 3; round += 1) rounds.push(await filterRound(page));
  const best = rounds[0].map((_, query) => Math.min(...rounds.map((times) => times[query])));
  assert.ok(Math.max(...best) < FILTER_LIMIT, `filters took ${best.join("/")} ms`);
  return best;
}

async function filterRound(page) {
  await go(page, "#/findings");
  return page.evaluate(async () => {
    const field = document.querySelector("#findings-filters [name=q]");
    const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const times = [];
    for (const query of ["vm-web", "vm-web-0001", "5985 stays open", "zzz", ""]) {
      const start = performance.now();
      field.value = query;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      await painted();
      times.push(Math.round(performance.now() - start));
    }
    return times;
  });
}

async function check(browser, file) {
  const started = performance.now();
  const { context, page, troubles, opened } = await openReport(browser, file);
  await page.evaluate(() => { window.findings_first = () => findings.number(0, "fingerprint"); });
  const painted = await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  const paint = await painted.jsonValue();
  assert.ok(paint < PAINT_LIMIT, `painted after ${paint} ms`);
  const [machines, findings] = [await total(page, "machines"), await total(page, "findings")];
  await everyView(page, file, "light", true);
  if (findings) {
    await searchFilters(page);
    await linkWins(page);
    await groupsAndPages(page, findings);
  }
  if (machines) {
    await tabsByKeyboard(page);
    await machinePage(page, machines);
  }
  if (findings && machines && (await isDashboard(page))) await thePast(page);
  await printed(page, file);
  const times = findings ? await filterTime(page) : [];
  await skipLink(page);
  assert.deepEqual(troubles, []);
  await context.close();

  for (const [label, options] of [["dark", { colorScheme: "dark" }], ["narrow", { viewport: { width: 360, height: 740 } }], ["wide", { viewport: { width: 1600, height: 1000 } }]]) {
    const other = await openReport(browser, file, options);
    await other.page.evaluate(() => { window.findings_first = () => findings.number(0, "fingerprint"); });
    await everyView(other.page, file, label, label === "dark");
    assert.deepEqual(other.troubles, []);
    await other.context.close();
  }
  await withoutScript(browser, file);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`ok ${basename(file)}: ${machines} machines, ${findings} findings; first paint ${Math.round(paint)} ms, loaded ${Math.round(opened)} ms, filter ${times.join("/")} ms (${seconds} s)`);
}

const files = process.argv.slice(2);
if (!files.length) {
  console.error("usage: node report.mjs REPORT.html...");
  process.exit(2);
}
const browser = await chromium.launch({ executablePath, args: FLAGS, headless: true });
let failed = 0;
for (const file of files) {
  try {
    await check(browser, file);
  } catch (error) {
    failed += 1;
    console.error(`not ok ${basename(file)}: ${error.stack}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
