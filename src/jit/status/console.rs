//! The status for a terminal: a tab a section, a machine a block, what is open now and what is wrong in colour.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::model::{Connection, Entry, MachineStatus, Opening, Port, StatusReport};
use crate::jit::moment::{lasting, shown};
use crate::report::{Tab, text};
use crate::rule::Severity;

/// How it is written.
pub struct Options<'z> {
    pub color: bool,
    pub zone: &'z TimeZone,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const GREEN: Style = AnsiColor::Green.on_default().bold();

/// Columns of a name.
const NAME: usize = 28;

pub fn console(report: &StatusReport, options: &Options<'_>) -> String {
    let mut page = Page {
        options,
        at: report.at.parse().unwrap_or_default(),
        names: report
            .subscriptions
            .iter()
            .map(|read| (read.id.to_string(), read.name.as_deref().unwrap_or(&read.id).to_owned()))
            .collect(),
        out: String::new(),
    };
    for tab in Tab::ALL {
        page.tab(tab, report);
    }
    page.stale(report);
    page.end(report);
    page.out
}

struct Page<'p> {
    options: &'p Options<'p>,
    at: Timestamp,
    names: Vec<(String, String)>,
    out: String,
}

impl Page<'_> {
    fn styled(&self, style: Style, text: &str) -> String {
        match self.options.color {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    /// Writing to a string does not fail.
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.out, "{}", line.trim_end());
    }

    fn tab(&mut self, tab: Tab, report: &StatusReport) {
        let machines: Vec<&MachineStatus> = report.machines.iter().filter(|machine| machine.tab == tab).collect();
        if machines.is_empty() {
            return;
        }
        let heading = self.styled(BOLD, &format!("{} ({})", tab.label(), machines.len()));
        self.line(&heading);
        for machine in machines {
            self.machine(machine);
        }
        self.line("");
    }

    fn machine(&mut self, machine: &MachineStatus) {
        let name = text::name(&machine.name, NAME);
        let padding = " ".repeat(NAME.saturating_sub(text::width(&name)));
        let place = format!(
            "{} / {}",
            self.subscription(machine),
            text::name(&machine.resource_group, 40)
        );
        let about = format!("{}, {}", machine.os, machine.power);
        let place = self.styled(DIM, &format!("{place}  {}", text::line(&about)));
        let name = self.styled(BOLD, &name);
        self.line(&format!("  {name}{padding}  {place}"));
        if let Some(reason) = &machine.reason {
            self.said("", &text::sentence(reason, 60));
        }
        for entry in &machine.entries {
            self.entry(entry, machine.entries.len() > 1);
        }
        for opening in &machine.openings {
            self.opening(opening);
        }
        if machine.tab == Tab::Configured {
            self.history(machine);
        }
        if machine.tab == Tab::Configured || !machine.openings.is_empty() {
            self.connections(&machine.connections);
        }
        for warning in &machine.warnings {
            let style = if warning.severity >= Severity::High {
                RED
            } else {
                YELLOW
            };
            let label = self.styled(style, "warning");
            let line = format!("{}: {}", warning.rule, text::sentence(&warning.message, 60));
            self.said(&label, &line);
        }
    }

    fn subscription(&self, machine: &MachineStatus) -> String {
        let named = self
            .names
            .iter()
            .find(|(id, _)| id.eq_ignore_ascii_case(&machine.subscription));
        text::name(named.map_or(&machine.subscription, |(_, name)| name), 40)
    }

    /// A label of seven columns, colours not counted, and what it says.
    fn said(&mut self, label: &str, line: &str) {
        let plain = if label.is_empty() { "       " } else { label };
        self.line(&format!("      {plain}  {line}"));
    }

    fn entry(&mut self, entry: &Entry, several: bool) {
        for (ports, like) in alike(&entry.ports) {
            let sources = sources(&like.sources);
            let longest = like.max_minutes.map_or_else(
                || "for a time that cannot be read".to_owned(),
                |minutes| format!("up to {}", lasting(SignedDuration::from_mins(minutes))),
            );
            let protocol = match like.protocol.as_str() {
                "any" => String::new(),
                other => format!(" {other}"),
            };
            let policy = match several {
                true => format!("  in {}", text::name(&short(&entry.policy), 40)),
                false => String::new(),
            };
            self.said(
                "ports  ",
                &format!("{ports}{protocol}  from {sources}, {longest}{policy}"),
            );
        }
        if entry.ports.is_empty() {
            let label = self.styled(YELLOW, "ports  ");
            self.said(&label, "none: the entry protects nothing");
        }
        if let Some(unread) = &entry.unread {
            self.said(
                "",
                &format!("there may be further ports: {}", text::sentence(unread, 60)),
            );
        }
    }

    fn opening(&mut self, opening: &Opening) {
        let port = opening
            .port
            .map_or_else(|| "a port".to_owned(), |port| port.to_string());
        let until = opening.end.as_ref().and_then(|end| end.parse::<Timestamp>().ok());
        let until = until.map_or_else(
            || "until a time that cannot be read".to_owned(),
            |end| {
                format!(
                    "until {} ({} left)",
                    shown(end, self.options.zone),
                    lasting(end.duration_since(self.at))
                )
            },
        );
        let user = opening
            .user
            .as_ref()
            .map(|user| format!(" by {}", text::name(user, 50)));
        let why = opening
            .justification
            .as_ref()
            .map(|why| format!(", \"{}\"", text::name(why, 60)));
        let label = self.styled(GREEN, "OPEN   ");
        let state = match opening.status.eq_ignore_ascii_case("Initiated") {
            true => String::new(),
            false => format!(" [{}]", text::name(&opening.status, 20)),
        };
        self.said(
            &label,
            &format!(
                "{port} from {} {until}{}{}{state}",
                sources(&opening.sources),
                user.unwrap_or_default(),
                why.unwrap_or_default()
            ),
        );
    }

    fn history(&mut self, machine: &MachineStatus) {
        let count = machine.approved_in_seven_days;
        let approved = match count {
            0 => "no request approved in 7 days".to_owned(),
            1 => "1 request approved in 7 days".to_owned(),
            _ => format!("{count} requests approved in 7 days"),
        };
        let last = machine
            .last_access
            .as_ref()
            .and_then(|last| last.parse::<Timestamp>().ok());
        let last = last.map_or_else(
            || "no access remembered".to_owned(),
            |last| {
                let user = machine
                    .last_user
                    .as_ref()
                    .map(|user| format!(" by {}", text::name(user, 50)));
                format!(
                    "last access {}{}",
                    shown(last, self.options.zone),
                    user.unwrap_or_default()
                )
            },
        );
        self.said("used   ", &format!("{last}; {approved}"));
    }

    /// A line for each door, ports that are the same outside joined.
    fn connections(&mut self, connections: &[Connection]) {
        let mut doors: Vec<(String, Vec<String>)> = Vec::new();
        for connection in connections {
            let name = connection
                .name
                .as_ref()
                .map(|name| format!(" {}", text::name(name, 40)));
            let through = format!("{}{}", connection.through.label(), name.unwrap_or_default());
            let door = format!("{} ({through})", text::name(&connection.address, 60));
            let port = match connection.port {
                Some(port) if port == connection.target_port => port.to_string(),
                Some(port) => format!("{port} to {}", connection.target_port),
                None => format!("one of several to {}", connection.target_port),
            };
            match doors.iter_mut().find(|(known, _)| *known == door) {
                Some((_, ports)) => ports.push(port),
                None => doors.push((door, vec![port])),
            }
        }
        for (door, ports) in doors {
            self.said("connect", &format!("{door} port {}", ports.join(", ")));
        }
    }

    fn stale(&mut self, report: &StatusReport) {
        if report.stale.is_empty() {
            return;
        }
        let heading = self.styled(
            BOLD,
            &format!("Entries of machines that are gone ({})", report.stale.len()),
        );
        self.line(&heading);
        for stale in &report.stale {
            let line = format!(
                "  {}  in policy {}",
                text::name(&short(&stale.machine), NAME),
                text::name(&short(&stale.policy), 40)
            );
            self.line(&line);
        }
        self.line("");
    }

    fn end(&mut self, report: &StatusReport) {
        let counts: Vec<String> = Tab::ALL
            .into_iter()
            .filter_map(|tab| Some(format!("{} {}", report.summary.get(&tab)?, tab.label().to_lowercase())))
            .collect();
        let open = report
            .machines
            .iter()
            .filter(|machine| !machine.openings.is_empty())
            .count();
        let line = format!(
            "{}; {open} open at {}",
            counts.join(", "),
            shown(self.at, self.options.zone)
        );
        self.line(&line);
        if !report.complete {
            let label = self.styled(YELLOW, "incomplete");
            self.line(&format!("{label}: not everything was read"));
            for read in report.subscriptions.iter().filter(|read| !read.complete) {
                let name = read.name.as_deref().unwrap_or(&read.id).to_owned();
                for missing in &read.missing {
                    self.line(&format!("  {}: {}", text::name(&name, 40), text::sentence(missing, 60)));
                }
            }
        }
    }
}

fn short(id: &str) -> String {
    id.rsplit('/').next().unwrap_or_default().to_owned()
}

fn sources(sources: &[String]) -> String {
    match sources {
        [one] if one == "*" => "any address".to_owned(),
        all => {
            let shown: Vec<String> = all.iter().take(4).map(|source| text::name(source, 60)).collect();
            let more = all.len().saturating_sub(shown.len());
            let rest = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            format!("{}{rest}", shown.join(", "))
        }
    }
}

/// Ports with equal limits, spelled together.
fn alike(ports: &[Port]) -> Vec<(String, &Port)> {
    let mut groups: Vec<(Vec<String>, &Port)> = Vec::new();
    for port in ports {
        let spelled = port
            .port
            .map_or_else(|| "unreadable".to_owned(), |number| number.to_string());
        let same = |like: &Port| {
            like.protocol == port.protocol && like.sources == port.sources && like.max_minutes == port.max_minutes
        };
        match groups.iter_mut().find(|(_, like)| same(like)) {
            Some((numbers, _)) => numbers.push(spelled),
            None => groups.push((vec![spelled], port)),
        }
    }
    groups
        .into_iter()
        .map(|(numbers, like)| (numbers.join(", "), like))
        .collect()
}
