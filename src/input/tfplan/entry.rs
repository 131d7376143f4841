//! One resource of a plan or a state, as far as its notation goes: what all of them have in common.

use std::sync::Arc;

use super::mask::{Masks, Secrets, values};
use crate::input::arm::expression::Value;
use crate::input::azurerm::{Instance, Mode, Said, Settings, Whole};
use crate::syntax::json::JsonError;
use crate::syntax::scan::Scan;
use crate::syntax::{Node, Span};

/// Where the members of an entry lie.
#[derive(Default)]
pub struct Entry {
    pub span: Span,
    pub address: String,
    pub previous: Option<String>,
    pub mode: String,
    pub resource_type: String,
    pub module: String,
    pub name: String,
    pub deposed: bool,
    pub values: Option<Span>,
    pub sensitive: Option<Span>,
    pub change: Option<Span>,
    pub instances: Option<Span>,
}

impl Entry {
    pub fn read(scan: &mut Scan<'_>) -> Result<Entry, JsonError> {
        let mut entry = Entry::default();
        let begin = scan.offset();
        scan.members(|name, scan| {
            let text = match &*name {
                "address" => &mut entry.address,
                "mode" => &mut entry.mode,
                "type" => &mut entry.resource_type,
                "module" => &mut entry.module,
                "name" => &mut entry.name,
                "previous_address" => {
                    entry.previous = scan.optional_text()?;
                    return Ok(());
                }
                "deposed" | "deposed_key" => {
                    entry.deposed = scan.optional_text()?.is_some();
                    return Ok(());
                }
                "values" => {
                    entry.values = Some(scan.skip()?);
                    return Ok(());
                }
                "sensitive_values" => {
                    entry.sensitive = Some(scan.skip()?);
                    return Ok(());
                }
                "change" => {
                    entry.change = Some(scan.skip()?);
                    return Ok(());
                }
                "instances" => {
                    entry.instances = Some(scan.skip()?);
                    return Ok(());
                }
                _ => {
                    scan.skip()?;
                    return Ok(());
                }
            };
            *text = scan.optional_text()?.unwrap_or_default();
            Ok(())
        })?;
        entry.span = Span {
            start: begin,
            end: scan.offset(),
        };
        Ok(entry)
    }

    pub fn is_managed(&self) -> bool {
        self.mode != "data"
    }
}

/// The value at a span, which was passed over before.
pub fn node(text: &str, span: Option<Span>) -> Result<Option<Node<'_>>, JsonError> {
    span.map(|span| Scan::at(text, span).node()).transpose()
}

/// The instance that an entry is, with the values and what stands beside them.
pub fn instance(
    entry: &Entry,
    address: &str,
    stated: &Node<'_>,
    unknown: Option<&Node<'_>>,
    sensitive: Option<&Node<'_>>,
    secrets: &Secrets,
) -> Instance {
    let masks = Masks {
        address,
        unknown,
        sensitive,
        secrets,
    };
    Instance {
        address: Arc::from(address),
        mode: if entry.is_managed() { Mode::Managed } else { Mode::Data },
        resource_type: Arc::from(&*entry.resource_type),
        key: super::address::Address::parse(address).key().map(Value::from),
        settings: Settings::default(),
        attributes: values(stated, &masks).at(entry.span),
        perhaps: None,
        whole: Whole::Root,
        said: Said::Recorded,
        related: Arc::default(),
    }
}
