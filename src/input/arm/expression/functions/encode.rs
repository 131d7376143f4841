//! Base64, data URIs and URIs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::evaluate::{Fault, Outcome};
use super::super::value::Kind;
use super::{Arguments, object};

pub(super) fn base64(arguments: &Arguments<'_>) -> Outcome {
    arguments.made(STANDARD.encode(arguments.text(0)?))
}

fn decoded(text: &str) -> Result<String, Fault> {
    let bytes = STANDARD.decode(text.trim()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Fault::new("the text is not base64 of a UTF-8 text"))
}

pub(super) fn base64_to_string(arguments: &Arguments<'_>) -> Outcome {
    arguments.made(decoded(arguments.text(0)?)?)
}

pub(super) fn base64_to_json(arguments: &Arguments<'_>) -> Outcome {
    object::parse(&decoded(arguments.text(0)?)?)
}

pub(super) fn data_uri(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    arguments.made(format!("data:text/plain;charset=utf8;base64,{}", STANDARD.encode(text)))
}

pub(super) fn data_uri_to_string(arguments: &Arguments<'_>) -> Outcome {
    let text = arguments.text(0)?;
    let Some((head, body)) = text.strip_prefix("data:").and_then(|rest| rest.split_once(',')) else {
        return Err(Fault::new("the text is no data URI"));
    };
    if head.to_ascii_lowercase().ends_with(";base64") {
        return arguments.made(decoded(body)?);
    }
    arguments.made(unescaped(body)?)
}

/// The relative part takes the place of what follows the last `/` of the base.
pub(super) fn uri(arguments: &Arguments<'_>) -> Outcome {
    let (base, relative) = (arguments.get(0)?, arguments.get(1)?);
    let (Some(start), Some(end)) = (base.name(), relative.name()) else {
        return Err(arguments.wrong(0, "a string"));
    };
    let joined = joined(start, end);
    match base.as_unknown().or(relative.as_unknown()) {
        Some(unknown) => Ok(unknown.derived(joined).into()),
        None => arguments.made(joined),
    }
}

fn joined(base: &str, relative: &str) -> String {
    let Some((scheme, rest)) = base.split_once("://") else {
        let directory = base.rsplit_once('/').map_or(base, |(directory, _)| directory);
        return format!("{directory}/{}", relative.trim_start_matches('/'));
    };
    let host = rest.split('/').next().unwrap_or_default();
    if relative.starts_with('/') {
        return format!("{scheme}://{host}{relative}");
    }
    let directory = rest.rsplit_once('/').map_or(rest, |(directory, _)| directory);
    format!("{scheme}://{directory}/{relative}")
}

pub(super) fn uri_component(arguments: &Arguments<'_>) -> Outcome {
    let text = match &arguments.get(0)?.kind {
        Kind::Text(text) => text.to_string(),
        _ => return Err(arguments.wrong(0, "a string")),
    };
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    arguments.made(out)
}

pub(super) fn uri_component_to_string(arguments: &Arguments<'_>) -> Outcome {
    arguments.made(unescaped(arguments.text(0)?)?)
}

fn unescaped(text: &str) -> Result<String, Fault> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let pair: Vec<u8> = bytes.by_ref().take(2).collect();
        let value = std::str::from_utf8(&pair)
            .ok()
            .filter(|pair| pair.len() == 2)
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(value.ok_or_else(|| Fault::new("a `%` is not followed by two hexadecimal digits"))?);
    }
    String::from_utf8(out).map_err(|_| Fault::new("the decoded text is not UTF-8"))
}
