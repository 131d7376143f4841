//! Digests of texts and files. What is made by chance is unknown.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use super::file::content;
use super::{Arguments, Function, Outcome, function, md5};
use crate::input::terraform::language::value::Value;

pub const FUNCTIONS: &[Function] = &[
    function("base64sha256", 1, 1, |a| Ok(base64(sha256(a.text(0)?.as_bytes())))),
    function("base64sha512", 1, 1, |a| Ok(base64(sha512(a.text(0)?.as_bytes())))),
    function("bcrypt", 1, 2, |a| Ok(a.open("the result is made by chance"))),
    function("filebase64sha256", 1, 1, |a| {
        content(a, |text| Ok(base64(sha256(text.as_bytes()))))
    }),
    function("filebase64sha512", 1, 1, |a| {
        content(a, |text| Ok(base64(sha512(text.as_bytes()))))
    }),
    function("filemd5", 1, 1, |a| {
        content(a, |text| Ok(hex(&md5::digest(text.as_bytes()))))
    }),
    function("filesha1", 1, 1, |a| content(a, |text| Ok(hex(&sha1(text.as_bytes()))))),
    function("filesha256", 1, 1, |a| {
        content(a, |text| Ok(hex(&sha256(text.as_bytes()))))
    }),
    function("filesha512", 1, 1, |a| {
        content(a, |text| Ok(hex(&sha512(text.as_bytes()))))
    }),
    function("md5", 1, 1, |a| Ok(hex(&md5::digest(a.text(0)?.as_bytes())))),
    function("rsadecrypt", 2, 2, |a| {
        Ok(a.open("secrets are not decrypted").marked(true))
    }),
    function("sha1", 1, 1, |a| Ok(hex(&sha1(a.text(0)?.as_bytes())))),
    function("sha256", 1, 1, |a| Ok(hex(&sha256(a.text(0)?.as_bytes())))),
    function("sha512", 1, 1, |a| Ok(hex(&sha512(a.text(0)?.as_bytes())))),
    function("uuid", 0, 0, |a| Ok(a.open("the result is made by chance"))),
    function("uuidv5", 2, 2, named_uuid),
];

fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

fn sha512(bytes: &[u8]) -> Vec<u8> {
    Sha512::digest(bytes).to_vec()
}

fn hex(bytes: &[u8]) -> Value {
    Value::from(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn base64(bytes: Vec<u8>) -> Value {
    Value::from(STANDARD.encode(bytes))
}

/// The name spaces of RFC 4122 by their short names.
const SPACES: &[(&str, &str)] = &[
    ("dns", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("url", "6ba7b811-9dad-11d1-80b4-00c04fd430c8"),
    ("oid", "6ba7b812-9dad-11d1-80b4-00c04fd430c8"),
    ("x500", "6ba7b814-9dad-11d1-80b4-00c04fd430c8"),
];

fn named_uuid(arguments: &Arguments<'_, '_>) -> Outcome {
    let (space, name) = (arguments.text(0)?, arguments.text(1)?);
    let known = SPACES.iter().find(|(short, _)| *short == &*space);
    let text = known.map_or(&*space, |(_, uuid)| uuid);
    let digits: String = text.chars().filter(|one| *one != '-').collect();
    let pair = |at: usize| u8::from_str_radix(digits.get(at * 2..at * 2 + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..16).map(pair).collect();
    let Some(mut bytes) = bytes.filter(|_| digits.len() == 32) else {
        return Err(arguments.wrong(0, "`dns`, `url`, `oid`, `x500` or a UUID is required"));
    };
    bytes.extend(name.bytes());
    let mut hash = sha1(&bytes);
    hash.truncate(16);
    if let [_, _, _, _, _, _, version, _, variant, ..] = hash.as_mut_slice() {
        *version = (*version & 0x0f) | 0x50;
        *variant = (*variant & 0x3f) | 0x80;
    }
    let mut out = String::new();
    for (at, byte) in hash.iter().enumerate() {
        out.push_str(if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" });
        out.push_str(&format!("{byte:02x}"));
    }
    Ok(Value::from(out))
}
