//! Notices: only of what changed, once to each channel, tried again where it did not get through, and never with the address
//! or a password in any word.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what is missing fails the test"
)]

mod nights;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nights::{ONE, clean, finding, night, places, showing};
use portcullis::history::model::Point;
use portcullis::notify::channel::World;
use portcullis::notify::post::Patience;
use portcullis::notify::{Channel, ChannelRule, Kind, Notice};
use portcullis::rule::Severity;
use serde_json::Value;

const HOSTILE: &str =
    "vm <!channel> @everyone [x](http://evil.example) `a` #12 <script>\u{202e}\n.\r\nBcc: x@evil.example";

fn notice() -> Notice {
    let place = nights::sqlite();
    let mut history = place.open();
    let mut seen = finding(ONE, "vm-a");
    seen.subject = HOSTILE.into();
    seen.message = format!("port 22 of `{HOSTILE}` is open");
    seen.owner = HOSTILE.into();
    let recorded = history.record(&showing(0, vec![seen])).unwrap();
    let scan = history.scan(Some(recorded.scan)).unwrap();
    let link = Some("https://compliance.example.net/dashboard.html".to_owned());
    Notice::of(
        &scan,
        &recorded.changes,
        Point::default(),
        |_| true,
        Severity::Info,
        link,
    )
    .unwrap()
}

fn rule(kind: Kind) -> ChannelRule {
    ChannelRule {
        name: "tested".into(),
        kind,
        url_env: Some("URL".into()),
        ..ChannelRule::default()
    }
}

/// Answers with these statuses, one a connection, and keeps what came.
fn webhook(statuses: &'static [&'static str]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks/s3cret-part", listener.local_addr().unwrap());
    let came = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&came);
    std::thread::spawn(move || {
        for status in statuses {
            let (mut stream, _) = listener.accept().unwrap();
            let body = request_body(&mut stream);
            kept.lock().unwrap().push(body);
            let answer =
                format!("HTTP/1.1 {status}\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, came)
}

fn request_body(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// Delivers in a world of these variables and files; gives back what was written.
fn deliver(
    channel: &Channel,
    notice: &Notice,
    variables: &[(&str, &str)],
    files: &[(&str, &str)],
) -> Result<HashMap<PathBuf, String>, String> {
    let written = RefCell::new(HashMap::new());
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let read = |path: &Path| {
        let found = files.iter().find(|(known, _)| Path::new(known) == path);
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(missing)
    };
    let write = |path: &Path, bytes: &[u8]| {
        written
            .borrow_mut()
            .insert(path.to_owned(), String::from_utf8_lossy(bytes).into_owned());
        Ok(())
    };
    let world = World {
        variable: &variable,
        read: &read,
        write: &write,
        patience: Patience {
            attempts: 4,
            first_pause: Duration::from_millis(1),
            longest_pause: Duration::from_millis(5),
            request: Duration::from_secs(5),
        },
        certificates: None,
    };
    let delivered = channel
        .deliver(notice, &world)
        .map_err(|undelivered| undelivered.to_string());
    delivered.map(|()| written.into_inner())
}

#[test]
fn a_webhook_is_told_after_it_was_out_of_order() {
    let notice = notice();
    for kind in [Kind::Webhook, Kind::Teams, Kind::Slack] {
        let (url, came) = webhook(&["503 x", "429 x", "200 ok"]);
        let channel = Channel::new(rule(kind)).unwrap();
        deliver(&channel, &notice, &[("URL", &url)], &[]).unwrap();
        let came = came.lock().unwrap();
        assert_eq!(came.len(), 3, "{kind:?}");
        let body: Value = serde_json::from_str(&came[2]).unwrap();
        match kind {
            Kind::Webhook => assert_eq!(body["groups"][0]["findings"][0]["subject"], HOSTILE),
            Kind::Teams => card(&body),
            _ => slack(&body),
        }
        assert!(!came[2].contains("s3cret-part"));
    }
}

fn card(body: &Value) {
    let card = &body["attachments"][0]["content"];
    assert_eq!(
        body["attachments"][0]["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    assert_eq!(
        (card["type"].as_str(), card["version"].as_str()),
        (Some("AdaptiveCard"), Some("1.4"))
    );
    for block in card["body"].as_array().unwrap() {
        match block["type"].as_str().unwrap() {
            // Text blocks know Markdown: no name of the estate is in one.
            "TextBlock" => assert!(!block["text"].as_str().unwrap().contains("evil")),
            "RichTextBlock" => assert!(
                block["inlines"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|run| run["type"] == "TextRun")
            ),
            other => panic!("{other}"),
        }
    }
    assert!(body.to_string().len() < 28_000);
}

fn slack(body: &Value) {
    assert!(!body["text"].as_str().unwrap().contains('<'));
    for block in body["blocks"].as_array().unwrap() {
        let kind = block["type"].as_str().unwrap();
        assert!(["header", "section", "context", "actions"].contains(&kind));
        let text = block.pointer("/text/type").or(block.pointer("/elements/0/type"));
        assert!(["plain_text", "button"].contains(&text.unwrap().as_str().unwrap()));
    }
}

#[test]
fn addresses_and_passwords_are_in_no_word() {
    let notice = notice();
    let (refusing, _) = webhook(&["403 no"]);
    // A port that nobody listens on any more.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = format!("http://{silent}/hooks/s3cret-part");
    let far = "http://hooks.example.net/s3cret-part";
    for url in [refusing.as_str(), &silent, far, "no url at all s3cret-part"] {
        let channel = Channel::new(rule(Kind::Teams)).unwrap();
        let why = deliver(&channel, &notice, &[("URL", url)], &[]).unwrap_err();
        assert!(!why.contains("s3cret-part") && !why.contains("hooks"), "{why}");
    }
    let missing = Channel::new(rule(Kind::Slack)).unwrap();
    assert!(
        deliver(&missing, &notice, &[], &[])
            .unwrap_err()
            .contains("`URL` is not set")
    );
    let by_file = ChannelRule {
        url_env: None,
        url_file: Some("secret".into()),
        ..rule(Kind::Webhook)
    };
    let (url, came) = webhook(&["204 x"]);
    deliver(
        &Channel::new(by_file).unwrap(),
        &notice,
        &[],
        &[("secret", &format!("{url}\n"))],
    )
    .unwrap();
    assert_eq!(came.lock().unwrap().len(), 1);
}

#[test]
fn a_template_makes_json_or_nothing_is_sent() {
    let notice = notice();
    let templated = ChannelRule {
        template: Some("t".into()),
        ..rule(Kind::Webhook)
    };
    let channel = Channel::new(templated).unwrap();
    let (url, came) = webhook(&["200 ok"]);
    let template = include_str!("../examples/nightly/ticket.json.j2");
    deliver(&channel, &notice, &[("URL", &url)], &[("t", template)]).unwrap();
    let body: Value = serde_json::from_str(&came.lock().unwrap()[0]).unwrap();
    assert_eq!(
        body["tickets"][0]["about"], HOSTILE,
        "whatever it is called, it stays one text"
    );
    for (wrong, said) in [
        ("{{ headline", "line 1"),
        ("{\"a\": }", "no JSON"),
        ("{\"a\": {{ nobody }}}", "undefined"),
    ] {
        let why = deliver(&channel, &notice, &[("URL", &url)], &[("t", wrong)]).unwrap_err();
        assert!(why.contains(said), "{why}");
    }
}

#[test]
fn letters_and_issues_are_files_of_plain_text() {
    let notice = notice();
    let letter = ChannelRule {
        file: Some("night.eml".into()),
        from: Some("Portcullis <portcullis@example.net>".into()),
        to: vec!["a@example.net".into(), "b@example.net".into()],
        ..rule(Kind::Email)
    };
    let written = deliver(&Channel::new(letter).unwrap(), &notice, &[], &[]).unwrap();
    let letter = &written[Path::new("night.eml")];
    let (head, body) = letter.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains("Subject: Portcullis: 1 new") && head.contains("To: a@example.net, b@example.net"),
        "{head}"
    );
    assert!(!head.contains("evil"));
    assert!(
        !body.lines().any(|line| line.starts_with("Bcc") || line == "."),
        "{body}"
    );
    let issue = ChannelRule {
        file: Some("issue.md".into()),
        ..rule(Kind::Issue)
    };
    let written = deliver(&Channel::new(issue).unwrap(), &notice, &[], &[]).unwrap();
    let issue = &written[Path::new("issue.md")];
    for markup in ["<script", "<!channel", "@everyone", "[x](", "http://evil", " #12"] {
        assert!(!issue.contains(markup), "{markup} in {issue}");
    }
    assert!(issue.contains("](https://compliance.example.net/dashboard.html#/finding/print of vm-a)"));
}

/// A mail server in a few lines: greets, takes one letter, and keeps it.
fn mail_server() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("smtp://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(String::new()));
    let letter = Arc::clone(&kept);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        stream.write_all(b"220 here\r\n").unwrap();
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 0 {
            let word = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
            line.clear();
            let answer: &[u8] = match word.as_str() {
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").unwrap();
                    let mut text = String::new();
                    while !text.ends_with("\r\n.\r\n") {
                        reader.read_line(&mut text).unwrap();
                    }
                    *letter.lock().unwrap() = text;
                    b"250 taken\r\n"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").unwrap();
                    return;
                }
                _ => b"250 well\r\n",
            };
            stream.write_all(answer).unwrap();
        }
    });
    (address, kept)
}

#[test]
fn a_letter_goes_over_smtp() {
    let (address, kept) = mail_server();
    let letter = ChannelRule {
        smtp: Some(address),
        from: Some("portcullis@example.net".into()),
        to: vec!["a@example.net".into()],
        ..rule(Kind::Email)
    };
    deliver(&Channel::new(letter.clone()).unwrap(), &notice(), &[], &[]).unwrap();
    assert!(kept.lock().unwrap().contains("Subject: Portcullis: 1 new"));
    let wrong = ChannelRule {
        smtp: Some("smtp://me:hidden@mail.example.net".into()),
        ..letter
    };
    let why = deliver(&Channel::new(wrong).unwrap(), &notice(), &[], &[]).unwrap_err();
    assert!(!why.contains("hidden"), "{why}");
}

#[test]
fn channels_that_cannot_work_are_refused_at_once() {
    let refused = |rule: ChannelRule| Channel::new(rule).err().expect("refused");
    let bare = |kind| ChannelRule {
        url_env: None,
        ..rule(kind)
    };
    assert!(refused(bare(Kind::Teams)).contains("secret"));
    assert!(refused(bare(Kind::Issue)).contains("`file`"));
    assert!(refused(bare(Kind::Email)).contains("`smtp` or `file`"));
    let unknown = ChannelRule {
        on: vec!["opend".into()],
        ..rule(Kind::Slack)
    };
    assert!(refused(unknown).contains("`opend` is no change"));
}

#[test]
fn each_channel_is_told_once_and_later_where_it_failed() {
    for place in places() {
        let mut history = place.open();
        for number in 0..3 {
            history.record(&clean(number)).unwrap();
        }
        let claim = |history: &mut portcullis::history::History, newest, hour: &str| {
            history
                .claim_notices("team", newest, &format!("2026-02-01T{hour}:00Z"))
                .unwrap()
        };
        // A channel of which nobody knew hears of the newest scan and not of all the past.
        assert_eq!(claim(&mut history, 3, "02:00"), [3]);
        assert!(
            claim(&mut history, 3, "02:00").is_empty(),
            "claimed by a run that is still at it"
        );
        history.notice_sent("team", 3, "dd", &night(40)).unwrap();
        assert!(claim(&mut history, 3, "09:00").is_empty(), "{}", place.kind);
        // A run that ended between writing and telling: the next one tells of both.
        for number in 3..5 {
            history.record(&clean(number)).unwrap();
        }
        assert_eq!(claim(&mut history, 5, "10:00"), [4, 5]);
        history.notice_failed("team", 4).unwrap();
        assert_eq!(claim(&mut history, 5, "10:01"), [4]);
        assert!(claim(&mut history, 5, "10:02").is_empty());
        assert_eq!(claim(&mut history, 5, "11:00"), [4, 5], "whoever claimed them is gone");
        assert_eq!(history.claim_notices("other", 5, "2026-02-01T12:00:00Z").unwrap(), [5]);
    }
}

#[test]
fn nothing_is_told_of_nothing() {
    let place = nights::sqlite();
    let mut history = place.open();
    history.record(&showing(0, vec![finding(ONE, "vm-a")])).unwrap();
    let same = history.record(&showing(1, vec![finding(ONE, "vm-a")])).unwrap();
    let scan = history.scan(Some(same.scan)).unwrap();
    let of =
        |changes: &_, asked: fn(&str) -> bool, least| Notice::of(&scan, changes, Point::default(), asked, least, None);
    assert!(of(&same.changes, |_| true, Severity::Info).is_none());
    let fixed = history.record(&clean(2)).unwrap();
    assert!(of(&fixed.changes, |_| true, Severity::Critical).is_none());
    assert!(of(&fixed.changes, |event| event == "opened", Severity::Info).is_none());
    assert_eq!(
        of(&fixed.changes, |_| true, Severity::Info).unwrap().headline,
        "Portcullis: 1 fixed"
    );
}
