//! Where notices go: what the configuration or a flag says, and the shape that each kind of channel wants. A kind is one line
//! in [`Kind::ALL`]. Addresses that are secrets are named by an environment variable or a file, never written out.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::email::{Letter, Smtp};
use super::post::{Patience, post};
use super::{Notice, Undelivered, card, email, issue, notice, slack, template};
use crate::rule::Severity;

/// One channel, as `portcullis.yaml` states it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelRule {
    /// A name of its own: what was sent to it is remembered by that.
    pub name: String,
    pub kind: Kind,
    /// The environment variable that holds the address of a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_env: Option<String>,
    /// The file that holds the address of a webhook, such as a mounted secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// Of `webhook`: a minijinja template of the JSON to send; it is given the notice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<PathBuf>,
    /// Of `email` and `issue`: the file to write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Of `email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Of `email`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Of `email`: `smtps://host` (TLS from the start), `smtp://host` (STARTTLS), with `:port` where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<String>,
    /// Of `email`: the environment variables that hold user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_env: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// What to tell of [default: opened, reopened, unwaived, unjudged, fixed, lost, regained].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
    /// Findings below this severity are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Where the dashboard is, so that findings can be linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// The shape that a channel wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// JSON to an address: the whole notice, or what a template makes of it.
    #[default]
    Webhook,
    /// An adaptive card to a Microsoft Teams workflow.
    Teams,
    /// A message to a Slack webhook.
    Slack,
    /// A letter: over SMTP, or as a file.
    Email,
    /// The body of a GitHub issue in Markdown, as a file.
    Issue,
}

impl Kind {
    pub const ALL: [(Kind, &str); 5] = [
        (Kind::Webhook, "webhook"),
        (Kind::Teams, "teams"),
        (Kind::Slack, "slack"),
        (Kind::Email, "email"),
        (Kind::Issue, "issue"),
    ];
}

/// What the world outside gives to a channel.
pub struct World<'w> {
    pub variable: &'w dyn Fn(&str) -> Option<String>,
    pub read: &'w dyn Fn(&std::path::Path) -> std::io::Result<String>,
    /// Writes a file, whole or not at all.
    pub write: &'w dyn Fn(&std::path::Path, &[u8]) -> std::io::Result<()>,
    pub patience: Patience,
    /// Certificates in PEM that are trusted beside those of the system.
    pub certificates: Option<Vec<u8>>,
}

/// A channel that is known to be in order.
pub struct Channel {
    rule: ChannelRule,
}

impl Channel {
    /// # Errors
    /// What is missing or does not fit, in one sentence.
    pub fn new(rule: ChannelRule) -> Result<Channel, String> {
        let name = &rule.name;
        let wrong = |why: &str| Err(format!("channel `{name}`: {why}"));
        if name.trim().is_empty() {
            return Err("a channel has no name; what was sent to it is remembered by that".to_owned());
        }
        if let Some(unknown) = rule.on.iter().find(|event| !notice::EVENTS.contains(&event.as_str())) {
            return wrong(&format!(
                "`{unknown}` is no change; there are {}",
                notice::EVENTS.join(", ")
            ));
        }
        let addressed = rule.url_env.is_some() || rule.url_file.is_some();
        match rule.kind {
            Kind::Webhook | Kind::Teams | Kind::Slack if !addressed => {
                wrong("say with `url_env` or `url_file` where its address is; it is a secret and does not belong here")
            }
            Kind::Issue if rule.file.is_none() => wrong("say with `file` where to write it"),
            Kind::Email if rule.file.is_none() && rule.smtp.is_none() => wrong("give `smtp` or `file`"),
            Kind::Email if rule.from.is_none() || rule.to.is_empty() => wrong("an e-mail needs `from` and `to`"),
            _ => Ok(Channel { rule }),
        }
    }

    pub fn name(&self) -> &str {
        &self.rule.name
    }

    pub fn asks_for(&self, event: &str) -> bool {
        match self.rule.on.is_empty() {
            true => notice::DEFAULT_EVENTS.contains(&event),
            false => self.rule.on.iter().any(|asked| asked == event),
        }
    }

    pub fn least(&self) -> Severity {
        self.rule.severity.unwrap_or(Severity::Info)
    }

    pub fn link(&self) -> Option<String> {
        self.rule.link.clone()
    }

    /// Sends or writes a notice.
    ///
    /// # Errors
    /// Why it did not get through, without the address.
    pub fn deliver(&self, notice: &Notice, world: &World<'_>) -> Result<(), Undelivered> {
        match self.rule.kind {
            Kind::Webhook => self.post(&self.webhook(notice, world)?, world),
            Kind::Teams => self.post(&card::message(notice).to_string(), world),
            Kind::Slack => self.post(&slack::message(notice).to_string(), world),
            Kind::Issue => self.write(issue::body(notice).as_bytes(), world),
            Kind::Email => self.mail(notice, world),
        }
    }

    fn webhook(&self, notice: &Notice, world: &World<'_>) -> Result<String, Undelivered> {
        let Some(path) = &self.rule.template else {
            return serde_json::to_string(notice).map_err(|error| Undelivered::for_good(error.to_string()));
        };
        let text = (world.read)(path).map_err(|error| {
            Undelivered::for_good(format!("cannot read the template `{}`: {error}", path.display()))
        })?;
        template::render(&text, notice)
            .map_err(|why| Undelivered::for_good(format!("the template `{}`: {why}", path.display())))
    }

    fn post(&self, body: &str, world: &World<'_>) -> Result<(), Undelivered> {
        post(&self.url(world)?, body, world)
    }

    fn url(&self, world: &World<'_>) -> Result<String, Undelivered> {
        if let Some(name) = &self.rule.url_env {
            let set = (world.variable)(name).filter(|url| !url.trim().is_empty());
            let missing = || Undelivered::for_good(format!("the environment variable `{name}` is not set"));
            return set.map(|url| url.trim().to_owned()).ok_or_else(missing);
        }
        let path = self.rule.url_file.as_deref().unwrap_or(std::path::Path::new(""));
        let read = (world.read)(path)
            .map_err(|error| Undelivered::for_good(format!("cannot read `{}`: {error}", path.display())))?;
        Ok(read.trim().to_owned())
    }

    fn write(&self, bytes: &[u8], world: &World<'_>) -> Result<(), Undelivered> {
        let Some(path) = &self.rule.file else { return Ok(()) };
        (world.write)(path, bytes)
            .map_err(|error| Undelivered::for_now(format!("cannot write `{}`: {error}", path.display())))
    }

    fn mail(&self, notice: &Notice, world: &World<'_>) -> Result<(), Undelivered> {
        let letter = Letter {
            from: self.rule.from.as_deref().unwrap_or_default(),
            to: &self.rule.to,
            notice,
        };
        let message = email::message(&letter)?;
        self.write(&message.formatted(), world)?;
        let Some(server) = &self.rule.smtp else { return Ok(()) };
        let secret = |name: &Option<String>| match name {
            None => Ok(None),
            Some(name) => (world.variable)(name)
                .map(Some)
                .ok_or_else(|| Undelivered::for_good(format!("the environment variable `{name}` is not set"))),
        };
        let smtp = Smtp {
            server,
            user: secret(&self.rule.user_env)?,
            password: secret(&self.rule.password_env)?,
            certificates: world.certificates.as_deref(),
        };
        world.patience.retry(|| email::send(&smtp, &message))
    }
}
