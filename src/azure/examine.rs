//! A look at the connection before it is needed: can the cloud be reached and trusted, do the clocks agree, who is signed in,
//! what is shown, what may be read. Reads nothing that is judged.

use std::time::Duration;

use jiff::Timestamp;

use super::client::{Lane, fault};
use super::collect::subscriptions::VERSION;
use super::permission::{Lack, Purpose, lacks};
use super::{Connection, Unread, Way, connect, http, runtime};
use crate::azure::patience::Stop;

/// What was found out; each part stands for itself.
pub struct Examined {
    pub reached: Result<Reached, String>,
    /// The way in which the identity signed in.
    pub signed_in: Result<&'static str, String>,
    /// Ids of the subscriptions that the identity is shown.
    pub shown: Result<Vec<String>, String>,
    /// Of some of them, what the identity lacks for a scan.
    pub lacks: Vec<Lack>,
}

/// The answer to a request without a token.
pub struct Reached {
    pub host: String,
    pub encrypted: bool,
    /// Seconds that our clock is ahead of the service's; `None` where the service told no time.
    pub ahead: Option<i64>,
}

/// Subscriptions whose rights are asked for.
const ASKED: usize = 20;

pub fn examine(connection: &Connection) -> Result<Examined, Unread> {
    let runtime = runtime()?;
    let (reached, signed_in, shown) = runtime.block_on(async {
        let reached = reach(connection).await;
        let (client, tokens) = connect(connection, Stop::default())?;
        let token = tokens.get().await.map_err(|none| none.0.to_string());
        let signed_in = match token {
            Ok(_) => Ok(tokens.kind().await.unwrap_or("nothing")),
            Err(why) => Err(why),
        };
        let mut ids = Vec::new();
        let path = format!("subscriptions?api-version={VERSION}");
        let listed = match &signed_in {
            Ok(_) => client
                .list(&path, &Lane::Tenant, |rows| {
                    let id = |row: &serde_json::Value| row.get("subscriptionId")?.as_str().map(str::to_owned);
                    ids.extend(rows.iter().filter_map(id));
                })
                .await
                .map_err(|fault| fault.words()),
            Err(_) => Err("nobody is signed in".to_owned()),
        };
        Ok::<_, Unread>((reached, signed_in, listed.map(|()| ids)))
    })?;
    let asked: Vec<String> = shown.iter().flatten().take(ASKED).cloned().collect();
    let lacks = match asked.is_empty() {
        true => Vec::new(),
        false => lacks(connection, &asked, Purpose::Scan)?,
    };
    Ok(Examined {
        reached,
        signed_in,
        shown,
        lacks,
    })
}

/// Resource Manager answers without a token too: that it is not allowed, and what time it is.
async fn reach(connection: &Connection) -> Result<Reached, String> {
    let url = connection
        .cloud
        .arm
        .join(&format!("subscriptions?api-version={VERSION}"))
        .map_err(|error| error.to_string())?;
    let way = Way::to(&connection.cloud.arm);
    let http = http(connection, Duration::from_secs(20), way).map_err(|unread| unread.0)?;
    let answer = http.get(url.clone()).send().await;
    let answer = answer.map_err(|error| fault::transport_words(&error))?;
    let told = answer.headers().get("date").and_then(|date| date.to_str().ok());
    let theirs = told.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let ours = Timestamp::now().as_second();
    Ok(Reached {
        host: url.host_str().unwrap_or_default().to_owned(),
        encrypted: url.scheme() == "https",
        ahead: theirs.map(|theirs| ours - theirs.timestamp().as_second()),
    })
}
