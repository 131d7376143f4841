//! The HTML page: nothing hostile gets out of its place, nothing is lost, nothing is fetched, and it stays small.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "what is missing fails the test"
)]

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Instant;

use base64::Engine;
use portcullis::report::{Options, Report, html};
use serde_json::Value;
use sha2::{Digest, Sha256};

mod html_fixture;

use html_fixture::{HOSTILE, empty, estate, hostile, incomplete};

/// Undoes the escapes of the templates.
fn unescaped(markup: &str) -> String {
    let escapes = [
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    escapes
        .iter()
        .fold(markup.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

fn page(report: &Report) -> String {
    let mut out = Vec::new();
    (html::FORMAT.write)(report, &Options::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The texts between `start` and `end`, one for each place.
fn between<'p>(page: &'p str, start: &str, end: &str) -> Vec<&'p str> {
    page.split(start)
        .skip(1)
        .map(|rest| rest.split(end).next().unwrap())
        .collect()
}

fn data_block(page: &str) -> Value {
    let blocks = between(page, r#"<script type="application/json" id="data">"#, "</script>");
    assert_eq!(blocks.len(), 1);
    assert!(!blocks[0].contains('<'), "`<` could end the block");
    serde_json::from_str(blocks[0]).unwrap()
}

/// The string with a number, joined from its pieces.
fn string(data: &Value, number: u64) -> String {
    match &data["strings"][number as usize] {
        Value::String(text) => text.clone(),
        Value::Array(pieces) => pieces
            .iter()
            .map(|piece| string(data, piece.as_u64().unwrap()))
            .collect(),
        other => panic!("not a string: {other}"),
    }
}

fn column<'d>(data: &'d Value, table: &str, column: &str) -> Vec<&'d Value> {
    let table = &data[table];
    let place = table["columns"]
        .as_array()
        .unwrap()
        .iter()
        .position(|name| name == column)
        .unwrap();
    table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row[place])
        .collect()
}

fn texts(data: &Value, table: &str, name: &str) -> Vec<String> {
    column(data, table, name)
        .into_iter()
        .map(|cell| string(data, cell.as_u64().unwrap_or(0)))
        .collect()
}

fn attributes<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let markup = page
        .split(r#"<script type="application/json" id="data">"#)
        .next()
        .unwrap();
    between(markup, &format!(" {name}=\""), "\"")
}

#[test]
fn policy_allows_the_embedded_texts_and_nothing_else() {
    let page = page(&estate(12, 20));
    let policy = unescaped(between(&page, r#"http-equiv="Content-Security-Policy" content=""#, "\"")[0]);
    let embedded = |start| between(&page, start, if start == "<style>" { "</style>" } else { "</script>" });
    let hash = |text: &str| {
        format!(
            "'sha256-{}'",
            base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text))
        )
    };
    let scripts: Vec<String> = embedded("<script>").into_iter().map(hash).collect();
    assert_eq!(scripts.len(), 2);
    assert!(
        policy.contains(&format!("script-src {};", scripts.join(" "))),
        "{policy}"
    );
    assert!(
        policy.contains(&format!("style-src {};", hash(embedded("<style>")[0]))),
        "{policy}"
    );
    for directive in [
        "default-src 'none'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(policy.contains(directive), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
}

#[test]
fn nothing_needs_an_unsafe_policy_or_a_fetch() {
    for report in [estate(30, 50), incomplete(), hostile(), empty()] {
        let page = page(&report);
        assert_eq!(page.matches("<script").count(), 3);
        for name in ["style", "src", "onclick", "onload", "onerror"] {
            assert_eq!(attributes(&page, name), Vec::<&str>::new(), "{name}");
        }
        let references: BTreeSet<String> = attributes(&page, "href")
            .into_iter()
            .map(unescaped)
            .filter(|href| !href.starts_with('#'))
            .collect();
        assert!(
            references.iter().all(|href| href.starts_with("https://")),
            "{references:?}"
        );
        let links = page.matches("href=\"http").count();
        assert_eq!(links, page.matches("rel=\"noreferrer noopener\"").count());
    }
}

#[test]
fn hostile_names_stay_text() {
    let report = hostile();
    let page = page(&report);
    let data = data_block(&page);
    let markup = page.replace(
        &page[page.find(r#"id="data">"#).unwrap()..page.rfind("<script>").unwrap()],
        "",
    );
    for name in HOSTILE.iter().filter(|name| name.contains('<') || name.contains('"')) {
        assert!(!markup.contains(name), "{name}");
    }
    for character in [
        '\u{202e}', '\u{2066}', '\u{200b}', '\u{0}', '\u{7}', '\u{1b}', '\u{2028}',
    ] {
        assert!(!markup.contains(character), "{character:?}");
    }
    assert!(markup.contains("[U+202E]gpj.exe"));
    assert!(markup.contains("{{ 7 * 7 }}"), "the templates must not evaluate names");
    let names: Vec<String> = report.machines.iter().map(|machine| machine.name.to_string()).collect();
    assert_eq!(
        texts(&data, "machines", "name"),
        names,
        "the data keeps names as they are"
    );
}

#[test]
fn every_finding_and_machine_is_in_the_data() {
    for report in [estate(700, 1_500), hostile(), empty()] {
        let page = page(&report);
        let data = data_block(&page);
        if report.machines.is_empty() {
            assert_eq!(data["machines"]["rows"], serde_json::json!([]));
            continue;
        }
        let of = |text: fn(&portcullis::rule::Finding) -> &str| {
            report
                .findings
                .iter()
                .map(|finding| text(finding).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(&data, "findings", "id"), of(|finding| &finding.subject.id));
        assert_eq!(texts(&data, "findings", "rule"), of(|finding| &finding.rule));
        assert_eq!(texts(&data, "findings", "message"), of(|finding| &finding.message));
        let fingerprints: Vec<&str> = column(&data, "findings", "fingerprint")
            .into_iter()
            .map(|cell| cell.as_str().unwrap())
            .collect();
        assert_eq!(fingerprints, of(|finding| &finding.fingerprint));
        let ids: Vec<String> = report.machines.iter().map(|machine| machine.id.to_string()).collect();
        assert_eq!(texts(&data, "machines", "id"), ids);
    }
}

#[test]
fn shared_ports_are_stored_once() {
    let report = estate(4_000, 0);
    let data = data_block(&page(&report));
    let lists = data["port_lists"]["rows"].as_array().unwrap().len();
    assert!(lists < 1_500, "{lists}");
}

#[test]
fn an_incomplete_scan_is_loud() {
    let partial = page(&incomplete());
    assert!(partial.contains("NOT COMPLETE"));
    assert!(partial.contains("just-in-time policies: 429 after 6 attempts"));
    assert!(!page(&estate(10, 10)).contains("NOT COMPLETE"));
}

#[test]
fn without_script_the_page_has_summary_findings_and_rules() {
    let report = estate(60, 90);
    let page = page(&report);
    let markup = unescaped(page.split(r#"<script type="application/json""#).next().unwrap());
    let markup = markup.replace("<code>", "`").replace("</code>", "`");
    for finding in &report.findings {
        assert!(markup.contains(&*finding.message), "{}", finding.message);
    }
    for rule in &report.rules {
        assert!(markup.contains(&*rule.title));
    }
    assert!(
        markup.contains("this tool: our own judgement") && markup.contains("Microsoft: a built-in initiative binds it")
    );
}

/// 30,000 findings over 12,000 machines, made once for the tests that need them.
static LARGE: LazyLock<String> = LazyLock::new(|| {
    let report = estate(12_000, 30_000);
    let start = Instant::now();
    let page = page(&report);
    println!("{} bytes in {} ms", page.len(), start.elapsed().as_millis());
    page
});

#[test]
fn thirty_thousand_findings_stay_under_ten_megabytes() {
    assert!(LARGE.len() < 10_000_000, "{} bytes", LARGE.len());
    assert_eq!(column(&data_block(&LARGE), "findings", "fingerprint").len(), 30_000);
}

/// Leaves pages for the browser test (`tests/browser/report.mjs`).
#[test]
fn pages_for_the_browser_test() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let small = [
        ("estate", estate(60, 90)),
        ("incomplete", incomplete()),
        ("hostile", hostile()),
        ("empty", empty()),
    ];
    let pages = small
        .iter()
        .map(|(name, report)| (*name, page(report)))
        .chain([("large", LARGE.clone())]);
    for (name, page) in pages {
        std::fs::write(folder.join(format!("report-{name}.html")), page).unwrap();
    }
}
