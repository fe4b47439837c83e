//! What can be changed by hand in the server behind a root module, with the truth about each change.
//!
//! A list lies beside the root it is about, as `drifts.json`: one entry per change, each independent of the others
//! unless both touch the same object.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// What a change makes of the objects it touches.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A managed object differs from its configuration.
    Changed,
    /// A managed object is gone.
    Missing,
    /// An object is there that no configuration names.
    Unmanaged,
    /// Something happened that nobody may be told of.
    Noise,
}

/// Names an object that terraform doesn't know.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// The resource type that would manage it.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// The id by which the provider would import it.
    pub id: String,
}

/// One request to the server, part of a drift.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerCall {
    /// The method, such as `PUT`.
    pub method: String,
    /// The path with its query, percent-encoded.
    pub path: String,
    /// The body, if there is one.
    pub body: Option<Value>,
    /// The body's type, where it is not plain JSON.
    pub content_type: Option<String>,
}

/// One change with the truth about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The name, unique in its list.
    pub name: String,
    /// What it makes of the objects.
    pub kind: Kind,
    /// The addresses of all resources whose objects it touches.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// The objects it creates.
    #[serde(default)]
    pub objects: Vec<Object>,
    /// What to send, in this order.
    #[serde(rename = "requests")]
    pub calls: Vec<ServerCall>,
}

/// A server that things can be changed in by hand.
pub trait Target {
    /// Sends a request that must succeed.
    fn send(&self, call: &ServerCall) -> Result<()>;
}

/// Reads a list of drifts, and checks that its names are unique and that every entry says what it is about.
pub fn read(path: &Path) -> Result<Vec<Drift>> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let drifts: Vec<Drift> = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let mut names = BTreeSet::new();
    for drift in &drifts {
        let Drift { name, kind, addresses, objects, calls } = drift;
        ensure!(names.insert(name), "{}: two drifts are named {name:?}", path.display());
        let is_complete = match kind {
            Kind::Changed | Kind::Missing => !addresses.is_empty() && objects.is_empty(),
            Kind::Unmanaged => !objects.is_empty() && addresses.is_empty(),
            Kind::Noise => objects.is_empty(),
        };
        ensure!(is_complete && !calls.is_empty(), "{}: {name:?} lacks or confuses its objects", path.display());
    }
    Ok(drifts)
}

/// Makes the changes of a drift.
pub fn inject(target: &dyn Target, drift: &Drift) -> Result<()> {
    for call in &drift.calls {
        target.send(call).with_context(|| format!("the drift {:?}", drift.name))?;
    }
    Ok(())
}

/// Draws at most so many drifts and so many noises, no two of which touch the same object.
///
/// The same seed draws the same ones of the same list.
pub fn draw(drifts: &[Drift], seed: u64, n_drifts: usize, n_noises: usize) -> Vec<&Drift> {
    let mut shuffled: Vec<&Drift> = drifts.iter().collect();
    let mut random = SplitMix(seed);
    for last in (1..shuffled.len()).rev() {
        shuffled.swap(last, (random.next() % (last as u64 + 1)) as usize);
    }
    let (mut n_drifts, mut n_noises) = (n_drifts, n_noises);
    let mut touched = BTreeSet::new();
    let mut drawn = Vec::new();
    for drift in shuffled {
        let left = if drift.kind == Kind::Noise { &mut n_noises } else { &mut n_drifts };
        if *left == 0 || drift.touches().any(|object| touched.contains(object)) {
            continue;
        }
        *left -= 1;
        touched.extend(drift.touches());
        drawn.push(drift);
    }
    drawn
}

impl Drift {
    /// Lists what it touches: addresses, and ids of objects without one.
    fn touches(&self) -> impl Iterator<Item = &str> {
        self.addresses.iter().chain(self.objects.iter().map(|object| &object.id)).map(String::as_str)
    }
}

/// Steele, Lea and Flood's generator: a few lines, and the same numbers everywhere.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    /// Draws a number below another.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drift(name: &str, kind: Kind, addresses: &[&str]) -> Drift {
        let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
        Drift { name: name.to_owned(), kind, addresses, objects: Vec::new(), calls: Vec::new() }
    }

    #[test]
    fn a_seed_draws_the_same_drifts_and_no_object_twice() {
        let drifts = [
            drift("a", Kind::Changed, &["x.one"]),
            drift("b", Kind::Missing, &["x.one", "x.two"]),
            drift("c", Kind::Changed, &["x.two"]),
            drift("d", Kind::Noise, &["x.three"]),
            drift("e", Kind::Noise, &[]),
        ];
        let names = |seed, n_drifts, n_noises| -> BTreeSet<&str> {
            draw(&drifts, seed, n_drifts, n_noises).iter().map(|drift| drift.name.as_str()).collect()
        };
        let all: BTreeSet<BTreeSet<&str>> = (0..50).map(|seed| names(seed, 9, 9)).collect();
        assert_eq!(all, BTreeSet::from([["a", "c", "d", "e"].into(), ["b", "d", "e"].into()]));
        assert_eq!(names(7, 1, 1), names(7, 1, 1));
        assert_eq!(names(7, 0, 1).len(), 1);
    }

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut random = SplitMix(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}
