//! Dividing the root modules among several runs.

use std::fmt;
use std::str::FromStr;

/// One of several runs that divide the root modules among them: `2/5`.
///
/// A root module belongs to a run by its name alone, so that another one that comes or goes moves none.
///
/// ```
/// let shards: Vec<engine::Shard> = ["1/2", "2/2"].iter().filter_map(|text| text.parse().ok()).collect();
/// assert_eq!(shards.iter().filter(|shard| shard.has("network/prod")).count(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which run, from 1.
    number: u32,
    /// How many there are.
    n_shards: u32,
}

impl Shard {
    /// Tells whether a root module belongs to it.
    pub fn has(&self, name: &str) -> bool {
        // FNV-1a, 64 bits: stable over versions, machines and runs.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in name.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        // The low bits of neighboring names are alike.
        hash ^= hash >> 32;
        hash % u64::from(self.n_shards) == u64::from(self.number - 1)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.n_shards)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text
            .split_once('/')
            .and_then(|(number, n_shards)| Some((number.parse::<u32>().ok()?, n_shards.parse::<u32>().ok()?)));
        match numbers {
            Some((number, n_shards)) if (1..=n_shards).contains(&number) => Ok(Self { number, n_shards }),
            _ => Err(format!("`{text}` is no part: write 1/4 for the first of four")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_belongs_to_one_shard() {
        let shards: Vec<Shard> = (1..=7).map(|number| format!("{number}/7").parse().expect("a shard")).collect();
        let mut n_roots = [0_u32; 7];
        for number in 0..700 {
            let name = format!("live/region-{}/service-{number}", number % 5);
            let of: Vec<usize> = (0..7).filter(|position| shards[*position].has(&name)).collect();
            assert_eq!(of.len(), 1, "{name}");
            n_roots[of[0]] += 1;
        }
        assert!(n_roots.iter().all(|n| (50..150).contains(n)), "{n_roots:?}");
        for wrong in ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
