//! Verdicts compared with those of hashicorp/hcl: on a corpus of our own, and on mutations of it.

pub(crate) mod corpus;

use std::collections::BTreeSet;

use hcl::{File, json};
use xtask::hclsyntax::{Language, verdicts};

/// How many mutations of each text of the corpus are tried.
const N_MUTATIONS: usize = 60;

/// Tells what is wrong with a text, after making sure that nothing of it is lost.
fn ours(language: Language, text: &[u8]) -> Result<(), String> {
    let problems = match (language, std::str::from_utf8(text)) {
        (Language::Native, _) => {
            let (file, problems) = File::parse_bytes("input", text);
            let joined: Vec<u8> =
                file.tokens().iter().flat_map(|token| &file.bytes()[token.range()]).copied().collect();
            assert_eq!(joined, text, "every byte is in a token");
            problems
        }
        (_, Err(_)) => return Err("not UTF-8".to_owned()),
        (Language::Json, Ok(text)) => {
            let root = json::parse(text).map_err(|problem| problem.detail)?;
            let is_body = root.as_object().is_some() || root.as_array().is_some();
            return if is_body { Ok(()) } else { Err("neither object nor array".to_owned()) };
        }
        (Language::Template, Ok(text)) => {
            return hcl::expression::parse_template("input", text).map(|_| ()).map_err(|problem| problem.to_string());
        }
    };
    problems.first().map_or(Ok(()), |problem| Err(problem.to_string()))
}

/// Compares verdicts and names every difference.
fn compare(texts: &[(Language, Vec<u8>)]) {
    let questions: Vec<(Language, &[u8])> = texts.iter().map(|(language, text)| (*language, text.as_slice())).collect();
    let Some(theirs) = verdicts(&questions) else { return };
    let mut differences = Vec::new();
    for ((language, text), theirs) in questions.iter().zip(theirs) {
        let own = ours(*language, text);
        // hclsyntax passes over half a character between two tokens, and in JSON; what was meant is not known, so we
        // refuse it.
        let is_half = own.as_ref().is_err_and(|problem| problem.contains("UTF-8"));
        // Its numbers have exponents that ours, which are bounded so that none takes memory without end, do not have.
        let is_huge = own.as_ref().is_err_and(|problem| problem.contains("too large or too close to zero"));
        if own.is_ok() != theirs.is_ok() && !is_half && !is_huge {
            differences.push(format!(
                "{language:?} {:?}\n  hclsyntax: {theirs:?}\n  ours: {own:?}",
                String::from_utf8_lossy(text)
            ));
        }
    }
    let n_differences = differences.len();
    differences.truncate(20);
    assert_eq!(n_differences, 0, "of {}:\n{}", texts.len(), differences.join("\n"));
}

#[test]
fn the_corpus_has_the_verdicts_of_hclsyntax() {
    let texts: Vec<(Language, Vec<u8>)> =
        corpus::all().into_iter().map(|(language, text)| (language, text.to_vec())).collect();
    // A corpus that is all right, or all wrong, would show little.
    let n_accepted = texts.iter().filter(|(language, text)| ours(*language, text).is_ok()).count();
    assert!(n_accepted > texts.len() / 4 && n_accepted < texts.len() * 3 / 4, "{n_accepted} of {}", texts.len());
    compare(&texts);
}

#[test]
fn mutations_of_the_corpus_have_the_verdicts_of_hclsyntax() {
    let n_mutations = std::env::var("DRIFTMGR_HCL_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(N_MUTATIONS);
    let seed = std::env::var("DRIFTMGR_HCL_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let mut random = Random(seed);
    let corpus = corpus::all();
    let mut seen = BTreeSet::new();
    let mut texts = Vec::new();
    for (language, text) in &corpus {
        for _ in 0..n_mutations {
            let mutated = mutate(text, &corpus, &mut random);
            if seen.insert(mutated.clone()) {
                texts.push((*language, mutated));
            }
        }
    }
    for texts in texts.chunks(20_000) {
        compare(texts);
    }
}

/// A small generator of numbers that are the same in every run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit.max(1) as u64).unwrap()
    }
}

/// Splits a text where a mutation may cut it: into the pieces that our lexer finds, or bytes.
fn pieces(text: &[u8]) -> Vec<Vec<u8>> {
    match std::str::from_utf8(text) {
        Ok(text) => hcl::lex::tokenize(text).iter().map(|token| text.as_bytes()[token.range()].to_vec()).collect(),
        Err(_) => text.iter().map(|byte| vec![*byte]).collect(),
    }
}

fn mutate(text: &[u8], corpus: &[(Language, &[u8])], random: &mut Random) -> Vec<u8> {
    let mut parts = pieces(text);
    for _ in 0..=random.below(2) {
        let at = random.below(parts.len().max(1)).min(parts.len());
        match random.below(7) {
            0 if !parts.is_empty() => drop(parts.remove(at)),
            1 if parts.len() > 1 => {
                let other = random.below(parts.len());
                parts.swap(at, other);
            }
            2 if !parts.is_empty() => parts.insert(at, parts[at].clone()),
            3 => {
                let (_, other) = corpus[random.below(corpus.len())];
                let other = pieces(other);
                if !other.is_empty() {
                    parts.insert(at, other[random.below(other.len())].clone());
                }
            }
            4 if !parts.is_empty() => {
                let n_bytes = random.below(parts[at].len() + 1);
                parts[at].truncate(n_bytes);
            }
            5 => {
                // A run of pieces of another text.
                let (_, other) = corpus[random.below(corpus.len())];
                let other = pieces(other);
                let start = random.below(other.len());
                let end = (start + random.below(6)).min(other.len());
                for piece in other.get(start..end).unwrap_or_default().iter().rev() {
                    parts.insert(at, piece.clone());
                }
            }
            _ => parts.insert(at, corpus::PIECES[random.below(corpus::PIECES.len())].to_vec()),
        }
    }
    parts.concat()
}
