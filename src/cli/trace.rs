//! `portcullis trace`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::reading_arguments::ReadingArguments;
use super::scan::{Ports, ports};
use super::{Failure, output, status, style};
use crate::input::Reading;
use crate::model::{Inventory, ResourceId};
use crate::net::Protocol;
use crate::report::{text, trace as page};
use crate::rule::suggest;
use crate::source::{Diagnostic, Level};
use crate::trace::{Answer, Asked, Found, From, NotFound, Request, Status, answer, find, is_nobody};

const AFTER: &str = "\
The sender is an address, a prefix (some address of it), `internet` (some public address), `vnet` (some address of the \
machine's virtual network or what is connected to it), or a service tag such as `AzureCloud`. A sender of many addresses \
is asked about at every address at which the answer can change, and the one that gets farthest is shown. PORT is the port \
on the machine; a load balancer or firewall in front may have another, which the hops say.

Exit status: 0 closed, or admitted without a return path; 1 open; 2 wrong usage, an unknown or ambiguous machine, or \
unreadable input; 3 undetermined, or closed in an estate of which not everything was read.";

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub struct TraceArguments {
    /// What `scan` reads: snapshots, `az ... list -o json` output, templates, Terraform, plans, or directories of them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Who sends the packet: an address, a prefix, `internet`, `vnet`, or a service tag
    #[arg(long, value_name = "SENDER", value_parser = sender)]
    from: Sender,

    /// The machine: its name, its ARM id, or one of its addresses
    #[arg(long, value_name = "MACHINE")]
    to: String,

    /// The port on the machine
    #[arg(long, value_name = "PORT", required_unless_present = "all_ports")]
    port: Option<u16>,

    /// Several ports on the machine, such as `22,3389`
    #[arg(long, value_name = "PORTS", value_parser = ports, conflicts_with = "port")]
    all_ports: Option<Ports>,

    /// The port it is sent from [default: the client chooses, so what any source port gets is got]
    #[arg(long, value_name = "PORT")]
    from_port: Option<u16>,

    /// The protocol
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    protocol: Wire,

    #[command(flatten)]
    reading: ReadingArguments,

    /// Write for reading, or as JSON (docs/trace.schema.json)
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Wire {
    #[default]
    Tcp,
    Udp,
}

impl Wire {
    fn protocol(self) -> Protocol {
        match self {
            Wire::Tcp => Protocol::Tcp,
            Wire::Udp => Protocol::Udp,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    #[default]
    Console,
    Json,
}

/// A sender as typed and as understood.
#[derive(Clone, Debug)]
struct Sender {
    typed: String,
    from: From,
}

fn sender(typed: &str) -> Result<Sender, String> {
    let wrong = || format!("`{typed}` is no address, prefix or service tag; write `internet` for any public address");
    let from = From::parse(typed).ok_or_else(wrong)?;
    if let From::Tag(tag) = &from {
        // A slip of the keyboard is a service tag by its looks.
        let names = ["internet", "vnet", "VirtualNetwork", "AzureLoadBalancer", "AzureCloud"];
        if let Some(near) = suggest::nearest(typed, names).filter(|near| !near.eq_ignore_ascii_case(&tag.to_string())) {
            return Err(format!("`{typed}` is no sender; did you mean `{near}`?"));
        }
    }
    match &from {
        From::Address(address) if is_nobody(*address) => Err(format!("no packet comes from `{typed}` over a network")),
        _ => Ok(Sender {
            typed: typed.to_owned(),
            from,
        }),
    }
}

impl TraceArguments {
    pub fn run(&self) -> Result<u8, Failure> {
        let reading = self.reading.read(&self.paths)?;
        let inventory = &reading.inventory;
        let found = find(inventory, &self.to).map_err(|error| {
            // A machine that is not there may be in what could not be read.
            errors(&reading).for_each(style::diagnostic);
            not_found(inventory, &self.to, &error)
        })?;
        let answer = answer(inventory, &reading.sources, found, self.request(&self.ports()));
        self.write(&answer)?;
        warn(&reading, found, &answer);
        Ok(outcome(&answer))
    }

    fn ports(&self) -> Vec<u16> {
        match &self.all_ports {
            Some(ports) => ports.0.clone(),
            None => self.port.into_iter().collect(),
        }
    }

    fn request<'r>(&'r self, ports: &'r [u16]) -> Request<'r> {
        let protocol = self.protocol.protocol();
        Request {
            from: &self.from.from,
            asked: Asked {
                from: self.from.typed.clone(),
                to: self.to.clone(),
                protocol: protocol.as_str().to_owned(),
                from_port: self.from_port,
            },
            source_port: self.from_port,
            protocol,
            ports,
        }
    }

    fn write(&self, answer: &Answer) -> Result<(), Failure> {
        let stdout = io::stdout();
        let color = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        let mut out = BufWriter::new(stdout.lock());
        let written = match self.format {
            Format::Console => page::write(answer, color, output::width(), &mut out),
            Format::Json => page::write_json(answer, &mut out),
        };
        match written.and_then(|()| out.flush()) {
            // A reader that has seen enough, such as `head`, is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }
}

fn errors(reading: &Reading) -> impl Iterator<Item = &Diagnostic> {
    reading
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == Level::Error)
}

/// What could not be read may be what leads here.
fn warn(reading: &Reading, found: Found<'_>, answer: &Answer) {
    if answer.complete {
        return;
    }
    errors(reading).for_each(style::diagnostic);
    let coverage = &reading.inventory.coverage;
    for covered in coverage.subscriptions.iter().filter(|covered| !covered.complete) {
        let what = covered
            .missing
            .iter()
            .map(|missing| format!("`{}`", missing.resource_type))
            .collect::<Vec<_>>();
        let name = covered.name.as_ref().unwrap_or(&covered.id);
        let here = covered.id.eq_ignore_ascii_case(found.vm.id.subscription());
        let whose = if here { ", the machine's own," } else { "" };
        style::warning(&format!(
            "subscription `{name}`{whose} was not read whole: {}",
            what.join(", ")
        ));
    }
    if answer.status < Status::Undetermined {
        style::warning("closed by what was read; what was not read may lead here");
    }
}

fn outcome(answer: &Answer) -> u8 {
    match answer.status {
        Status::Open => status::FINDINGS,
        Status::Undetermined => status::INCOMPLETE,
        Status::Closed | Status::NoReturnPath if !answer.complete => status::INCOMPLETE,
        Status::Closed | Status::NoReturnPath => status::CLEAN,
    }
}

/// Most machines listed in an error.
const MOST_NAMED: usize = 10;

fn not_found(inventory: &Inventory, typed: &str, error: &NotFound<'_>) -> Failure {
    let list = |ids: &[&ResourceId]| {
        let shown: Vec<String> = ids.iter().take(MOST_NAMED).map(|id| format!("`{id}`")).collect();
        let more = ids.len().saturating_sub(shown.len());
        let rest = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        format!("{}{rest}", shown.join(", "))
    };
    let typed = text::name(typed, 120);
    match error {
        NotFound::Ambiguous(ids) => Failure(format!(
            "`{typed}` means several machines; name one by its id: {}",
            list(ids)
        )),
        NotFound::Unknown if inventory.vms.is_empty() => Failure("no machine was read".to_owned()),
        NotFound::Unknown => {
            let near = nearest(inventory, &typed);
            let hint = match near.as_slice() {
                [] => "name it as `portcullis scan --verbose` lists it".to_owned(),
                names => format!("did you mean {}?", suggest::quoted(names.iter().copied())),
            };
            Failure(format!("no machine is named `{typed}` or has that address; {hint}"))
        }
    }
}

/// Up to three names near the typed one.
fn nearest<'i>(inventory: &'i Inventory, typed: &str) -> Vec<&'i str> {
    let mut names: Vec<&str> = inventory.vms.iter().map(|vm| vm.id.name()).collect();
    names.sort_unstable();
    names.dedup();
    let mut near = Vec::new();
    while let Some(name) = suggest::nearest(typed, names.iter().copied()).filter(|_| near.len() < 3) {
        near.push(name);
        names.retain(|other| *other != name);
    }
    near
}
