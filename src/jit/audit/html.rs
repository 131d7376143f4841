//! The audit as a page of its own, written record by record: no script, nothing from elsewhere, and everything that was
//! read is hostile text.

use std::io::Write;

use super::csv::minutes;
use super::record::{Header, Outcome, Record};
use crate::report::{ReportError, text};

/// Rows of the page at most; a browser opens no table of a million.
const MOST: u64 = 20_000;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--dim:#888}\
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:90rem;padding:0 1rem}\
h1{font-size:1.4rem;margin:0 0 .3rem}p{margin:.2rem 0;color:var(--dim)}\
table{border-collapse:collapse;width:100%;margin-top:1.2rem;font-size:14px}\
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid var(--line);overflow-wrap:anywhere}\
th{position:sticky;top:0;background:Canvas;white-space:nowrap}\
.time{white-space:nowrap;font-variant-numeric:tabular-nums}\
.granted{color:#0a7d33}.refused{color:#c62828;font-weight:600}.unanswered{color:#b26a00}\
@media(prefers-color-scheme:dark){.granted{color:#5bd184}.refused{color:#ff8a80}.unanswered{color:#ffb74d}}\
.small{color:var(--dim);font-size:12.5px}.warn{color:#b26a00}";

/// A page whose table is being written.
pub struct Page<W: Write> {
    out: W,
    rows: u64,
}

impl<W: Write> Page<W> {
    pub fn begin(mut out: W, header: &Header) -> Result<Self, ReportError> {
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>Just-in-time access: audit</title>\
             <style>{STYLE}</style></head><body>\n<h1>Just-in-time access: audit</h1>\n\
             <p>{} to {}, subscriptions {}</p>\n<p class=\"small\">made {} by {}</p>",
            escaped(&header.from),
            escaped(&header.to),
            escaped(&header.subscriptions.join(", ")),
            escaped(&header.generated),
            escaped(&header.tool),
        )?;
        for (label, asked) in [("machines", &header.machines), ("users", &header.users)] {
            if !asked.is_empty() {
                writeln!(out, "<p>only {label} {}</p>", escaped(&asked.join(", ")))?;
            }
        }
        for missing in &header.missing {
            writeln!(out, "<p class=\"warn\">not read: {}</p>", escaped(missing))?;
        }
        writeln!(
            out,
            "<table><thead><tr><th>Time (UTC)</th><th>Outcome</th><th>Who</th><th>Machine and port</th><th>From</th>\
             <th>Until</th><th>Why</th><th>Told by</th></tr></thead><tbody>"
        )?;
        Ok(Page { out, rows: 0 })
    }

    pub fn write(&mut self, record: &Record) -> Result<(), ReportError> {
        self.rows += 1;
        if self.rows > MOST {
            return Ok(());
        }
        let class = match record.outcome {
            Outcome::Granted => "granted",
            Outcome::Refused => "refused",
            Outcome::Unanswered => "unanswered",
            _ => "small",
        };
        let cells = [
            format!("<td class=\"time\">{}</td>", escaped(&when(&record.time))),
            format!("<td class=\"{class}\">{}</td>", record.outcome.label()),
            format!(
                "<td>{}{}</td>",
                escaped(record.user.as_deref().unwrap_or_default()),
                small("from ", record.client_address.as_deref())
            ),
            format!("<td>{}</td>", machines(record)),
            format!(
                "<td class=\"time\">{}</td>",
                distinct(record, |touched| touched.sources.join(", "))
            ),
            format!(
                "<td class=\"time\">{}{}</td>",
                distinct(record, |touched| touched.end.as_deref().map(when).unwrap_or_default()),
                small("", length(record).as_deref())
            ),
            format!(
                "<td>{}{}</td>",
                escaped(record.justification.as_deref().unwrap_or_default()),
                small("refused: ", record.error.as_deref())
            ),
            format!("<td class=\"small\">{}</td>", told(record)),
        ];
        Ok(writeln!(self.out, "<tr>{}</tr>", cells.concat())?)
    }

    pub fn end(mut self) -> Result<(), ReportError> {
        self.out.write_all(b"</tbody></table>\n")?;
        let shown = self.rows.min(MOST);
        match self.rows - shown {
            0 => writeln!(self.out, "<p>{shown} records</p>")?,
            more => writeln!(
                self.out,
                "<p class=\"warn\">the first {shown} records; {more} more are in the other formats</p>"
            )?,
        }
        self.out.write_all(b"</body></html>\n")?;
        Ok(self.out.flush()?)
    }
}

fn when(time: &str) -> String {
    let parsed = time.parse::<jiff::Timestamp>();
    parsed.map_or_else(
        |_| time.to_owned(),
        |time| time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

fn length(record: &Record) -> Option<String> {
    minutes(record).map(|minutes| crate::jit::moment::lasting(jiff::SignedDuration::from_mins(minutes)))
}

fn small(label: &str, said: Option<&str>) -> String {
    said.filter(|said| !said.is_empty()).map_or_else(String::new, |said| {
        format!("<div class=\"small\">{label}{}</div>", escaped(said))
    })
}

fn machines(record: &Record) -> String {
    let name = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
    let mut by_machine: Vec<(String, Vec<String>)> = Vec::new();
    for touched in &record.touched {
        let machine = name(&touched.machine);
        let port = touched.port.map(|port| port.to_string());
        match by_machine.iter_mut().find(|(known, _)| *known == machine) {
            Some((_, ports)) => ports.extend(port),
            None => by_machine.push((machine, port.into_iter().collect())),
        }
    }
    let shown: Vec<String> = by_machine
        .iter()
        .map(|(machine, ports)| escaped(format!("{machine} {}", ports.join(", ")).trim()))
        .collect();
    let policy = record.policy.as_deref().map(name);
    let rules = record
        .changes
        .iter()
        .map(|change| format!("rule {} {}", name(&change.resource), change.kind.label()));
    let below: Vec<String> = policy
        .map(|policy| format!("policy {policy}"))
        .into_iter()
        .chain(rules)
        .collect();
    format!(
        "{}{}",
        shown.join("<br>"),
        below.iter().map(|line| small("", Some(line))).collect::<String>()
    )
}

fn distinct(record: &Record, of: impl Fn(&super::record::Touched) -> String) -> String {
    let mut parts: Vec<String> = record.touched.iter().map(of).filter(|part| !part.is_empty()).collect();
    parts.sort();
    parts.dedup();
    parts.iter().map(|part| escaped(part)).collect::<Vec<_>>().join("<br>")
}

fn told(record: &Record) -> String {
    let policy = record.in_policy.then_some("the policy");
    let events = match record.events {
        0 => None,
        1 => Some("1 event".to_owned()),
        more => Some(format!("{more} events")),
    };
    let by: Vec<String> = policy.map(str::to_owned).into_iter().chain(events).collect();
    by.join(", ")
}

/// Text that stays text.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text::line(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
