//! One JSON text to one address, sent again while the other side only asks for patience. The address is a secret: it is in
//! no error.

use std::net::IpAddr;
use std::time::Duration;

use super::Undelivered;
use super::channel::World;

/// How often and how long a message is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub attempts: u32,
    pub first_pause: Duration,
    /// The longest pause, ours or one that was asked for.
    pub longest_pause: Duration,
    pub request: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            attempts: 4,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            request: Duration::from_secs(20),
        }
    }
}

impl Patience {
    /// Tries until it is done, or not worth another try.
    pub fn retry(&self, mut act: impl FnMut() -> Result<(), Undelivered>) -> Result<(), Undelivered> {
        let mut pause = self.first_pause;
        let mut left = self.attempts.max(1);
        loop {
            left -= 1;
            match act() {
                Err(undelivered) if undelivered.again && left > 0 => {
                    std::thread::sleep(undelivered.wait.unwrap_or(pause).min(self.longest_pause));
                    pause *= 2;
                }
                done => return done,
            }
        }
    }
}

pub fn post(url: &str, body: &str, world: &World<'_>) -> Result<(), Undelivered> {
    let url: reqwest::Url = url
        .parse()
        .map_err(|_| Undelivered::for_good("the address of the webhook is no URL"))?;
    if url.scheme() != "https" && !is_near(&url) {
        return Err(Undelivered::for_good(
            "the address of the webhook has to begin with `https://`",
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Undelivered::for_now(error.to_string()))?;
    let client = client(&url, world)?;
    world.patience.retry(|| runtime.block_on(once(&client, &url, body)))
}

fn is_near(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn client(url: &reqwest::Url, world: &World<'_>) -> Result<reqwest::Client, Undelivered> {
    let unfit = |error: reqwest::Error| Undelivered::for_good(error.without_url().to_string());
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(world.patience.request)
        .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")));
    if let Some(pem) = &world.certificates {
        builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem).map_err(unfit)?);
    }
    if is_near(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(unfit)
}

async fn once(client: &reqwest::Client, url: &reqwest::Url, body: &str) -> Result<(), Undelivered> {
    let request = client
        .post(url.clone())
        .header("content-type", "application/json")
        .body(body.to_owned());
    let answer = request.send().await.map_err(|error| {
        let error = error.without_url();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        Undelivered::for_now(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let why = format!("the webhook answered {status}");
    let asks = answer
        .headers()
        .get("retry-after")
        .and_then(|asked| asked.to_str().ok()?.parse().ok());
    Err(match status.as_u16() {
        408 | 425 | 429 | 500..=599 => Undelivered::for_now(why).after(asks.map(Duration::from_secs)),
        _ => Undelivered::for_good(why),
    })
}
