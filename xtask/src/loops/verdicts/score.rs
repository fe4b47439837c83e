//! Compares what was found with what was drawn, row by row.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::draw::{Drawn, Facet};

/// Tiers of differences that nobody is asked to look at.
const ASIDE: &[&str] = &["explained", "ignored", "runtime", "schema_added", "unreadable"];

/// What must be found at one place.
#[derive(Clone, Debug)]
struct Expected {
    kind: &'static str,
    /// What was done, in words.
    row: &'static str,
    address: String,
    /// The argument; none where the instance as a whole is meant.
    path: Option<String>,
    /// How the import id ends, where no address names the object.
    id: Option<String>,
    propagated_from: Option<String>,
    fails: bool,
    /// How it meets the change, where it does.
    impact: Option<&'static str>,
}

/// A finding of a report.
#[derive(Debug)]
struct Found {
    kind: String,
    address: String,
    id: String,
    fails: bool,
    impact: Option<String>,
    /// Path, tier and source of each difference.
    attributes: Vec<(String, String, Option<String>)>,
}

/// How well one row was found.
#[derive(Default)]
struct Row {
    expected: usize,
    reported: usize,
    right: usize,
}

/// Prints how exact `drift` was, and counts the mistakes.
pub(super) fn print_drift(drawn: &[Drawn<'_>], report: &Value, lists: bool) -> Result<usize> {
    let found = read(&report["findings"])?;
    let expected: Vec<Expected> = drawn.iter().flat_map(expectations).collect();
    Ok(print("driftmgr drift", drawn, &expected, &found, lists))
}

/// Prints how exact `check` was, and counts the mistakes.
pub(super) fn print_check(drawn: &[Drawn<'_>], document: &Value) -> Result<usize> {
    let roots = document["roots"].as_array().context("the check has no list \"roots\"")?;
    let mut found = Vec::new();
    for root in roots {
        found.extend(read(root.get("findings").unwrap_or(&root["report"]["findings"]))?);
    }
    let mut expected: Vec<Expected> = drawn.iter().flat_map(expectations).collect();
    // Nobody asks a check what is managed by nobody.
    expected.retain(|expected| expected.kind != "unmanaged");
    let of_change = Touched::of(drawn);
    for expected in &mut expected {
        of_change.judge(expected);
    }
    let mut n_wrong = print("driftmgr check", drawn, &expected, &found, false);
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    // Several arguments of one finding meet the change as the finding does.
    let meets: BTreeSet<(&str, &str)> =
        expected.iter().map(|expected| (expected.kind, expected.address.as_str())).collect();
    for (kind, address) in meets {
        let impacts: Vec<Option<&str>> =
            expected.iter().filter(|it| it.kind == kind && it.address == address).map(|it| it.impact).collect();
        let expected =
            ["destroys", "collides", "reverts", "touches"].into_iter().find(|it| impacts.contains(&Some(*it)));
        let Some(found) = found.iter().find(|found| found.kind == kind && found.address == address) else { continue };
        let said = found.impact.as_deref();
        rows.entry(expected.unwrap_or("beside the change")).or_default().expected += 1;
        let reported = match said {
            Some(said) => {
                ["destroys", "collides", "reverts", "touches"].into_iter().find(|it| *it == said).unwrap_or("?")
            }
            None => "beside the change",
        };
        rows.entry(reported).or_default().reported += 1;
        if said == expected {
            rows.entry(reported).or_default().right += 1;
        } else {
            println!("    wrong impact: {address}, {kind}: {said:?}, not {expected:?}");
            n_wrong += 1;
        }
    }
    print_rows("how it meets the change", &rows);
    Ok(n_wrong)
}

fn expectations(drawn: &Drawn<'_>) -> Vec<Expected> {
    let kinds = drawn.kinds();
    kinds.into_iter().flat_map(|(kind, path)| expectations_of(drawn, kind, path)).collect()
}

fn expectations_of(drawn: &Drawn<'_>, kind: &'static str, path: Option<&str>) -> Vec<Expected> {
    let site = drawn.site;
    let fails = !matches!(kind, "pending" | "stale" | "unmanaged");
    let expected = |address: &String| Expected {
        kind,
        row: drawn.row,
        address: address.clone(),
        path: path.map(str::to_owned),
        id: site.id.clone().filter(|_| kind == "unmanaged"),
        propagated_from: None,
        fails,
        impact: None,
    };
    let mut all: Vec<Expected> = site.addresses.iter().map(expected).collect();
    for follower in &site.followers {
        all.push(Expected {
            path: Some(follower.path.clone()),
            propagated_from: site.addresses.first().cloned(),
            ..expected(&follower.address)
        });
    }
    all
}

/// What the change is about.
struct Touched<'a> {
    /// Arguments, by the address.
    paths: BTreeMap<&'a str, Vec<&'a str>>,
    created: BTreeSet<&'a str>,
    removed: BTreeSet<&'a str>,
}

impl<'a> Touched<'a> {
    fn of(drawn: &'a [Drawn<'a>]) -> Self {
        let mut touched = Self { paths: BTreeMap::new(), created: BTreeSet::new(), removed: BTreeSet::new() };
        for drawn in drawn.iter().filter(|drawn| drawn.is_touched()) {
            let site = drawn.site;
            let addresses = site.addresses.iter().map(String::as_str);
            let Some(path) = &site.path else {
                let list = if drawn.text(Facet::Code) == 0 { &mut touched.created } else { &mut touched.removed };
                list.extend(addresses);
                continue;
            };
            for address in addresses {
                touched.paths.entry(address).or_default().push(path);
            }
            for follower in &site.followers {
                touched.paths.entry(&follower.address).or_default().push(&follower.path);
            }
        }
        touched
    }

    /// Says how the change meets what is expected, and whether that fails then.
    fn judge(&self, expected: &mut Expected) {
        let address = expected.address.as_str();
        let paths = self.paths.get(address);
        let is_removed = self.removed.contains(address);
        if expected.kind == "orphan" && is_removed {
            expected.kind = "pending_destroy";
            expected.fails = false;
        }
        if expected.kind == "dangling" && is_removed {
            expected.fails = false;
        }
        let is_undone = matches!(expected.kind, "changed" | "collision");
        let meets_path = paths.is_some_and(|paths| paths.iter().any(|path| expected.path.as_deref() == Some(*path)));
        expected.impact = if is_removed {
            Some("destroys")
        } else if is_undone && meets_path || expected.kind == "not_imported" && self.created.contains(address) {
            Some("collides")
        } else if paths.is_some() {
            Some(if is_undone { "reverts" } else { "touches" })
        } else {
            None
        };
        expected.fails &= expected.impact.is_some();
    }
}

fn read(findings: &Value) -> Result<Vec<Found>> {
    let findings = findings.as_array().context("the report has no list \"findings\"")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let optional = |value: &Value| value.as_str().map(str::to_owned);
    let attribute = |it: &Value| (text(&it["path"]), text(&it["tier"]), optional(&it["propagated_from"]));
    let told = findings.iter().filter(|finding| finding["folded"].is_null());
    let found = told.map(|finding| Found {
        kind: text(&finding["kind"]),
        address: text(&finding["address"]),
        id: text(&finding["id"]),
        fails: finding["fails"] == true,
        impact: optional(&finding["impact"]),
        attributes: finding["attributes"].as_array().into_iter().flatten().map(attribute).collect(),
    });
    Ok(found.collect())
}

/// Tells whether two paths are the same, or one leads to the other.
fn agree(one: &str, other: &str) -> bool {
    let leads = |one: &str, other: &str| {
        other.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    leads(one, other) || leads(other, one)
}

impl Expected {
    fn is(&self, found: &Found) -> bool {
        found.kind == self.kind
            && match &self.id {
                Some(id) => found.id.ends_with(id.as_str()),
                None => found.address == self.address,
            }
    }

    fn is_at(&self, path: &str) -> bool {
        self.path.as_deref().is_some_and(|own| agree(own, path))
    }
}

fn print(title: &str, drawn: &[Drawn<'_>], expected: &[Expected], found: &[Found], lists: bool) -> usize {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut mistakes = Vec::new();
    let kinds: BTreeSet<&str> =
        expected.iter().map(|it| it.kind).chain(found.iter().map(|it| it.kind.as_str())).collect();
    for expected in expected {
        let of_kind: Vec<&Found> = found.iter().filter(|found| expected.is(found)).collect();
        let at = |found: &&&Found| match &expected.path {
            None => true,
            Some(_) => found.attributes.iter().any(|(path, tier, _)| tier == "declared" && expected.is_at(path)),
        };
        let is_right = of_kind.iter().any(|found| at(&found));
        let row = rows.entry(expected.kind).or_default();
        row.expected += 1;
        row.right += usize::from(is_right);
        if !is_right {
            let said: Vec<String> = found.iter().filter(|it| it.address == expected.address).map(short).collect();
            mistakes.push(format!("overlooked: {}; said: {said:?}", short_expected(expected)));
        }
        if is_right && of_kind.iter().any(|found| found.fails != expected.fails && expected.path.is_none()) {
            mistakes.push(format!(
                "wrong code: {} must {}fail",
                short_expected(expected),
                if expected.fails { "" } else { "not " }
            ));
        }
        if let Some(source) = &expected.propagated_from {
            let row = rows.entry("propagated").or_default();
            row.expected += 1;
            let is_named = of_kind.iter().any(|found| {
                found.attributes.iter().any(|(path, _, from)| expected.is_at(path) && from.as_ref() == Some(source))
            });
            row.right += usize::from(is_named);
            if !is_named && is_right {
                mistakes.push(format!("{} does not name {source}", short_expected(expected)));
            }
        }
    }
    let along: BTreeMap<&str, Vec<&str>> = along(drawn);
    for found in found {
        let own: Vec<&Expected> = expected.iter().filter(|expected| expected.is(found)).collect();
        if found.kind == "undetermined" {
            mistakes.push(format!("undetermined: {}", found.address));
            continue;
        }
        if found.attributes.is_empty() {
            if found.kind == "unmanaged" && own.is_empty() || found.kind == "managed_elsewhere" {
                // What the account was born with, and what noise left, is nobody's.
                continue;
            }
            rows.entry(kinds.get(found.kind.as_str()).copied().unwrap_or("?")).or_default().reported += 1;
            if own.is_empty() {
                mistakes.push(format!("invented: {}", short(found)));
            }
            continue;
        }
        let beside = along.get(found.address.as_str());
        let mut counted = BTreeSet::new();
        for (path, tier, from) in &found.attributes {
            let at: Vec<&&Expected> = own.iter().filter(|expected| expected.is_at(path)).collect();
            let is_aside = ASIDE.contains(&tier.as_str())
                || beside.is_some_and(|beside| beside.iter().any(|beside| agree(beside, path)));
            if at.is_empty() && is_aside {
                continue;
            }
            let name = at.first().and_then(|at| at.path.as_deref()).unwrap_or(path);
            if counted.insert(name.to_owned()) {
                rows.entry(kinds.get(found.kind.as_str()).copied().unwrap_or("?")).or_default().reported += 1;
                if from.is_some() {
                    rows.entry("propagated").or_default().reported += 1;
                }
                if at.is_empty() {
                    mistakes.push(format!("invented: {path} ({tier}) of {}", short(found)));
                } else if from.is_some() && at.iter().all(|at| at.propagated_from.is_none()) {
                    mistakes.push(format!("invented: {path} of {} follows {from:?}", short(found)));
                }
            }
        }
        let must_fail = own.iter().any(|expected| expected.fails);
        if !own.is_empty() && found.fails != must_fail {
            mistakes.push(format!("wrong code: {} must {}fail", short(found), if must_fail { "" } else { "not " }));
        }
    }
    if !lists {
        rows.remove("unmanaged");
    }
    print_rows(title, &rows);
    for mistake in &mistakes {
        println!("    {mistake}");
    }
    mistakes.len()
}

/// Lists the attributes that differ along with what was done, by the address.
fn along<'a>(drawn: &'a [Drawn<'a>]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut along: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for site in drawn.iter().map(|drawn| drawn.site) {
        let followers = site.followers.iter().map(|follower| &follower.address);
        for address in site.addresses.iter().chain(followers) {
            along.entry(address).or_default().extend(site.along.iter().map(String::as_str));
        }
    }
    along
}

fn print_rows(title: &str, rows: &BTreeMap<&str, Row>) {
    let head = ["expected", "reported", "right", "precision", "recall"];
    println!("  {title:<26} {:>8} {:>8} {:>6} {:>10} {:>7}", head[0], head[1], head[2], head[3], head[4]);
    let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    for (name, Row { expected, reported, right }) in rows {
        let (precision, recall) = (share(*right.min(reported), *reported), share(*right, *expected));
        println!("  {name:<26} {expected:>8} {reported:>8} {right:>6} {precision:>10.3} {recall:>7.3}");
    }
}

fn short(found: &Found) -> String {
    let paths: Vec<&str> = found.attributes.iter().map(|(path, ..)| path.as_str()).collect();
    let name = if found.address.is_empty() { &found.id } else { &found.address };
    format!("{} {name} {}", found.kind, paths.join(", "))
}

fn short_expected(expected: &Expected) -> String {
    let path = expected.path.as_deref().unwrap_or_default();
    format!("{} {} {path} (changed {})", expected.kind, expected.address, expected.row)
}

/// Prints how terraform's two plans tell of each row, as far as their JSON does.
pub(super) fn print_terraform(drawn: &[Drawn<'_>], planned: &Value, refreshed: &Value) {
    let addresses = |document: &Value, list: &str| -> BTreeSet<String> {
        let is_change = |change: &&Value| {
            let actions = change["change"]["actions"].as_array().into_iter().flatten();
            change["mode"] == "managed" && actions.into_iter().any(|action| action != "no-op" && action != "read")
        };
        let changes = document[list].as_array().into_iter().flatten().filter(is_change);
        changes.map(|change| change["address"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let (changes, drift) = (addresses(planned, "resource_changes"), addresses(planned, "resource_drift"));
    let refreshed = addresses(refreshed, "resource_drift");
    let mut rows: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for drawn in drawn {
        let kind = drawn.kind().unwrap_or("in sync");
        for address in &drawn.site.addresses {
            if !seen.insert((kind, address)) {
                continue;
            }
            let row = rows.entry(kind).or_default();
            row[0] += 1;
            let said = match (changes.contains(address), drift.contains(address)) {
                (true, true) => 1,
                (true, false) => 2,
                (false, true) => 3,
                (false, false) => 4,
            };
            row[said] += 1;
            row[5] += usize::from(refreshed.contains(address));
        }
    }
    let head = ["instances", "both", "change", "drift", "silent", "refresh-only"];
    println!(
        "  {:<26} {:>9} {:>6} {:>7} {:>6} {:>7} {:>13}",
        "terraform plan says of", head[0], head[1], head[2], head[3], head[4], head[5]
    );
    for (kind, [n, both, change, drift, silent, refreshed]) in rows {
        println!("  {kind:<26} {n:>9} {both:>6} {change:>7} {drift:>6} {silent:>7} {refreshed:>13}");
    }
}
