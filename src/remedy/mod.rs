//! Remediation: from findings to a proved plan, to changes that survive a crash and can be taken back. Knows neither
//! HTTP nor terminals; the service, the clock and the journal are given to it.

pub mod apply;
pub mod compose;
pub mod digest;
pub mod documents;
pub mod effect;
mod finish;
pub mod given;
pub mod hindrance;
pub mod journal;
pub mod memory;
pub mod needs;
pub mod plan;
pub mod projection;
pub mod proof;
pub mod remedies;
mod rollback;
pub mod rules;
pub mod service;
mod store;
pub mod view;
pub mod wire;
pub mod words;

pub use compose::plan;
pub use documents::Documents;
pub use plan::Plan;
pub use remedies::Settings;
pub use service::{Clock, Condition, Fault, Found, Progress, Reply, Service};
pub use view::Question;
