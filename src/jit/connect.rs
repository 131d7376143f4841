//! How to reach a machine once a port is open: lines for people, and the argument list of a command. No shell is asked.

use std::net::IpAddr;

/// Where a client knocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    pub host: String,
    /// The port outside.
    pub port: u16,
    /// The port on the machine.
    pub target: u16,
}

/// A name that stands for the user's until one is given.
pub const SOMEBODY: &str = "USER";

/// The line that a person would type.
pub fn line(door: &Door, user: Option<&str>) -> String {
    let user = user.unwrap_or(SOMEBODY);
    let host = bracketed(&door.host);
    match door.target {
        3389 => format!("mstsc /v:{host}:{}", door.port),
        5985 => format!(
            "Enter-PSSession -ComputerName {} -Port {} -Credential {user}",
            door.host, door.port
        ),
        5986 => format!(
            "Enter-PSSession -ComputerName {} -Port {} -UseSSL -Credential {user}",
            door.host, door.port
        ),
        22 if door.port == 22 => format!("ssh {user}@{}", door.host),
        22 => format!("ssh -p {} {user}@{}", door.port, door.host),
        _ => format!("{host}:{}", door.port),
    }
}

/// An address of IPv6 with a port behind it stands in brackets.
fn bracketed(host: &str) -> String {
    match host.parse() {
        Ok(IpAddr::V6(_)) => format!("[{host}]"),
        _ => host.to_owned(),
    }
}

/// The argument list of a command as typed, with `{user}`, `{host}` and `{port}` filled in. Words are split as a shell
/// would; what is filled in stays within its word, whatever it holds.
pub fn arguments(template: &str, door: &Door, user: Option<&str>) -> Result<Vec<String>, String> {
    let words = shlex::split(template).ok_or_else(|| format!("`{template}` has a quote that does not end"))?;
    if words.is_empty() {
        return Err("the command is empty".to_owned());
    }
    let mut arguments = Vec::with_capacity(words.len());
    for word in words {
        let filled = fill(&word, door, user)?;
        // What starts with a dash only since it was filled in would be taken for an option.
        if filled.starts_with('-') && !word.starts_with('-') {
            return Err(format!("`{word}` would become the option `{filled}`"));
        }
        arguments.push(filled);
    }
    Ok(arguments)
}

fn fill(word: &str, door: &Door, user: Option<&str>) -> Result<String, String> {
    let mut filled = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        filled.push_str(rest.get(..at).unwrap_or_default());
        let behind = rest.get(at..).unwrap_or_default();
        let end = behind.find('}').map(|end| end + 1);
        let name = end.and_then(|end| behind.get(..end)).unwrap_or_default();
        let value = match name {
            "{host}" => door.host.clone(),
            "{port}" => door.port.to_string(),
            "{user}" => user.ok_or("the command names {user}; say who with --user")?.to_owned(),
            other => {
                return Err(format!(
                    "`{other}` in the command is none of {{user}}, {{host}}, {{port}}"
                ));
            }
        };
        filled.push_str(&value);
        rest = behind.get(name.len()..).unwrap_or_default();
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(host: &str, port: u16, target: u16) -> Door {
        Door {
            host: host.to_owned(),
            port,
            target,
        }
    }

    #[test]
    fn lines_name_the_port_outside() {
        for (port, target, line_of) in [
            (22, 22, "ssh ada@192.0.2.7"),
            (50022, 22, "ssh -p 50022 ada@192.0.2.7"),
            (3389, 3389, "mstsc /v:192.0.2.7:3389"),
            (
                5986,
                5986,
                "Enter-PSSession -ComputerName 192.0.2.7 -Port 5986 -UseSSL -Credential ada",
            ),
            (8080, 8080, "192.0.2.7:8080"),
        ] {
            assert_eq!(line(&door("192.0.2.7", port, target), Some("ada")), line_of);
        }
        assert_eq!(
            line(&door("2001:db8::7", 3389, 3389), None),
            "mstsc /v:[2001:db8::7]:3389"
        );
    }

    #[test]
    fn what_is_filled_in_stays_in_its_word() {
        let door = door("192.0.2.7", 2222, 22);
        let filled = arguments(
            "ssh -p {port} '{user}@{host}' 'uptime; date'",
            &door,
            Some("a b; rm -rf /"),
        );
        assert_eq!(
            filled.unwrap(),
            ["ssh", "-p", "2222", "a b; rm -rf /@192.0.2.7", "uptime; date"]
        );
        for (template, user) in [
            ("ssh {user}@{host}", None),
            ("ssh {usr}", Some("ada")),
            ("ssh 'open", Some("ada")),
            ("", Some("ada")),
            ("ssh {user}", Some("-oProxyCommand=sh")),
            ("ssh {host", Some("ada")),
        ] {
            assert!(arguments(template, &door, user).is_err(), "{template}");
        }
    }
}
