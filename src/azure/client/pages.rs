//! Lists of several pages: each link is followed once, a page that comes twice is asked for again, and nothing ends
//! a list but a page that says it is the last.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher};

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Ask, Client, Fault, Lane};

/// Pages of one list at most; beyond, the service leads in circles.
const MOST_PAGES: usize = 100_000;

/// How often a list whose pages do not fit together is begun again.
pub const BEGINNINGS: usize = 2;

/// A page of Azure Resource Manager.
#[derive(Deserialize)]
struct Page {
    value: Vec<Value>,
    #[serde(default, rename = "nextLink")]
    next: Option<String>,
}

/// What was seen of a list, so that a page that comes twice is noticed.
#[derive(Default)]
pub struct Seen {
    links: HashSet<String>,
    pages: HashSet<u64>,
}

impl Seen {
    /// Whether a page goes on to somewhere new with something new; else the service repeats itself.
    pub fn check(&self, rows: &[Value], next: Option<&str>) -> Result<(), Fault> {
        let repeated = || Fault::Disordered("the service repeated a page".to_owned());
        if next.is_some_and(|next| self.links.contains(next)) {
            return Err(repeated());
        }
        match !rows.is_empty() && self.pages.contains(&digest(rows)) {
            true => Err(repeated()),
            false => Ok(()),
        }
    }

    pub fn take(&mut self, rows: &[Value], next: Option<&str>) {
        self.pages.insert(digest(rows));
        self.links.extend(next.map(str::to_owned));
    }
}

/// Says which rows a page has, by their ids.
pub fn digest(rows: &[Value]) -> u64 {
    static STATE: std::sync::LazyLock<foldhash::quality::RandomState> = std::sync::LazyLock::new(Default::default);
    let mut hasher = STATE.build_hasher();
    for row in rows {
        match row.get("id").and_then(Value::as_str) {
            Some(id) => id.to_ascii_lowercase().hash(&mut hasher),
            None => row.to_string().hash(&mut hasher),
        }
    }
    hasher.finish()
}

impl Client {
    /// Every page of a list, handed over as it comes, and again where the list had to begin anew. An error means that
    /// the rest is missing.
    pub async fn list(&self, path: &str, lane: &Lane, mut take: impl FnMut(Vec<Value>)) -> Result<(), Fault> {
        let mut begun = 0;
        loop {
            match self.list_once(path, lane, &mut take).await {
                Err(Fault::Disordered(_)) if begun < BEGINNINGS => begun += 1,
                ended => return ended,
            }
            self.pause().await?;
        }
    }

    async fn list_once(&self, path: &str, lane: &Lane, take: &mut impl FnMut(Vec<Value>)) -> Result<(), Fault> {
        let mut url = self.url(path)?;
        let mut seen = Seen::default();
        seen.links.insert(url.to_string());
        for _ in 0..MOST_PAGES {
            let ask = Ask {
                url: url.clone(),
                body: None,
                lane: lane.clone(),
            };
            let check = |answer: Answer| {
                let page: Page = answer.json()?;
                let next = page.next.filter(|next| !next.is_empty());
                seen.check(&page.value, next.as_deref())?;
                Ok((page.value, next))
            };
            let (rows, next) = self.send(&ask, check).await?;
            seen.take(&rows, next.as_deref());
            take(rows);
            let Some(next) = next else { return Ok(()) };
            url = self.follow(&next)?;
        }
        Err(Fault::failed("the list does not end"))
    }

    /// One object.
    pub async fn get(&self, path: &str, lane: &Lane) -> Result<Value, Fault> {
        let ask = Ask {
            url: self.url(path)?,
            body: None,
            lane: lane.clone(),
        };
        self.send(&ask, |answer| answer.json()).await
    }

    /// The answer to an action, as it comes.
    pub async fn post(&self, path: &str, body: &Value, lane: &Lane) -> Result<Value, Fault> {
        let ask = Ask {
            url: self.url(path)?,
            body: Some(body.to_string().into_bytes().into()),
            lane: lane.clone(),
        };
        self.send(&ask, |answer| answer.json()).await
    }

    /// A link that the service gave: of the cloud, or not followed.
    pub fn follow(&self, link: &str) -> Result<Url, Fault> {
        let url = self.cloud.arm.join(link);
        let url =
            url.map_err(|_| Fault::refused(0, "InvalidLink", "the service gave a link that is no web address"))?;
        match self.cloud.trusts(&url) {
            true => Ok(url),
            false => Err(Fault::Astray(url.host_str().unwrap_or_default().to_owned())),
        }
    }
}
