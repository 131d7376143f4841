//! A message for a Slack webhook. Everything is plain text: no name becomes a mention or a link.

use serde_json::{Value, json};

use super::Notice;
use crate::report::text;

/// Slack takes 50 blocks and 3,000 characters a block.
const MOST: usize = 20;

pub fn message(notice: &Notice) -> Value {
    let mut blocks = vec![
        json!({ "type": "header", "text": plain(&text::cut(&notice.headline, 140)) }),
        json!({ "type": "context", "elements": [plain(&notice.standing_line())] }),
    ];
    let line = |(group, finding): (&super::notice::Group, &crate::history::model::KeptFinding)| {
        let said = format!(
            "{}: {} - {} - {}",
            group.title,
            finding.severity.as_str(),
            text::name(&finding.subject, 60),
            text::cut(&text::line(&finding.message), 300)
        );
        json!({ "type": "section", "text": plain(&said) })
    };
    blocks.extend(notice.entries(MOST).map(line));
    for covered in notice.lost.iter().take(10) {
        let name = covered.name.as_deref().unwrap_or(&covered.scope);
        let said = format!("Not read whole: {}", text::name(name, 100));
        blocks.push(json!({ "type": "section", "text": plain(&said) }));
    }
    let left = notice.left_out(MOST);
    if left > 0 {
        blocks.push(json!({ "type": "context", "elements": [plain(&format!("and {left} more"))] }));
    }
    if let Some(link) = &notice.link {
        let button = json!({ "type": "button", "text": plain("Open the dashboard"), "url": link });
        blocks.push(json!({ "type": "actions", "elements": [button] }));
    }
    json!({ "text": escaped(&notice.headline), "blocks": blocks })
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": false })
}

/// The text for notifications is read as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
