//! The JSON objects of a file, one after the other and never all at once: an array, a page with `value` or `data`, or an
//! object a line; plain or zstd-compressed.

use std::io::{self, BufRead, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Hands over every object. The error says what the text is not.
pub fn each_object(text: impl Read + 'static, mut take: impl FnMut(Value)) -> Result<(), String> {
    let mut text = plain(BufReader::with_capacity(1 << 16, text)).map_err(|error| error.to_string())?;
    loop {
        // Values follow each other, each to its end.
        let rest = text.fill_buf().map_err(|error| error.to_string())?;
        let Some(first) = rest.first().copied() else {
            return Ok(());
        };
        // Blanks, and the mark of a byte order.
        if first.is_ascii_whitespace() || matches!(first, 0xef | 0xbb | 0xbf) {
            text.consume(1);
            continue;
        }
        let mut deserializer = serde_json::Deserializer::from_reader(&mut text);
        Seed(&mut take)
            .deserialize(&mut deserializer)
            .map_err(|error| format!("it is no list of JSON objects: {error}"))?;
    }
}

fn plain(mut text: impl BufRead + 'static) -> io::Result<Box<dyn BufRead>> {
    let packed = text.fill_buf()?.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    Ok(match packed {
        true => Box::new(BufReader::new(zstd::stream::read::Decoder::with_buffer(text)?)),
        false => Box::new(text),
    })
}

struct Seed<'t>(&'t mut dyn FnMut(Value));

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ();

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("JSON objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while let Some(object) = all.next_element::<Value>()? {
            (self.0)(object);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "value" | "data" => members.next_value_seed(Seed(self.0))?,
                _ => {
                    object.insert(name, members.next_value()?);
                }
            }
        }
        (self.0)(Value::Object(object));
        Ok(())
    }

    // A member of that name that is no list holds nothing.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn ids(text: &[u8]) -> Result<Vec<String>, String> {
        let mut ids = Vec::new();
        let text = Cursor::new(text.to_vec());
        each_object(text, |object| ids.extend(object.get("id").map(ToString::to_string)))?;
        Ok(ids)
    }

    #[test]
    fn objects_are_found_in_every_shape() {
        for text in [
            "[{\"id\":1},{\"id\":2}]",
            "{\"value\":[{\"id\":1},{\"id\":2}],\"nextLink\":\"\"}",
            "{\"count\":2,\"data\":[{\"id\":1},{\"id\":2}]}",
            "{\"id\":1}\n{\"id\":2}\n",
            "\u{feff} [{\"id\":1}]\n\n[{\"id\":2}]",
            "{\"id\":1,\"value\":null}{\"id\":2,\"data\":7}",
        ] {
            assert_eq!(ids(text.as_bytes()), Ok(vec!["1".to_owned(), "2".to_owned()]), "{text}");
            let packed = zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
            assert_eq!(ids(&packed), Ok(vec!["1".to_owned(), "2".to_owned()]), "packed {text}");
        }
        for wrong in ["[{\"id\":1},", "{\"value\":[{]}", "{\"id\":1} nonsense"] {
            assert!(ids(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
