//! Objects that the code already has a block for, and that were never imported: they need an import block alone.
//!
//! A block and an object belong together where what the block says of itself is in what names the object: the whole import
//! id, every attribute of its identity, or a part of the id or the ARN between delimiters. Where several are possible,
//! nothing is taken for granted; and what belongs together by name is only believed when the provider's plan agrees.

use std::collections::{BTreeMap, BTreeSet};

use cty::{Type, Value};
use drift::adopt::search::{Lessons, Solution};
use hcl::SourceTree as _;
use hcl::module::Module;
use model::{Finding, ImportId, InstanceAddress, ResourceAddress, ResourceMode, ResourceType, Schema};

use super::bench::Work;
use super::declared::{Declared, Evaluated, parse};
use super::fetch::Fetched;
use super::probe;
use crate::refresh::asking::Failure;

/// The blocks of a root module for which nothing is recorded.
pub(super) struct Unrecorded {
    /// By type.
    blocks: BTreeMap<ResourceType, Vec<ResourceAddress>>,
    /// Instances that are recorded, or on their way.
    taken: BTreeSet<InstanceAddress>,
}

/// An object that a block may be about.
#[derive(Clone, Copy)]
pub(super) struct Nameable<'a> {
    /// Its position among the findings.
    pub(super) position: usize,
    pub(super) finding: &'a Finding,
    /// The provider configuration that would import it, where that is not the default one.
    pub(super) provider: Option<&'a str>,
    /// Whether the region must be named with it.
    pub(super) is_region_in_id: bool,
}

/// What belongs together.
#[derive(Default)]
pub(super) struct Matches {
    /// By the position of the object.
    pub(super) by_position: BTreeMap<usize, Match>,
    /// Why blocks were not matched, a sentence each.
    pub(super) notes: Vec<String>,
}

/// A block's instance that belongs to an object.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) evaluated: Evaluated,
    /// Whether a person chose it: then there is no other way to adopt the object.
    pub(super) is_chosen: bool,
    /// What names the object: its arguments are compared with it once more when the object is read.
    pub(super) names: BTreeSet<String>,
}

/// How well a block's arguments name an object; the greater one is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Evidence {
    strength: Strength,
    n_arguments: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// A part of the ARN.
    ArnPart,
    /// A part of the import id.
    IdPart,
    /// The import id, or the identity.
    Whole,
}

impl Unrecorded {
    /// Finds the blocks of types that objects have.
    pub(super) fn find(
        declared: &Declared,
        recorded: &BTreeSet<&InstanceAddress>,
        types: &BTreeSet<&ResourceType>,
    ) -> Self {
        let mut unrecorded =
            Self { blocks: BTreeMap::new(), taken: recorded.iter().map(|address| (*address).clone()).collect() };
        let Some(root) = declared.root() else { return unrecorded };
        // Import blocks for these are written already.
        unrecorded.taken.extend(root.imports.iter().filter_map(|import| import.address.clone()));
        let moved = moved(declared, root);
        for resource in &root.resources {
            let address = &resource.address;
            let is_moving = moved.iter().any(|to| names_resource(to, address));
            let is_repeatedly_imported =
                root.imports.iter().any(|import| import.address.is_none() && names_resource(&import.to, address));
            if address.mode == ResourceMode::Managed
                && types.contains(&address.resource_type)
                && !is_moving
                && !is_repeatedly_imported
            {
                unrecorded.blocks.entry(address.resource_type.clone()).or_default().push(address.clone());
            }
        }
        unrecorded
    }

    /// Matches the objects of one type that one provider knows with blocks.
    pub(super) fn matches(
        &self,
        declared: &Declared,
        resource_type: &ResourceType,
        schema: &Schema,
        objects: &[Nameable<'_>],
    ) -> Matches {
        let mut matches = Matches::default();
        let mut instances = Vec::new();
        for address in self.blocks.get(resource_type).into_iter().flatten() {
            match declared.instances(address, schema) {
                Ok(all) => instances.extend(all.into_iter().filter(|one| !self.taken.contains(&one.address))),
                Err(reason) => matches
                    .notes
                    .push(format!("{address} is not recorded, and cannot be compared with what exists. {reason}")),
            }
        }
        let of_instance: Vec<Vec<(usize, Evidence)>> = instances.iter().map(|one| best_objects(one, objects)).collect();
        let mut n_claims: BTreeMap<usize, Vec<(usize, Evidence)>> = BTreeMap::new();
        for (instance, best) in of_instance.iter().enumerate() {
            for (object, evidence) in best {
                n_claims.entry(*object).or_default().push((instance, *evidence));
            }
        }
        for (instance, best) in of_instance.iter().enumerate() {
            let address = &instances[instance].address;
            let name = |object: usize| objects[object].finding.id.as_ref().map(ImportId::to_string).unwrap_or_default();
            let (object, evidence) = match best[..] {
                [] => continue,
                [only] => only,
                _ => {
                    let ids: Vec<String> = best.iter().map(|(object, _)| name(*object)).collect();
                    matches.notes.push(format!(
                        "{address} is not recorded, and may be any of {}: name the right one in the mapping file.",
                        ids.join(", ")
                    ));
                    continue;
                }
            };
            let rivals = n_claims[&object].iter().filter(|(other, theirs)| *other != instance && *theirs >= evidence);
            let rivals: Vec<String> = rivals.map(|(other, _)| instances[*other].address.to_string()).collect();
            if !rivals.is_empty() {
                matches.notes.push(format!(
                    "{} may be {address} as well as {}: name the right one in the mapping file.",
                    name(object),
                    rivals.join(", ")
                ));
                continue;
            }
            let names = all_names(objects[object].finding);
            let found = Match { evaluated: instances[instance].clone(), is_chosen: false, names };
            matches.by_position.insert(objects[object].position, found);
        }
        matches
    }
}

impl Match {
    /// Says what speaks against a match once the object was read, as a sentence.
    pub(super) fn contradiction(&self, observed: &Value) -> Option<String> {
        if self.is_chosen {
            return None;
        }
        let mut is_named = false;
        for (name, said) in texts(&self.evaluated.config) {
            let Ok(is) = observed.get_attr(&name) else { continue };
            let Some(is) = is.as_str().filter(|is| self.names.contains(*is)) else { continue };
            if is != said {
                return Some(format!("Its code says another {name}."));
            }
            is_named = true;
        }
        (!is_named).then(|| "What its code says of its name is not what the provider reads.".to_owned())
    }
}

/// Gives everything that may name an object: its id, its identity, and the parts of id and ARN.
fn all_names(finding: &Finding) -> BTreeSet<String> {
    let id = finding.id.as_ref().map(ImportId::as_str).unwrap_or_default();
    let identity = finding.identity.iter().flat_map(|identity| identity.value.entries());
    let identity = identity.filter_map(|(_, value)| value.as_str());
    let names = std::iter::once(id).chain(parts(id)).chain(finding.arn.as_deref().map(arn_parts).unwrap_or_default());
    names.chain(identity).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Asks the provider whether the object is what a block says: a configuration that needs nothing but an import, or what
/// the next apply would change. The reason why the block is not taken for the object's is in sentences.
pub(super) async fn confirm(
    work: &mut Work,
    resource_type: &str,
    schema: &Schema,
    fetched: &Fetched,
    found: &Match,
) -> Result<Result<Solution, String>, Failure> {
    let observed = &fetched.object.value;
    if let Some(reason) = found.contradiction(observed) {
        return Ok(Err(reason));
    }
    let evaluated = &found.evaluated;
    let asked = evaluated.probe(schema, observed);
    let answer = probe::answer(work, resource_type, schema, &fetched.object, &asked).await?;
    let flaws = match evaluated.judge(schema, observed, &answer) {
        Ok(flaws) => flaws,
        Err(reason) => return Ok(Err(reason)),
    };
    let replacing: Vec<String> =
        flaws.iter().filter(|flaw| flaw.replaces).map(|flaw| format!("{}: {}", flaw.path, flaw.why)).collect();
    if !replacing.is_empty() {
        return Ok(Err(format!("The next apply would replace the object. {}", replacing.join(" "))));
    }
    Ok(Ok(Solution {
        config: evaluated.config.clone(),
        flaws,
        secrets: Vec::new(),
        json: Vec::new(),
        ignore_changes: Vec::new(),
        n_probes: 1,
        learned: Lessons::default(),
    }))
}

/// Gives the objects that an instance's arguments name best.
fn best_objects(instance: &Evaluated, objects: &[Nameable<'_>]) -> Vec<(usize, Evidence)> {
    let named: Vec<(usize, Evidence)> = objects
        .iter()
        .enumerate()
        .filter_map(|(position, object)| Some((position, evidence(instance, object)?)))
        .collect();
    let best = named.iter().map(|(_, evidence)| *evidence).max();
    named.into_iter().filter(|(_, evidence)| Some(*evidence) == best).collect()
}

/// Tells how well the arguments of an instance name an object; `None` where they do not, or name another one.
fn evidence(instance: &Evaluated, object: &Nameable<'_>) -> Option<Evidence> {
    let finding = object.finding;
    let id = finding.id.as_ref()?.as_str();
    let config = instance.config.unmark_deep().0;
    let arguments = texts(&config);
    let named = instance.provider.as_deref();
    // The provider without an alias needs no name.
    let prefix = instance.address.resource_type().as_str().split('_').next().unwrap_or_default();
    if named.filter(|named| *named != prefix) != object.provider {
        return None;
    }
    let places =
        [finding.account.as_ref().map(model::AccountId::as_str), finding.region.as_ref().map(model::Region::as_str)];
    let is_place = |text: &str| places.contains(&Some(text));
    if object.is_region_in_id && !arguments.iter().any(|(name, text)| name == "region" && places[1] == Some(text)) {
        return None;
    }
    let mut n_equal = 0;
    let mut n_open = 0;
    for (name, part) in finding.identity.iter().flat_map(|identity| identity.value.entries()) {
        let Some(part) = part.as_str().filter(|part| !is_place(part)) else { continue };
        match config.get_attr(name).ok().filter(|said| said.is_known() && !said.is_null()) {
            Some(said) if said.as_str() == Some(part) => n_equal += 1,
            Some(_) => return None,
            None => n_open += 1,
        }
    }
    if n_equal > 0 && n_open == 0 {
        return Some(Evidence { strength: Strength::Whole, n_arguments: n_equal });
    }
    let arguments: Vec<&String> =
        arguments.iter().filter(|(name, text)| name != "region" && !is_place(text)).map(|(_, text)| text).collect();
    let count = |is_named: &dyn Fn(&str) -> bool| arguments.iter().filter(|text| is_named(text)).count();
    let (in_id, in_arn) = (parts(id), finding.arn.as_deref().map(arn_parts).unwrap_or_default());
    let (n_whole, n_in_id, n_in_arn) =
        (count(&|text| text == id), count(&|text| in_id.contains(text)), count(&|text| in_arn.contains(text)));
    if n_whole > 0 {
        Some(Evidence { strength: Strength::Whole, n_arguments: n_whole })
    } else if n_in_id > 0 {
        Some(Evidence { strength: Strength::IdPart, n_arguments: n_in_id })
    } else if n_in_arn > 0 {
        Some(Evidence { strength: Strength::ArnPart, n_arguments: n_in_arn })
    } else {
        None
    }
}

/// Gives the arguments of a configuration that are texts, and known.
fn texts(config: &Value) -> Vec<(String, String)> {
    let text = |(name, value): (&str, &Value)| {
        let value = value.unmark().0;
        let is_text = *value.ty() == Type::String && value.is_known();
        let text = value.as_str().filter(|text| is_text && !text.is_empty())?;
        Some((name.to_owned(), text.to_owned()))
    };
    config.entries().filter_map(text).collect()
}

/// Gives the parts of an import id between delimiters.
fn parts(id: &str) -> BTreeSet<&str> {
    if id.starts_with("arn:") {
        return arn_parts(id);
    }
    id.split(['/', ':', '|', ',', '@', '#', ' ']).filter(|part| !part.is_empty()).collect()
}

/// Gives the parts of what an ARN says behind the account: partition, service and place name nothing.
fn arn_parts(arn: &str) -> BTreeSet<&str> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    resource.split(['/', ':', '|', ',']).filter(|part| !part.is_empty()).collect()
}

/// Gives where `moved` blocks lead: what is recorded there may still be under its former address.
fn moved(declared: &Declared, root: &Module) -> Vec<String> {
    let tree = declared.tree();
    let mut targets = Vec::new();
    for (path, _) in &root.files {
        let Some(text) = tree.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok()) else { continue };
        let file = parse(path, &text);
        let of_block = |block| Some(file.source(&hcl::syntax::Body::attribute(block, "to")?.expression));
        let moved = file.body.blocks.iter().filter(|block| block.block_type == "moved");
        targets.extend(moved.filter_map(|block| of_block(&block.body)));
    }
    targets
}

/// Tells whether an address as it is written means a resource, or an instance of it.
fn names_resource(written: &str, resource: &ResourceAddress) -> bool {
    let rest = written.trim().strip_prefix(&resource.to_string());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_an_object_stands_between_delimiters() {
        let check = |parts: BTreeSet<&str>, expected: &[&str]| {
            assert_eq!(parts, expected.iter().copied().collect());
        };
        check(parts("jobs"), &["jobs"]);
        check(
            parts("https://sqs.eu-central-1.amazonaws.com/1/jobs"),
            &["https", "sqs.eu-central-1.amazonaws.com", "1", "jobs"],
        );
        check(parts("r/admin:policy"), &["r", "admin", "policy"]);
        check(parts("arn:aws:sns:eu-central-1:1:alerts"), &["alerts"]);
        check(arn_parts("arn:aws:iam::1:role/team/admin"), &["role", "team", "admin"]);
        check(arn_parts("no arn"), &[]);
    }

    #[test]
    fn an_address_as_it_is_written_means_a_resource_or_an_instance() {
        let resource = ResourceAddress::managed("aws_vpc", "main");
        for written in ["aws_vpc.main", " aws_vpc.main[0]", "aws_vpc.main[each.key]"] {
            assert!(names_resource(written, &resource), "{written}");
        }
        for written in ["aws_vpc.mainly", "aws_vpc.other", "module.m.aws_vpc.main"] {
            assert!(!names_resource(written, &resource), "{written}");
        }
    }
}
