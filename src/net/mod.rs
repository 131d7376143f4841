//! Exact sets of addresses and ports. Knows nothing of Azure.

mod address;
mod interval;
mod port;
mod protocol;

pub use address::{AddressError, AddressRange, AddressSet, Family, blocks, parse_range};
pub use interval::{Bound, IntervalSet};
pub use port::{MANAGEMENT_PORTS, PortError, PortSet, parse_ports};
pub use protocol::{Protocol, ProtocolSet};
