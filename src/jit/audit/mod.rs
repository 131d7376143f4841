//! What became of requests for access: the record that policies keep and the activity log, merged to one line a request.
//! Rows are small and come day by day; nothing here holds more than a day. Where rows are kept is not its business.

mod csv;
mod event;
mod html;
mod json;
mod merge;
mod record;
mod row;

pub use csv::Table;
pub use event::{SERVICE_APPLICATION, day, event, is_concerned};
pub use html::Page;
pub use json::Lines;
pub use merge::{MARGIN, Merger};
pub use record::{Audit, Change, ChangeKind, FORMAT_VERSION, Header, Outcome, Record, Touched, json_schema};
pub use row::{EventRow, Kind, RequestRow, Row, rows_of_policy};

/// Who or what of the records is asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Names or ids of machines; any where empty.
    pub machines: Vec<String>,
    /// Parts of names of users, without case; any where empty.
    pub users: Vec<String>,
}

impl Filter {
    pub fn holds(&self, record: &Record) -> bool {
        let machine = |wanted: &String| {
            record.touched.iter().any(|touched| {
                touched.machine.eq_ignore_ascii_case(wanted)
                    || touched
                        .machine
                        .rsplit('/')
                        .next()
                        .is_some_and(|name| name.eq_ignore_ascii_case(wanted))
            })
        };
        let user = |wanted: &String| {
            let who = record.user.as_deref().unwrap_or_default().to_ascii_lowercase();
            who.contains(&wanted.to_ascii_lowercase())
        };
        (self.machines.is_empty() || self.machines.iter().any(machine))
            && (self.users.is_empty() || self.users.iter().any(user))
    }
}
