//! Just-in-time access as a person uses it: where each machine stands, how an entry of a policy is made and changed,
//! what a request asks for, what became of requests. Plain functions over documents and the judged estate; calls of the
//! service, files, the clock and the terminal are not its business.

pub mod ask;
pub mod audit;
pub mod change;
pub mod connect;
pub mod history;
pub mod moment;
pub mod opening;
pub mod people;
pub mod port;
pub mod refusal;
pub mod select;
pub mod status;
