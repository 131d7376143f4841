//! An adaptive card for Microsoft Teams. Names stand in text runs, which know no markup.

use serde_json::{Value, json};

use super::Notice;
use crate::history::model::KeptFinding;
use crate::report::text;
use crate::rule::Severity;

/// Teams takes 28 KB a message.
const MOST: usize = 15;
const COLUMNS: usize = 120;

pub fn message(notice: &Notice) -> Value {
    let mut body = vec![
        json!({ "type": "TextBlock", "size": "Large", "weight": "Bolder", "wrap": true, "text": notice.headline }),
        json!({ "type": "TextBlock", "isSubtle": true, "wrap": true, "text": notice.standing_line() }),
    ];
    let mut last = "";
    for (group, finding) in notice.entries(MOST) {
        if group.event != last {
            last = group.event;
            let title = format!("{} ({})", group.title, group.findings.len());
            body.push(
                json!({ "type": "TextBlock", "weight": "Bolder", "separator": true, "wrap": true, "text": title }),
            );
        }
        body.push(entry(notice, finding));
    }
    for covered in notice.lost.iter().take(MOST) {
        let name = covered.name.as_deref().unwrap_or(&covered.scope);
        body.push(runs(&[
            ("Not read whole: ", "attention"),
            (&text::name(name, COLUMNS), "default"),
        ]));
    }
    let left = notice.left_out(MOST);
    if left > 0 {
        body.push(json!({ "type": "TextBlock", "isSubtle": true, "wrap": true, "text": format!("and {left} more") }));
    }
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        "body": body,
    });
    if let (Some(link), Some(card)) = (&notice.link, card.as_object_mut()) {
        card.insert(
            "actions".into(),
            json!([{ "type": "Action.OpenUrl", "title": "Open the dashboard", "url": link }]),
        );
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card,
        }],
    })
}

fn entry(notice: &Notice, finding: &KeptFinding) -> Value {
    let severity = format!("{}  ", finding.severity.as_str());
    let subject = format!("{}  ", text::name(&finding.subject, 60));
    let message = text::cut(&text::line(&finding.message), 300).into_owned();
    let mut entry = runs(&[
        (&severity, tone(finding.severity)),
        (&subject, "accent"),
        (&message, "default"),
    ]);
    let subject = entry.pointer_mut("/inlines/1").and_then(Value::as_object_mut);
    if let (Some(link), Some(run)) = (notice.link_of(finding), subject) {
        run.insert("selectAction".into(), json!({ "type": "Action.OpenUrl", "url": link }));
    }
    entry
}

fn runs(parts: &[(&str, &str)]) -> Value {
    let run = |(text, tone): &(&str, &str)| json!({ "type": "TextRun", "text": text, "color": tone });
    json!({ "type": "RichTextBlock", "inlines": parts.iter().map(run).collect::<Vec<_>>() })
}

fn tone(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "attention",
        Severity::Medium => "warning",
        _ => "default",
    }
}
