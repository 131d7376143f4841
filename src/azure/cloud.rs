//! Clouds: where a cloud's Resource Manager and sign-in live, and which hosts may be sent a token.
//! Must not know what is asked of them.

use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;

/// A named cloud: name, Resource Manager, authority.
struct Named {
    name: &'static str,
    arm: &'static str,
    authority: &'static str,
}

const NAMED: &[Named] = &[
    Named {
        name: "public",
        arm: "https://management.azure.com/",
        authority: "https://login.microsoftonline.com/",
    },
    Named {
        name: "usgovernment",
        arm: "https://management.usgovcloudapi.net/",
        authority: "https://login.microsoftonline.us/",
    },
    Named {
        name: "china",
        arm: "https://management.chinacloudapi.cn/",
        authority: "https://login.chinacloudapi.cn/",
    },
];

/// One Azure cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// `public`, `usgovernment`, `china` or `custom`.
    pub name: Arc<str>,
    /// The endpoint of Azure Resource Manager, with a slash at its end.
    pub arm: Url,
    /// Where tokens are issued, with a slash at its end.
    pub authority: Url,
    /// The scope of tokens for Resource Manager.
    pub scope: Arc<str>,
}

impl Cloud {
    /// The names that `--cloud` takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|named| named.name)
    }

    /// A cloud by its name; `None` for one that nobody knows.
    pub fn named(name: &str) -> Option<Cloud> {
        let named = NAMED.iter().find(|named| named.name == name)?;
        let arm = Url::parse(named.arm).ok()?;
        Some(Cloud {
            name: Arc::from(named.name),
            scope: scope(&arm),
            arm,
            authority: Url::parse(named.authority).ok()?,
        })
    }

    /// A private cloud or a rehearsal. Without an authority or an audience the endpoint stands for it.
    pub fn custom(arm: &str, authority: Option<&str>, audience: Option<&str>) -> Result<Cloud, String> {
        let arm = endpoint(arm)?;
        let authority = authority.map_or_else(|| Ok(arm.clone()), endpoint)?;
        let audience = audience.map_or_else(|| Ok(arm.clone()), parse)?;
        Ok(Cloud {
            name: Arc::from("custom"),
            scope: scope(&audience),
            arm,
            authority,
        })
    }

    /// Whether a token may be sent there: the host of Resource Manager, or in a named cloud a regional host below it.
    pub fn trusts(&self, url: &Url) -> bool {
        let same_way = url.scheme() == self.arm.scheme()
            && url.port_or_known_default() == self.arm.port_or_known_default()
            && url.username().is_empty()
            && url.password().is_none();
        let (Some(host), Some(arm)) = (url.host_str(), self.arm.host_str()) else {
            return false;
        };
        let regional = &*self.name != "custom"
            && host
                .strip_suffix(arm)
                .is_some_and(|region| region.len() > 1 && region.ends_with('.'));
        same_way && (host == arm || regional)
    }
}

fn scope(audience: &Url) -> Arc<str> {
    Arc::from(format!("{}/.default", audience.as_str().trim_end_matches('/')))
}

fn parse(text: &str) -> Result<Url, String> {
    Url::parse(text).map_err(|error| format!("`{text}` is no web address: {error}"))
}

/// An endpoint of a custom cloud: https, or http on this machine.
fn endpoint(text: &str) -> Result<Url, String> {
    let mut url = parse(text)?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(format!(
                "`{text}` is plain http, which would show tokens to everybody on the way; use https, or an address of this machine"
            ));
        }
        _ => return Err(format!("`{text}` is no https address")),
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{text}` must be a host with an optional port and path"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// Whether an address never leaves this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => address(host).is_some_and(|address| address.is_loopback()),
        None => false,
    }
}

/// Whether an address is of the link alone, as that of the metadata endpoint of a machine.
pub fn is_link_local(url: &Url) -> bool {
    match url.host_str().and_then(address) {
        Some(IpAddr::V4(address)) => address.is_link_local(),
        _ => false,
    }
}

/// Whether an address is of this machine or its link, where a proxy has no business.
pub fn is_near(url: &Url) -> bool {
    is_loopback(url) || is_link_local(url)
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a web address")
    }

    #[test]
    fn tokens_go_to_the_hosts_of_the_cloud_alone() {
        let cloud = Cloud::named("public").expect("known");
        for good in [
            "https://management.azure.com/subscriptions",
            "https://westeurope.management.azure.com/x?y",
            "https://management.azure.com:443/",
        ] {
            assert!(cloud.trusts(&url(good)), "{good}");
        }
        for bad in [
            "http://management.azure.com/",
            "https://management.azure.com.evil.example/",
            "https://evilmanagement.azure.com/",
            "https://management.azure.com:8443/",
            "https://user@management.azure.com/",
            "https://management.usgovcloudapi.net/",
            "https://.management.azure.com/",
        ] {
            assert!(!Url::parse(bad).is_ok_and(|bad| cloud.trusts(&bad)), "{bad}");
        }
    }

    #[test]
    fn a_custom_cloud_is_https_or_on_this_machine() {
        assert!(Cloud::custom("http://127.0.0.1:8080", None, None).is_ok());
        assert!(Cloud::custom("http://[::1]:8080", None, None).is_ok());
        assert!(
            Cloud::custom(
                "https://arm.stack.example",
                Some("https://login.stack.example/adfs"),
                None
            )
            .is_ok()
        );
        for bad in [
            "http://arm.stack.example",
            "ftp://x",
            "arm.stack.example",
            "https://a@b/",
            "https://b/?x=y",
        ] {
            assert!(Cloud::custom(bad, None, None).is_err(), "{bad}");
        }
        let cloud = Cloud::custom("http://127.0.0.1:8080", None, None).expect("local");
        assert!(
            !cloud.trusts(&url("http://127.0.0.1:8081/")),
            "another port is another server"
        );
        assert!(!cloud.trusts(&url("http://127.0.0.2:8080/")));
        assert_eq!(&*cloud.scope, "http://127.0.0.1:8080/.default");
    }

    #[test]
    fn the_named_clouds_are_as_published() {
        let names: Vec<_> = Cloud::names().collect();
        assert_eq!(names, ["public", "usgovernment", "china"]);
        let china = Cloud::named("china").expect("known");
        assert_eq!(&*china.scope, "https://management.chinacloudapi.cn/.default");
        assert!(Cloud::named("germany").is_none());
    }
}
