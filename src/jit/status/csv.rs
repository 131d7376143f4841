//! One row a machine, for spreadsheets.

use std::io::Write;

use super::model::{Connection, MachineStatus, Opening, StatusReport};
use crate::report::{ReportError, text};

/// The columns, in order; a reader may rely on the names.
const COLUMNS: [&str; 20] = [
    "tab",
    "machine",
    "subscription",
    "resource_group",
    "region",
    "os",
    "power",
    "reason",
    "policies",
    "ports",
    "sources",
    "max_minutes",
    "approved_in_seven_days",
    "last_access",
    "last_user",
    "open_now",
    "open_until",
    "connections",
    "warnings",
    "id",
];

pub fn csv(report: &StatusReport, out: &mut dyn Write) -> Result<(), ReportError> {
    let failed = |error: csv::Error| ReportError::Format {
        format: "csv",
        message: error.to_string(),
    };
    let mut table = csv::Writer::from_writer(out);
    table.write_record(COLUMNS).map_err(failed)?;
    for machine in &report.machines {
        let cells = row(machine).map(|cell| text::cell(&cell).into_owned());
        table.write_record(cells).map_err(failed)?;
    }
    Ok(table.flush()?)
}

fn row(machine: &MachineStatus) -> [String; COLUMNS.len()] {
    let ports = || machine.entries.iter().flat_map(|entry| &entry.ports);
    let joined = |parts: Vec<String>| parts.join("; ");
    let number = |port: Option<u16>| port.map_or_else(|| "unknown".to_owned(), |port| port.to_string());
    let minutes = |minutes: Option<i64>| minutes.map_or_else(|| "unknown".to_owned(), |minutes| minutes.to_string());
    let until = machine.openings.iter().filter_map(|opening| opening.end.clone()).max();
    [
        machine.tab.label().to_owned(),
        machine.name.to_string(),
        machine.subscription.to_string(),
        machine.resource_group.to_string(),
        machine.region.to_string(),
        machine.os.to_string(),
        machine.power.to_string(),
        machine.reason.as_deref().unwrap_or_default().to_owned(),
        joined(machine.entries.iter().map(|entry| entry.policy.to_string()).collect()),
        joined(ports().map(|port| number(port.port)).collect()),
        joined(ports().map(|port| port.sources.join(" ")).collect()),
        joined(ports().map(|port| minutes(port.max_minutes)).collect()),
        machine.approved_in_seven_days.to_string(),
        machine.last_access.clone().unwrap_or_default(),
        machine.last_user.as_deref().unwrap_or_default().to_owned(),
        joined(machine.openings.iter().map(open).collect()),
        until.unwrap_or_default(),
        joined(machine.connections.iter().map(knock).collect()),
        joined(
            machine
                .warnings
                .iter()
                .map(|warning| format!("{}: {}", warning.rule, warning.message))
                .collect(),
        ),
        machine.id.to_string(),
    ]
}

fn open(opening: &Opening) -> String {
    let port = opening
        .port
        .map_or_else(|| "unknown".to_owned(), |port| port.to_string());
    format!("{port} from {}", opening.sources.join(" "))
}

fn knock(connection: &Connection) -> String {
    let port = connection.port.map_or_else(|| "?".to_owned(), |port| port.to_string());
    format!(
        "{} {}:{port} to {}",
        connection.through.label(),
        connection.address,
        connection.target_port
    )
}
