//! Where every machine stands with just-in-time access, as the portal's tabs show it and beyond.

mod console;
mod csv;
mod model;
mod survey;

pub use console::{Options, console};
pub use csv::csv;
pub use model::{
    Connection, Entry, FORMAT_VERSION, MachineStatus, Opening, Port, StaleEntry, StatusReport, Through, Warning,
    json_schema,
};
pub use survey::{Asked, survey};
