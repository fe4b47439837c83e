//! What holds for every input: order plays no part, the join is the one the definition says, and nothing differs from
//! itself.

mod support;

use model::Kind;
use proptest::prelude::*;
use support::World;

const REGIONS: &[Option<&str>] = &[None, Some("eu-west-1"), Some("us-east-1")];

#[derive(Clone, Debug)]
struct Entry {
    id: usize,
    region: usize,
    tag: usize,
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (0..6usize, 0..3usize, 0..2usize).prop_map(|(id, region, tag)| Entry { id, region, tag });
    proptest::collection::vec(entry, 0..12)
}

fn world(recorded: &[Entry], observed: &[Entry]) -> World {
    let mut world = World::new();
    let queues = world.scope("aws.sqs.queue", model::ScopeStatus::Complete).clone();
    let elsewhere = model::Scope { region: Some("us-east-1".into()), ..queues.scope.clone() };
    world.scopes.push(model::ScopeOutcome { scope: elsewhere, ..queues });
    for (position, entry) in recorded.iter().enumerate() {
        let attributes = format!(r#"{{"tags":{{"t":"{}"}}}}"#, entry.tag);
        world.record_with(&format!("aws_sqs_queue.q[{position}]"), &format!("q{}", entry.id), &attributes).region =
            REGIONS[entry.region].map(Into::into);
    }
    let mut seen = std::collections::BTreeSet::new();
    for entry in observed.iter().filter(|entry| entry.region > 0 && seen.insert((entry.id, entry.region))) {
        let object = world.object("aws.sqs.queue", &format!("q{}", entry.id));
        object.scope.region = REGIONS[entry.region].map(Into::into);
        object.tags = Some([("t".to_owned(), entry.tag.to_string())].into());
    }
    world
}

proptest! {
    #[test]
    fn the_order_of_the_input_never_changes_the_output(
        recorded in entries(),
        observed in entries(),
        seed in any::<u64>(),
    ) {
        let mut world = world(&recorded, &observed);
        let before = world.judge();
        let shuffle = |length: usize| {
            let mut order: Vec<usize> = (0..length).collect();
            order.sort_by_key(|position| (*position as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            order
        };
        let order = shuffle(world.recorded.len());
        world.recorded = order.iter().map(|position| world.recorded[*position].clone()).collect();
        world.attributes = order.iter().map(|position| world.attributes[*position].clone()).collect();
        let objects = shuffle(world.objects.len()).iter().map(|position| world.objects[*position].clone()).collect();
        world.scopes.reverse();
        let after = world.judge_in_order(objects);
        prop_assert_eq!(before.findings, after.findings);
        prop_assert_eq!(before.summary, after.summary);
    }

    #[test]
    fn an_instance_is_matched_as_the_definition_says(recorded in entries(), observed in entries()) {
        let world = world(&recorded, &observed);
        let verdict = world.judge();
        for instance in &world.recorded {
            let objects = || world.objects.iter().filter(|object| object.import_id == instance.id);
            let exact = objects().any(|object| object.scope.region == instance.region);
            let found = |kind: Kind| {
                verdict.findings.iter().any(|finding| {
                    finding.kind == kind && finding.address.as_ref() == Some(&instance.address)
                })
            };
            if instance.region.is_some() && exact {
                prop_assert!(!found(Kind::Missing) && !found(Kind::Undetermined));
            }
            if instance.region.is_none() {
                prop_assert!(!found(Kind::Missing), "where it lies is not known, so absence proves nothing");
            }
            if objects().next().is_none() {
                prop_assert!(found(Kind::Missing) || found(Kind::Undetermined));
            }
        }
        for object in &world.objects {
            let is_recorded = world.recorded.iter().any(|instance| {
                instance.id == object.import_id && instance.region == object.scope.region
            });
            if is_recorded {
                let is_unmanaged = verdict.findings.iter().any(|finding| {
                    finding.kind == Kind::Unmanaged
                        && finding.id == object.import_id
                        && finding.region == object.scope.region
                });
                prop_assert!(!is_unmanaged);
            }
        }
    }

    #[test]
    fn nothing_differs_from_itself(entries in entries()) {
        let mut unique = entries;
        unique.retain(|entry| entry.region > 0);
        unique.sort_by_key(|entry| (entry.id, entry.region));
        unique.dedup_by_key(|entry| (entry.id, entry.region));
        let verdict = world(&unique, &unique).judge();
        prop_assert_eq!(verdict.findings, vec![]);
        prop_assert_eq!(verdict.coverage.n_checked, unique.len() as u64);
    }

    #[test]
    fn ignore_files_never_panic(text in "[a-z:{}\\[\\]*&! \n0-9-]{0,80}") {
        let _ = drift::ignore::parse("i.yaml", &format!("version: 1\nrules:\n  - {text}"));
    }
}
