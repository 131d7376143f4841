//! Where a history is: a file, or a PostgreSQL server by URL. A password never leaves this file in words for people.

use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::database::Trouble;

/// What `--history` names.
#[derive(Clone, PartialEq, Eq)]
pub enum Address {
    File(PathBuf),
    Server(Server),
}

/// A PostgreSQL server.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    /// With the password, and without what the driver does not know.
    pub url: String,
    pub tls: Tls,
    /// `sslrootcert`: certificates in PEM that are trusted beside those of the system.
    pub root_certificate: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Never,
    Always,
}

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

impl Address {
    /// `password` stands in for one that the URL does not hold, as `PGPASSWORD` does elsewhere.
    pub fn parse(text: &str, password: Option<&str>) -> Result<Address, Trouble> {
        let Some(scheme) = SCHEMES.iter().find(|scheme| text.starts_with(**scheme)) else {
            return match text.split_once("://") {
                Some((scheme, _)) => Err(Trouble(format!(
                    "`{scheme}://` is no history; name a file, or a server as `postgres://user@host/database`"
                ))),
                None if text.is_empty() => Err(Trouble("the history has no name; give a file".to_owned())),
                None => Ok(Address::File(PathBuf::from(text))),
            };
        };
        let rest = text.strip_prefix(scheme).unwrap_or_default();
        Server::parse(rest, password).map(Address::Server)
    }

    /// The address as people may see it: no password, no parameters.
    pub fn shown(&self) -> String {
        match self {
            Address::File(path) => path.display().to_string(),
            Address::Server(server) => server.shown(),
        }
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Address({})", self.shown())
    }
}

impl Server {
    fn parse(rest: &str, password: Option<&str>) -> Result<Server, Trouble> {
        let (main, query) = rest.split_once('?').unwrap_or((rest, ""));
        let main = with_password(main, password);
        let host = host(&main);
        let mut tls = if is_near(&host) { Tls::Never } else { Tls::Always };
        let mut root_certificate = None;
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').unwrap_or((pair, "")) {
                ("sslmode", "disable") => tls = Tls::Never,
                ("sslmode", "require" | "verify-ca" | "verify-full") => tls = Tls::Always,
                ("sslmode", other) => {
                    return Err(Trouble(format!(
                        "`sslmode={other}` leaves open whether anybody may listen; use `require`, or `disable` on \
                         networks of your own"
                    )));
                }
                ("sslrootcert", path) => root_certificate = Some(decoded(path)),
                ("password", _) => {
                    return Err(Trouble(
                        "a password stands behind the user's name or in PGPASSWORD, not among the parameters"
                            .to_owned(),
                    ));
                }
                _ => kept.push(pair.to_owned()),
            }
        }
        kept.push(format!(
            "sslmode={}",
            if tls == Tls::Never { "disable" } else { "require" }
        ));
        if !kept.iter().any(|pair| pair.starts_with("connect_timeout=")) {
            kept.push("connect_timeout=20".to_owned());
        }
        Ok(Server {
            url: format!("postgres://{main}?{}", kept.join("&")),
            tls,
            root_certificate,
        })
    }

    pub fn shown(&self) -> String {
        let main = self.url.trim_start_matches("postgres://");
        let main = main.split('?').next().unwrap_or_default();
        let without = match main.rsplit_once('@') {
            Some((user, place)) => format!("{}@{place}", user.split(':').next().unwrap_or_default()),
            None => main.to_owned(),
        };
        format!("postgres://{without}")
    }

    /// The password as the driver sends it.
    pub fn password(&self) -> Option<String> {
        let main = self.url.trim_start_matches("postgres://");
        let (user, _) = main.split('?').next()?.rsplit_once('@')?;
        user.split_once(':').map(|(_, password)| decoded(password))
    }
}

/// Puts a password behind the user's name where none stands there.
fn with_password(main: &str, password: Option<&str>) -> String {
    match (main.rsplit_once('@'), password) {
        (Some((user, place)), Some(password)) if !user.contains(':') => {
            format!("{user}:{}@{place}", encoded(password))
        }
        _ => main.to_owned(),
    }
}

fn host(main: &str) -> String {
    let place = main.rsplit_once('@').map_or(main, |(_, place)| place);
    let place = place.split('/').next().unwrap_or_default();
    match place.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default().to_owned(),
        None => decoded(place.rsplit_once(':').map_or(place, |(host, _)| host)),
    }
}

/// Whether packets stay on this machine: no name (a socket), a path, or a loopback address.
fn is_near(host: &str) -> bool {
    let loopback = host
        .parse()
        .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    host.is_empty() || host.starts_with('/') || host == "localhost" || loopback
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> Server {
        match Address::parse(text, Some("p@ss/word")).unwrap() {
            Address::Server(server) => server,
            Address::File(path) => panic!("{}", path.display()),
        }
    }

    #[test]
    fn passwords_are_never_shown() {
        for text in [
            "postgres://me:se%40cret@db.example.net:5432/nights?application_name=x",
            "postgres://me@db.example.net/nights",
        ] {
            let shown = server(text).shown();
            assert!(shown.starts_with("postgres://me@db.example.net"), "{shown}");
            for part in ["se%40cret", "se@cret", "word", "application"] {
                assert!(!shown.contains(part), "{shown}");
            }
        }
        assert_eq!(
            server("postgres://me:se%40cret@db/x").password().as_deref(),
            Some("se@cret")
        );
        assert_eq!(server("postgres://me@db/x").password().as_deref(), Some("p@ss/word"));
        let address = Address::Server(server("postgres://me:hidden@db/x"));
        assert!(!format!("{address:?}").contains("hidden"));
    }

    #[test]
    fn servers_elsewhere_have_to_offer_tls() {
        assert_eq!(server("postgres://me@db.example.net/x").tls, Tls::Always);
        assert_eq!(server("postgres://me@127.0.0.1:5433/x").tls, Tls::Never);
        assert_eq!(server("postgres://me@[::1]:5433/x").tls, Tls::Never);
        assert_eq!(server("postgres://me@%2Fvar%2Frun/x").tls, Tls::Never);
        assert_eq!(server("postgres://me@127.0.0.1/x?sslmode=verify-full").tls, Tls::Always);
        assert_eq!(server("postgres://me@db/x?sslmode=disable").tls, Tls::Never);
        let refused = Address::parse("postgres://me:hidden@db/x?sslmode=prefer", None).unwrap_err();
        assert!(
            refused.0.contains("prefer") && !refused.0.contains("hidden"),
            "{refused}"
        );
    }

    #[test]
    fn files_and_wrong_schemes() {
        assert_eq!(
            Address::parse("nights.db", None).unwrap(),
            Address::File("nights.db".into())
        );
        assert!(Address::parse("mysql://me:hidden@db/x", None).is_err_and(|error| !error.0.contains("hidden")));
        assert!(Address::parse("", None).is_err());
    }
}
