//! One part of many subscriptions, for fleets of runners: which part a subscription belongs to depends on its id and the
//! number of parts alone, and another number of parts moves as few as can be.

use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A part, counted from 0, of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    pub index: u16,
    pub count: u16,
}

/// Each subscription is weighed once for each part.
const MOST: u16 = 1000;

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || format!("`{text}` is no shard; write it as `0/4`, counted from 0, of at most {MOST}");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let (index, count) = (index.parse().map_err(|_| wrong())?, count.parse().map_err(|_| wrong())?);
        match index < count && count <= MOST {
            true => Ok(Shard { index, count }),
            false => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// Whether a subscription belongs to this part: the part with the highest weight has it.
    pub fn holds(self, subscription: &str) -> bool {
        let id = subscription.to_ascii_lowercase();
        let heaviest = (0..self.count).max_by_key(|index| weight(&id, *index));
        heaviest == Some(self.index)
    }
}

fn weight(id: &str, index: u16) -> [u8; 32] {
    Sha256::digest(format!("{id}/{index}").as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(id: &str, count: u16) -> u16 {
        let holders: Vec<u16> = (0..count)
            .filter(|index| Shard { index: *index, count }.holds(id))
            .collect();
        assert_eq!(holders.len(), 1, "{id} is in one part of {count}");
        holders[0]
    }

    #[test]
    fn every_subscription_is_in_one_part_and_few_move() {
        let ids: Vec<String> = (0..600)
            .map(|number| format!("{number:08x}-0000-4000-8000-{:012x}", number * 7919))
            .collect();
        let mut sizes = [0; 4];
        ids.iter().for_each(|id| sizes[usize::from(place(id, 4))] += 1);
        assert!(sizes.iter().all(|size| (110..190).contains(size)), "{sizes:?}");
        let moved = ids.iter().filter(|id| place(id, 4) != place(id, 5)).count();
        assert!(moved < 170, "{moved} of 600 move to a fifth part");
        // Only ever to the new one.
        assert!(ids.iter().all(|id| place(id, 5) == 4 || place(id, 5) == place(id, 4)));
        assert_eq!(place(&ids[3].to_uppercase(), 4), place(&ids[3], 4));
    }

    #[test]
    fn the_parts_of_known_subscriptions_never_change() {
        let places = [
            "7d4f1c02-5a3e-4b86-9f10-2c6e8a9b0d11",
            "1a9c63e8-0b72-4d5f-8e34-91f7c2d605b2",
        ]
        .map(|id| place(id, 4));
        assert_eq!(places, PLACES);
    }

    const PLACES: [u16; 2] = [3, 2];

    #[test]
    fn shards_are_read_strictly() {
        assert_eq!("3/4".parse(), Ok(Shard { index: 3, count: 4 }));
        for wrong in ["4/4", "0/0", "1", "-1/4", "0/1001", "a/b", "1/4/2", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
