//! A letter in plain text, and how it gets to a mail server. TLS always, but for a server on this machine.

use std::net::IpAddr;
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};

use super::{Notice, Undelivered};
use crate::report::text;

pub struct Letter<'l> {
    pub from: &'l str,
    pub to: &'l [String],
    pub notice: &'l Notice,
}

const MOST: usize = 200;

pub fn message(letter: &Letter<'_>) -> Result<Message, Undelivered> {
    let mailbox = |address: &str| -> Result<Mailbox, Undelivered> {
        let parsed = address.parse();
        parsed.map_err(|error| Undelivered::for_good(format!("`{address}` is no e-mail address: {error}")))
    };
    let mut builder = Message::builder()
        .from(mailbox(letter.from)?)
        .subject(text::line(&letter.notice.headline))
        .header(ContentType::TEXT_PLAIN);
    for to in letter.to {
        builder = builder.to(mailbox(to)?);
    }
    builder
        .body(body(letter.notice))
        .map_err(|error| Undelivered::for_good(format!("the letter cannot be written: {error}")))
}

fn body(notice: &Notice) -> String {
    let mut lines = vec![notice.headline.clone(), String::new()];
    lines.extend(text::wrap(&notice.standing_line(), 76));
    let mut last = "";
    for (group, finding) in notice.entries(MOST) {
        if group.event != last {
            last = group.event;
            lines.push(String::new());
            lines.push(format!("{} ({})", group.title, group.findings.len()));
        }
        let since = finding.opened.get(..10).unwrap_or_default();
        let subject = text::name(&finding.subject, 60);
        lines.push(format!(
            "- {} {subject} (since {since}) {}",
            finding.severity.as_str(),
            text::name(&finding.owner, 40)
        ));
        lines.extend(
            text::wrap(&finding.message, 72)
                .into_iter()
                .map(|line| format!("    {line}")),
        );
        lines.extend(notice.link_of(finding).map(|link| format!("    {link}")));
    }
    for covered in &notice.lost {
        let name = covered.name.as_deref().unwrap_or(&covered.scope);
        lines.push(String::new());
        lines.push(format!("Not read whole: {}", text::name(name, 100)));
        lines.extend(
            covered
                .missing
                .iter()
                .take(20)
                .map(|missing| format!("- {}", text::line(missing))),
        );
    }
    let left = notice.left_out(MOST);
    if left > 0 {
        lines.push(format!("and {left} more"));
    }
    lines.push(String::new());
    lines.push(format!(
        "scan {} of {}, {}",
        notice.scan,
        notice.taken,
        text::line(&notice.tool)
    ));
    lines.join("\r\n")
}

/// A mail server, with what it is shown.
pub struct Smtp<'s> {
    /// `smtps://host[:port]` or `smtp://host[:port]`.
    pub server: &'s str,
    pub user: Option<String>,
    pub password: Option<String>,
    pub certificates: Option<&'s [u8]>,
}

pub fn send(smtp: &Smtp<'_>, message: &Message) -> Result<(), Undelivered> {
    let transport = transport(smtp)?;
    let sent = transport.send(message).map(drop);
    sent.map_err(|error| {
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let mut why = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        if let Some(password) = smtp.password.as_ref().filter(|password| !password.is_empty()) {
            why = why.replace(password.as_str(), "***");
        }
        Undelivered {
            why: format!("the mail server: {why}"),
            again: !error.is_permanent(),
            wait: None,
        }
    })
}

fn transport(smtp: &Smtp<'_>) -> Result<SmtpTransport, Undelivered> {
    let unfit = |why: String| Undelivered::for_good(format!("`smtp`: {why}"));
    let (wrapped, rest) = match (
        smtp.server.strip_prefix("smtps://"),
        smtp.server.strip_prefix("smtp://"),
    ) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(unfit("write it as `smtps://host` or `smtp://host:587`".to_owned())),
    };
    if rest.contains('@') {
        return Err(unfit(
            "name user and password with `user_env` and `password_env`".to_owned(),
        ));
    }
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':').filter(|(host, _)| !host.ends_with(':')) {
        Some((host, port)) => (
            host,
            Some(port.parse().map_err(|_| unfit(format!("`{port}` is no port")))?),
        ),
        None => (rest, None),
    };
    let near = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|ip: IpAddr| ip.is_loopback());
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(pem) = smtp.certificates {
        let certificate = Certificate::from_pem(pem).map_err(|error| unfit(error.to_string()))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    let parameters = parameters.build().map_err(|error| unfit(error.to_string()))?;
    let tls = match (wrapped, near) {
        (true, _) => Tls::Wrapper(parameters),
        (false, false) => Tls::Required(parameters),
        (false, true) => Tls::Opportunistic(parameters),
    };
    let mut builder = SmtpTransport::builder_dangerous(host)
        .port(port.unwrap_or(if wrapped { 465 } else { 587 }))
        .tls(tls)
        .timeout(Some(Duration::from_secs(30)));
    if let (Some(user), Some(password)) = (&smtp.user, &smtp.password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}
