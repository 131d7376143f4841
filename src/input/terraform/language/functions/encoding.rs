//! Base64, URLs, JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Arguments, Function, Outcome, function, json};
use crate::input::terraform::language::value::Value;

pub const FUNCTIONS: &[Function] = &[
    function("base64decode", 1, 1, decode),
    function("base64encode", 1, 1, |a| {
        Ok(Value::from(STANDARD.encode(a.text(0)?.as_bytes())))
    }),
    function("base64gzip", 1, 1, |a| {
        Ok(a.open("what a compressor makes is not computed"))
    }),
    function("jsondecode", 1, 1, |a| json::decode(&a.text(0)?)),
    function("jsonencode", 1, 1, |a| Ok(Value::from(json::encode(a.value(0)?)?))).nulls(),
    function("textdecodebase64", 2, 2, decode_text),
    function("textencodebase64", 2, 2, encode_text),
    function("urlencode", 1, 1, |a| Ok(Value::from(escape(&a.text(0)?)))),
    function("urldecode", 1, 1, unescape),
];

fn bytes(arguments: &Arguments<'_, '_>) -> Result<Vec<u8>, super::Fault> {
    let text = arguments.text(0)?;
    let plain: String = text.chars().filter(|one| !matches!(one, '\n' | '\r')).collect();
    STANDARD
        .decode(plain)
        .map_err(|_| arguments.refuse("the text is not base64"))
}

fn decode(arguments: &Arguments<'_, '_>) -> Outcome {
    let text = String::from_utf8(bytes(arguments)?);
    text.map(Value::from)
        .map_err(|_| arguments.refuse("what it holds is not UTF-8"))
}

/// An encoding by its name, as far as it is known here.
enum Encoding {
    Utf8,
    Utf16 { big: bool },
    Latin1,
}

fn encoding(name: &str) -> Option<Encoding> {
    Some(match name.to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => Encoding::Utf8,
        "UTF-16LE" => Encoding::Utf16 { big: false },
        "UTF-16BE" => Encoding::Utf16 { big: true },
        "ISO-8859-1" | "LATIN1" => Encoding::Latin1,
        _ => return None,
    })
}

fn encode_text(arguments: &Arguments<'_, '_>) -> Outcome {
    let (text, name) = (arguments.text(0)?, arguments.text(1)?);
    let bytes: Vec<u8> = match encoding(&name) {
        None => return Ok(arguments.open("the encoding is not known here")),
        Some(Encoding::Utf8) => text.as_bytes().to_vec(),
        Some(Encoding::Utf16 { big: true }) => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Some(Encoding::Utf16 { big: false }) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Some(Encoding::Latin1) => {
            let bytes: Result<Vec<u8>, _> = text.chars().map(|one| u8::try_from(u32::from(one))).collect();
            bytes.map_err(|_| arguments.refuse("the text has characters that the encoding lacks"))?
        }
    };
    Ok(Value::from(STANDARD.encode(bytes)))
}

fn decode_text(arguments: &Arguments<'_, '_>) -> Outcome {
    let (bytes, name) = (bytes(arguments)?, arguments.text(1)?);
    let text = match encoding(&name) {
        None => return Ok(arguments.open("the encoding is not known here")),
        Some(Encoding::Utf8) => String::from_utf8(bytes).ok(),
        Some(Encoding::Utf16 { big }) => {
            let unit = |pair: &[u8]| match pair {
                [a, b] if big => u16::from_be_bytes([*a, *b]),
                [a, b] => u16::from_le_bytes([*a, *b]),
                _ => 0,
            };
            let units: Vec<u16> = bytes.chunks(2).map(unit).collect();
            String::from_utf16(&units).ok().filter(|_| bytes.len() % 2 == 0)
        }
        Some(Encoding::Latin1) => Some(bytes.into_iter().map(char::from).collect()),
    };
    text.map(Value::from)
        .ok_or_else(|| arguments.refuse("the text is not in that encoding"))
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn unescape(arguments: &Arguments<'_, '_>) -> Outcome {
    let text = arguments.text(0)?;
    let wrong = || arguments.refuse("the text is not encoded");
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let pair: Vec<u8> = rest.by_ref().take(2).collect();
                let hex = std::str::from_utf8(&pair).ok().filter(|hex| hex.len() == 2);
                out.push(hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).ok_or_else(wrong)?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).map(Value::from).map_err(|_| wrong())
}
