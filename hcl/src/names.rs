//! Names for resources that get code: stable, free of collisions, and the same whatever the order of the objects.

use std::collections::{BTreeMap, BTreeSet};

/// How many characters a name has at most, its suffix apart.
const MAX_CHARS: usize = 48;
/// Words that would be confusing as names.
const RESERVED: &[&str] = &[
    "count",
    "data",
    "each",
    "false",
    "for",
    "for_each",
    "if",
    "in",
    "local",
    "locals",
    "module",
    "null",
    "path",
    "self",
    "terraform",
    "true",
    "var",
];

/// What an object is called, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidates<'a> {
    /// Its `Name` tag.
    pub tag: Option<&'a str>,
    /// Its name.
    pub name: Option<&'a str>,
    /// Its id: it tells objects of one type apart.
    pub id: &'a str,
}

/// Suggests a label for each object of one resource type.
///
/// Objects that would have the same label, or one that exists, get a suffix made of their id: which one an object gets
/// depends on no order, and labels given before stay when they are passed as `existing`.
///
/// ```
/// use std::collections::BTreeSet;
/// use hcl::names::{Candidates, suggest};
/// let objects = [
///     Candidates { tag: Some("Web Server"), name: None, id: "i-1" },
///     Candidates { tag: None, name: Some("2ndQueue"), id: "q" },
/// ];
/// assert_eq!(suggest(&BTreeSet::new(), &objects), ["web_server", "r_2nd_queue"]);
/// ```
pub fn suggest(existing: &BTreeSet<String>, objects: &[Candidates<'_>]) -> Vec<String> {
    let bases: Vec<String> = objects.iter().map(base).collect();
    let mut n_of_base: BTreeMap<&str, usize> = BTreeMap::new();
    for base in &bases {
        *n_of_base.entry(base).or_default() += 1;
    }
    // Where suffixes collide too, the order of the ids decides.
    let mut order: Vec<usize> = (0..objects.len()).collect();
    order.sort_by_key(|index| (objects[*index].id, *index));
    let mut taken = existing.clone();
    // A label that needs no suffix is never taken away by one that does.
    taken.extend(bases.iter().filter(|base| n_of_base[base.as_str()] == 1).cloned());
    let mut labels = vec![String::new(); objects.len()];
    for index in order {
        let base = &bases[index];
        let is_alone = n_of_base[base.as_str()] == 1 && !existing.contains(base);
        let mut label = if is_alone { base.clone() } else { format!("{base}_{}", suffix(objects[index].id, 0)) };
        let mut round = 0;
        while !is_alone && taken.contains(&label) {
            round += 1;
            label = format!("{base}_{}", suffix(objects[index].id, round));
        }
        taken.insert(label.clone());
        labels[index] = label;
    }
    labels
}

fn base(object: &Candidates<'_>) -> String {
    [object.tag, object.name, Some(object.id)]
        .into_iter()
        .flatten()
        .map(snake_case)
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| "resource".to_owned())
}

/// Writes a text in snake case with ASCII letters and digits only; empty where nothing is left.
fn snake_case(text: &str) -> String {
    let mut name = String::new();
    let mut is_after_lower = false;
    for c in text.chars() {
        let plain = to_ascii(c);
        if plain.is_empty() {
            is_after_lower = false;
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            continue;
        }
        if c.is_uppercase() && is_after_lower {
            name.push('_');
        }
        is_after_lower = c.is_lowercase() || c.is_ascii_digit();
        name.push_str(&plain.to_ascii_lowercase());
        if name.len() >= MAX_CHARS {
            break;
        }
    }
    let name = name.trim_matches('_');
    if name.is_empty() {
        return String::new();
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) || RESERVED.contains(&name) {
        return format!("r_{name}");
    }
    name.to_owned()
}

/// Gives ASCII letters or digits that stand for a character; none where nothing does.
fn to_ascii(c: char) -> String {
    if c.is_ascii_alphanumeric() {
        return c.to_string();
    }
    let plain = match c {
        'à'..='ã' | 'å' | 'À'..='Ã' | 'Å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'Ä' | 'æ' | 'Æ' => "ae",
        'ç' | 'Ç' | 'ć' | 'č' | 'Ć' | 'Č' => "c",
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'ę' | 'ě' => "e",
        'ì'..='ï' | 'Ì'..='Ï' => "i",
        'ł' | 'Ł' => "l",
        'ñ' | 'Ñ' | 'ń' | 'ň' => "n",
        'ò'..='õ' | 'Ò'..='Õ' | 'ø' | 'Ø' => "o",
        'ö' | 'Ö' | 'œ' => "oe",
        'ř' => "r",
        'ß' => "ss",
        'ś' | 'š' | 'Ś' | 'Š' => "s",
        'ù'..='û' | 'Ù'..='Û' | 'ů' => "u",
        'ü' | 'Ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' | 'Ź' | 'Ż' | 'Ž' => "z",
        _ => "",
    };
    plain.to_owned()
}

/// Makes eight hexadecimal digits of a text and a round.
///
/// Source: the 64-bit FNV-1a hash, folded.
fn suffix(text: &str, round: u32) -> String {
    let bytes = text.bytes().chain(round.to_le_bytes().into_iter().filter(|_| round > 0));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:08x}", (hash >> 32) as u32 ^ hash as u32)
}
