//! What a seed draws: of every place in the code, what stands there before the change, now, in the state and in the cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::drifts::SplitMix;

/// A place in the code whose text can be another: an argument's value, or whether something is there at all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    /// The file, relative to the root module.
    file: String,
    /// The resource in whose block the text is; without a text, the whole block is meant.
    block: Option<String>,
    text: Option<String>,
    /// What may stand there instead.
    #[serde(default)]
    others: Vec<String>,
    /// The argument; none where instances come and go.
    pub(super) path: Option<String>,
    /// The instances.
    pub(super) addresses: Vec<String>,
    /// Where the provider tells what the cloud has, if not at the argument: then it never knows the argument itself there.
    pub(super) seen_at: Option<String>,
    /// Arguments that refer to this one.
    #[serde(default)]
    pub(super) followers: Vec<Follower>,
    /// Attributes that differ along with it.
    #[serde(default)]
    pub(super) along: Vec<String>,
    /// How the import id ends, where somebody who lists the type would find the object.
    pub(super) id: Option<String>,
}

/// An argument that refers to another.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Follower {
    pub(super) address: String,
    pub(super) path: String,
}

/// Who has a text of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Facet {
    /// The code before the change.
    Base,
    /// The code with the change.
    Code,
    /// The state.
    State,
    /// The cloud.
    Cloud,
}

/// What was drawn for one site: which of its texts each facet has.
#[derive(Clone, Debug)]
pub(super) struct Drawn<'a> {
    pub(super) site: &'a Site,
    /// What was done, in words.
    pub(super) row: &'static str,
    texts: [usize; 4],
    pub(super) is_tainted: bool,
}

/// What can be done with an argument: the texts before the change, with it, in the state and in the cloud.
const VALUES: &[(&str, [usize; 4])] = &[
    ("nothing", [0, 0, 0, 0]),
    ("everywhere", [1, 1, 1, 1]),
    ("by hand", [0, 0, 0, 1]),
    ("by hand, and the change sets it back", [2, 0, 0, 1]),
    ("in the code, by the change", [0, 1, 0, 0]),
    ("in the code, before the change", [1, 1, 0, 0]),
    ("in state and cloud", [0, 0, 1, 1]),
    ("in code and cloud, to the same", [0, 1, 0, 1]),
    ("in the state", [0, 0, 1, 0]),
    ("in code and cloud, to different values", [0, 1, 0, 2]),
    ("before the change in the code, and in the cloud to another value", [1, 1, 0, 2]),
    ("in state and cloud, to different values", [0, 0, 1, 2]),
];

/// What can be done with an instance: 0 is there, 1 is not.
const INSTANCES: &[(&str, [usize; 4])] = &[
    ("nothing", [0, 0, 0, 0]),
    ("deleted by hand", [0, 0, 0, 1]),
    ("removed by the change", [0, 1, 0, 0]),
    ("removed before the change", [1, 1, 0, 0]),
    ("only the state has it", [1, 1, 0, 1]),
    ("only the state has it, since the change", [0, 1, 0, 1]),
    ("only the code has it", [0, 0, 1, 1]),
    ("only the code has it, by the change", [1, 0, 1, 1]),
    (TAINTED, [0, 0, 0, 0]),
    // From here on, of what somebody lists.
    (LISTED, [0, 0, 1, 0]),
    ("made by hand, and written by the change", [1, 0, 1, 0]),
    ("only the cloud has it", [1, 1, 1, 0]),
];
const TAINTED: &str = "tainted";
const LISTED: &str = "made by hand, and written";

/// Reads the sites of a pair.
pub(super) fn read(path: &Path) -> Result<Vec<Site>> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| path.display().to_string())
}

/// Draws a row for each site.
pub(super) fn draw(sites: &[Site], seed: u64) -> Vec<Drawn<'_>> {
    let mut random = SplitMix(seed);
    let draw = |site| {
        let rows: Vec<&(&str, [usize; 4])> = if site_is_value(site) {
            VALUES.iter().filter(|(_, texts)| texts.iter().all(|text| *text <= site.others.len())).collect()
        } else {
            let first_listed = INSTANCES.iter().position(|(row, _)| *row == LISTED).unwrap_or(INSTANCES.len());
            let n_rows = if site.id.is_some() { INSTANCES.len() } else { first_listed };
            INSTANCES[..n_rows].iter().collect()
        };
        let (row, texts) = *rows[usize::try_from(random.below(rows.len() as u64)).unwrap_or_default()];
        Drawn { site, row, texts, is_tainted: row == TAINTED }
    };
    sites.iter().map(draw).collect()
}

fn site_is_value(site: &Site) -> bool {
    site.path.is_some()
}

impl Drawn<'_> {
    /// Gives which text a facet has; 0 is the one that is written down.
    pub(super) fn text(&self, facet: Facet) -> usize {
        self.texts[facet as usize]
    }

    /// Gives the kind of finding that the truth table says, where it says one.
    pub(super) fn kind(&self) -> Option<&'static str> {
        let [_, code, state, cloud] = self.texts;
        if site_is_value(self.site) {
            return match (code == state, code == cloud, state == cloud) {
                (true, true, _) => None,
                (true, false, _) => Some("changed"),
                (false, true, _) => Some("stale"),
                (false, false, true) => Some("pending"),
                (false, false, false) => Some("collision"),
            };
        }
        match [code, state, cloud].map(|text| text == 0) {
            [true, true, true] => self.is_tainted.then_some("pending"),
            [true, true, false] => Some("missing"),
            [false, true, true] => Some("orphan"),
            [true, false, true] => Some("not_imported"),
            [false, true, false] => Some("dangling"),
            [false, false, true] => Some("unmanaged"),
            [_, false, false] => None,
        }
    }

    /// Gives what must be found of an argument and where, as far as the provider lets anybody know.
    pub(super) fn kinds(&self) -> Vec<(&'static str, Option<&str>)> {
        let path = self.site.path.as_deref();
        let Some(seen_at) = self.site.seen_at.as_deref() else {
            return self.kind().map(|kind| (kind, path)).into_iter().collect();
        };
        let [_, code, state, cloud] = self.texts;
        let pending = (code != state).then_some(("pending", path));
        let changed = (cloud != state).then_some(("changed", Some(seen_at)));
        pending.into_iter().chain(changed).collect()
    }

    /// Tells whether the change is about it.
    pub(super) fn is_touched(&self) -> bool {
        self.text(Facet::Base) != self.text(Facet::Code)
    }

    /// Tells whether nothing was done anywhere.
    pub(super) fn is_untouched(&self) -> bool {
        self.texts == [0; 4] && !self.is_tainted
    }
}

/// Gives the files of the root module as one facet has them.
pub(super) fn files(
    written: &BTreeMap<String, String>,
    drawn: &[Drawn<'_>],
    facet: Facet,
) -> Result<BTreeMap<String, String>> {
    let mut files = written.clone();
    for drawn in drawn {
        let site = drawn.site;
        let text = files.get_mut(&site.file).with_context(|| format!("there is no {}", site.file))?;
        let range = match &site.block {
            Some(block) => block_range(text, block).with_context(|| format!("{} has no {block}", site.file))?,
            None => 0..text.len(),
        };
        let found = site.text.as_deref().unwrap_or(&text[range.clone()]).to_owned();
        let at: Vec<usize> = text[range.clone()].match_indices(&found).map(|(at, _)| range.start + at).collect();
        ensure!(at.len() == 1, "{found:?} is {} times in {}, not once", at.len(), site.file);
        if let Some(other) = drawn.text(facet).checked_sub(1) {
            let other = site.others.get(other).map(String::as_str).unwrap_or_default();
            text.replace_range(at[0]..at[0] + found.len(), other);
        }
    }
    Ok(files)
}

/// Finds a resource's block, as `terraform fmt` writes it.
fn block_range(text: &str, block: &str) -> Option<std::ops::Range<usize>> {
    let (resource_type, name) = block.split_once('.')?;
    let start = text.find(&format!("resource \"{resource_type}\" \"{name}\" {{"))?;
    let end = start + text[start..].find("\n}\n")? + 3;
    Some(start..end)
}

/// Lists the addresses of everything that anything was done to.
pub(super) fn touched(drawn: &[Drawn<'_>]) -> BTreeSet<String> {
    let done = drawn.iter().filter(|drawn| !drawn.is_untouched());
    let addresses = done.flat_map(|drawn| {
        let followers = drawn.site.followers.iter().map(|follower| &follower.address);
        drawn.site.addresses.iter().chain(followers)
    });
    addresses.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(json: serde_json::Value) -> Site {
        serde_json::from_value(json).expect("a site")
    }

    #[test]
    fn each_facet_has_its_own_text() {
        let written = BTreeMap::from([(
            "main.tf".to_owned(),
            "resource \"x\" \"a\" {\n  size = 1\n}\n\nresource \"x\" \"b\" {\n  size = 1\n}\n".to_owned(),
        )]);
        let value = site(serde_json::json!({
            "file": "main.tf", "block": "x.b", "text": "size = 1", "others": ["size = 2"], "path": "size",
            "addresses": ["x.b"],
        }));
        let whole = site(serde_json::json!({"file": "main.tf", "block": "x.a", "addresses": ["x.a"]}));
        let drawn = [
            Drawn { site: &value, row: "", texts: [0, 0, 0, 1], is_tainted: false },
            Drawn { site: &whole, row: "", texts: [0, 1, 0, 0], is_tainted: false },
        ];
        let files = |facet| files(&written, &drawn, facet).expect("files")["main.tf"].clone();
        assert_eq!(files(Facet::State), written["main.tf"]);
        assert_eq!(files(Facet::Code), "\nresource \"x\" \"b\" {\n  size = 1\n}\n");
        assert!(files(Facet::Cloud).ends_with("size = 2\n}\n"));
        assert_eq!(drawn.each_ref().map(Drawn::kind), [Some("changed"), Some("orphan")]);
    }

    #[test]
    fn every_row_is_drawn_sooner_or_later_and_the_same_seed_draws_the_same() {
        let value = site(serde_json::json!({
            "file": "f", "text": "a", "others": ["b", "c"], "path": "p", "addresses": ["x.a"],
        }));
        let listed = site(serde_json::json!({"file": "f", "block": "x.b", "addresses": ["x.b"], "id": "b"}));
        let sites = [value, listed];
        let rows = |seed| draw(&sites, seed).iter().map(|drawn| (drawn.row, drawn.kind())).collect::<Vec<_>>();
        let all: BTreeSet<_> = (0..500).flat_map(rows).collect();
        assert_eq!(rows(3), rows(3));
        let kinds: BTreeSet<&str> = all.iter().filter_map(|(_, kind)| *kind).collect();
        let expected =
            ["changed", "collision", "dangling", "missing", "not_imported", "orphan", "pending", "stale", "unmanaged"];
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    }
}
