//! The body of a GitHub issue. Names are only text: no markup, mention or reference comes of them.

use std::fmt::Write as _;

use super::Notice;
use crate::report::text;

/// GitHub takes 65,536 characters.
const MOST: usize = 100;

pub fn body(notice: &Notice) -> String {
    let mut body = format!(
        "## {}\n\n{}\n",
        text::markdown(&notice.headline),
        text::markdown(&notice.standing_line())
    );
    let mut last = "";
    for (group, finding) in notice.entries(MOST) {
        if group.event != last {
            last = group.event;
            let _ = write!(body, "\n### {} ({})\n\n", group.title, group.findings.len());
        }
        let message = text::markdown_sentence(&text::cut(&finding.message, 300));
        let subject = text::markdown(&text::name(&finding.subject, 60));
        let subject = match notice.link_of(finding) {
            Some(link) => format!("[{subject}]({link})"),
            None => subject,
        };
        let owner = match finding.owner.is_empty() {
            true => String::new(),
            false => format!(", owner {}", text::markdown(&text::name(&finding.owner, 40))),
        };
        let since = finding.opened.get(..10).unwrap_or_default();
        let _ = writeln!(
            body,
            "- **{}** {subject}: {message} (since {since}{owner})",
            finding.severity.as_str()
        );
    }
    for covered in &notice.lost {
        let name = text::markdown(&text::name(covered.name.as_deref().unwrap_or(&covered.scope), 100));
        let _ = write!(body, "\nNot read whole: {name}\n");
        for missing in covered.missing.iter().take(10) {
            let _ = writeln!(body, "- {}", text::markdown_sentence(&text::cut(missing, 200)));
        }
    }
    let left = notice.left_out(MOST);
    if left > 0 {
        let _ = write!(body, "\nAnd {left} more.\n");
    }
    let _ = write!(
        body,
        "\nScan {} of {}, {}\n",
        notice.scan,
        notice.taken,
        text::markdown(&notice.tool)
    );
    body
}
