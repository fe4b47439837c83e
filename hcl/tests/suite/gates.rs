//! Versions, what they may be written for, and the names that are taken.

use hcl::MemoryTree;
use hcl::gates::{Feature, Gates, Program, Requirements};
use hcl::module::Module;
use hcl::names::OccupiedNames;
use hcl::versions::{Constraints, Version};
use proptest::prelude::*;

use crate::evaluation::programs;
use crate::terraform::{succeeds, version_of};

fn tree(files: &[(&str, &str)]) -> MemoryTree {
    MemoryTree(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect())
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn requiring(constraint: &str) -> String {
    format!("terraform {{\n  required_version = {}\n}}\n", hcl::emit::quoted(constraint))
}

fn gates(files: &[(&str, &str)], found: Option<(Program, &str)>) -> Gates {
    let (requirements, problems) = Requirements::read(&tree(files), ".");
    assert!(problems.is_empty(), "{problems:?}");
    Gates::new(&requirements, found.map(|(program, text)| (program, version(text))))
}

fn allowed(gates: &Gates) -> Vec<Feature> {
    Feature::ALL.into_iter().filter(|feature| gates.allows(*feature)).collect()
}

/// Constraints, and whether versions meet them; the first column is what terraform 1.11.4 says of itself.
const CONSTRAINTS: &[&str] = &[
    ">= 1.5",
    ">= 1.5, < 2.0",
    "~> 1.11",
    "~> 1.11.0",
    "~> 1.11.5",
    "~> 1.11.4.1",
    "~>1",
    "~> 1.10",
    "~> 1.12",
    "1.11.4",
    "= 1.11.4",
    "v1.11.4",
    "1.11",
    "!= 1.11.4",
    "> 1.11.3, != 1.11.5",
    "< 1.11.4",
    "<= 1.11.4+meta",
    ">= v1.5",
    ">=1.5,<2",
    ">= 01.05",
    ">= 1.5 , <2",
    "> 1.11",
    "!= 1.11.3",
    "~> 0.12",
    "~> 2",
    "< 1.12.6",
    "~> 1.12.6",
    "1.12.6",
    "~> 1.12.5",
];
/// What is no constraint to any program.
const WRONG: &[&str] =
    &["", " ", ">= 1.5 < 2.0", "=> 1.5", "1.x", ">= 1.5,", "*", "==1.11.4", "latest", "1..5", "-1", "1.5-", ">"];
/// What both programs refuse in `required_version`.
const PRE_RELEASES: &[&str] = &[">= 1.12.0-alpha1", "~> 1.10.0-rc1", "1.11.4-rc1", ">= 1.11.0-beta2, < 1.12.0-rc1"];

#[test]
fn constraints_admit_what_the_programs_admit() {
    for program in programs() {
        let (kind, own) = version_of(&program);
        let file = if kind == Program::OpenTofu { "versions.tofu" } else { "versions.tf" };
        let admits = |text: &str| succeeds(&program, &[(file, &requiring(text))], "init");
        for text in CONSTRAINTS {
            let constraints: Constraints = text.parse().unwrap();
            assert_eq!(constraints.admits(&own), admits(text), "{kind} {own}: {text}");
        }
        for text in WRONG {
            assert!(text.parse::<Constraints>().is_err(), "{text}");
            assert!(!admits(text), "{kind}: {text}");
        }
        for text in PRE_RELEASES {
            assert!(text.parse::<Constraints>().is_ok() && !admits(text), "{kind}: {text}");
        }
        // What shared files say is for terraform.
        let is_ignored = succeeds(&program, &[("versions.tf", &requiring("< 1.0"))], "init");
        assert_eq!(is_ignored, kind == Program::OpenTofu);
        let (requirements, _) = Requirements::read(&tree(&[("versions.tf", &requiring("< 1.0"))]), ".");
        assert_eq!(requirements.admits(kind, &own), is_ignored, "{kind}");
    }
}

#[test]
fn versions_before_a_release_are_only_met_by_name() {
    let admits = |constraints: &str, text: &str| constraints.parse::<Constraints>().unwrap().admits(&version(text));
    assert!(!admits(">= 1.5", "1.6.0-beta1"));
    assert!(admits(">= 1.6.0-alpha", "1.6.0-beta1"));
    assert!(!admits(">= 1.6.0-alpha", "1.7.0-beta1"));
    assert!(admits(">= 1.6.0-alpha", "1.7.0"));
    assert!(admits("~> 1.6.0-alpha", "1.6.0-beta.2") && !admits("~> 1.6.0-alpha", "1.6.1"));
    let ordered = ["1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a", "1.0.0-a.1", "1.0.0-b", "1.0.0", "1.0.1", "1.10"];
    assert!(ordered.windows(2).all(|pair| version(pair[0]) < version(pair[1])));
}

#[test]
fn features_follow_what_is_known() {
    use Feature::{ImportBlocks, ImportForEach, ImportIdentity, ImportProvider, MovedBlocks};
    use Feature::{RemovedBlocks, WriteOnlyArguments};
    let with = |constraint: &str, found| gates(&[("main.tf", &requiring(constraint))], found);
    let first = vec![ImportBlocks, ImportProvider, MovedBlocks];
    assert_eq!(allowed(&gates(&[], None)), first);
    assert_eq!(allowed(&with(">= 1.0", None)), first);
    assert_eq!(allowed(&with("~> 1.3.0", None)), [MovedBlocks]);
    assert_eq!(allowed(&with("~> 1.0.2", None)), [] as [Feature; 0]);
    assert_eq!(allowed(&with(">= 1.7, < 2.0", None)), [ImportBlocks, ImportForEach, ImportProvider, MovedBlocks]);
    assert_eq!(allowed(&with("~> 1.7, != 1.7.0", None)), [ImportBlocks, ImportForEach, ImportProvider, MovedBlocks]);
    let all_but_modules = vec![
        ImportBlocks,
        ImportForEach,
        ImportProvider,
        ImportIdentity,
        MovedBlocks,
        RemovedBlocks,
        WriteOnlyArguments,
    ];
    assert_eq!(allowed(&with(">= 1.16", None)), all_but_modules);
    let terraform = |text| Some((Program::Terraform, text));
    let tofu = |text| Some((Program::OpenTofu, text));
    assert_eq!(allowed(&with(">= 1.16", terraform("1.16.2"))), Feature::ALL);
    assert_eq!(allowed(&gates(&[], tofu("1.12.6"))), all_but_modules);
    assert!(!gates(&[], terraform("1.12.0-rc1")).allows(ImportIdentity));
    assert_eq!(allowed(&gates(&[], terraform("1.4.7"))), [MovedBlocks]);
    // What is done once, the program at hand does; what stays must suit all.
    let old = with(">= 1.5", terraform("1.12.0"));
    assert!(old.allows(ImportIdentity) && !old.allows(WriteOnlyArguments));
    // A program that the root refuses runs something else.
    assert_eq!(with("~> 1.7.0", terraform("1.12.0")), with("~> 1.7.0", None));
    // OpenTofu's own files and blocks count for it alone.
    let both = [("versions.tf", requiring(">= 1.16")), ("versions.tofu", requiring(">= 1.8"))];
    let both: Vec<(&str, &str)> = both.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert!(!gates(&both, None).allows(RemovedBlocks) && gates(&both, None).allows(ImportForEach));
    let language = "language {\n  compatible_with {\n    opentofu = \">= 1.13\"\n  }\n}\n";
    let both = [("main.tf", requiring("~> 1.12") + language)];
    let both: Vec<(&str, &str)> = both.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert!(gates(&both, None).allows(ImportIdentity));
    // What is no constraint says nothing.
    assert_eq!(allowed(&with("1.x", None)), first);
    assert_eq!(allowed(&with(">= 1.16.0-beta1", None)), first);
}

#[test]
fn a_refusal_says_why() {
    let gates = gates(&[("main.tf", &requiring("~> 1.7"))], None);
    assert_eq!(gates.refusal(Feature::ImportForEach), None);
    assert_eq!(
        gates.refusal(Feature::ImportIdentity).unwrap(),
        "Terraform understands `import` blocks with `identity` from version 1.12.0 on, and this root may be run by \
         1.7.0: raise `required_version`, or name a newer program."
    );
    let tofu = self::gates(&[], Some((Program::OpenTofu, "1.12.6")));
    let refusal = tofu.refusal(Feature::ImportInModules).unwrap();
    assert_eq!(
        refusal,
        "OpenTofu, which may run this root, does not understand `import` blocks outside the root module."
    );
}

/// Features as files, where the programs can tell without a provider from elsewhere.
fn sample(feature: Feature) -> Option<Vec<(&'static str, &'static str)>> {
    const RESOURCE: &str = "resource \"terraform_data\" \"a\" {}\n";
    let main = match feature {
        Feature::ImportBlocks => "import {\n  to = terraform_data.a\n  id = \"x\"\n}\n",
        Feature::ImportForEach => {
            "import {\n  for_each = toset([\"x\"])\n  to = terraform_data.k[each.key]\n  id = each.key\n}\n\
             resource \"terraform_data\" \"k\" {\n  for_each = toset([\"x\"])\n}\n"
        }
        Feature::ImportIdentity => "import {\n  to = terraform_data.a\n  identity = {\n    id = \"x\"\n  }\n}\n",
        Feature::ImportInModules => {
            let inner = "resource \"terraform_data\" \"b\" {}\nimport {\n  to = terraform_data.b\n  id = \"x\"\n}\n";
            return Some(vec![("main.tf", "module \"m\" {\n  source = \"./m\"\n}\n"), ("m/main.tf", inner)]);
        }
        Feature::MovedBlocks => "moved {\n  from = terraform_data.old\n  to = terraform_data.a\n}\n",
        Feature::RemovedBlocks => {
            "removed {\n  from = terraform_data.gone\n  lifecycle {\n    destroy = false\n  }\n}\n"
        }
        // Nothing builtin has a provider configuration or a write-only argument.
        Feature::ImportProvider | Feature::WriteOnlyArguments => return None,
    };
    Some(vec![("main.tf", main), ("resource.tf", RESOURCE)])
}

#[test]
fn the_programs_at_hand_agree() {
    for program in programs() {
        let (kind, own) = version_of(&program);
        let gates = Gates::new(&Requirements::default(), Some((kind, own.clone())));
        for feature in Feature::ALL {
            let Some(files) = sample(feature) else { continue };
            // No builtin type has an identity: only that the argument is known can be told.
            let command = if feature == Feature::ImportIdentity { "init" } else { "validate" };
            assert_eq!(succeeds(&program, &files, command), gates.allows(feature), "{kind} {own}: {feature}");
        }
    }
}

#[test]
fn names_are_taken_by_every_file_of_either_program() {
    let tree = tree(&[
        (
            "main.tf",
            "resource \"a_b\" \"shadowed\" {}\nvariable \"v\" {}\nlocals {\n  l = 1\n}\noutput \"o\" {\n  value = 1\n}\n",
        ),
        ("main.tofu", "resource \"a_b\" \"own\" {}\ndata \"a_b\" \"read\" {}\n"),
        (
            "more.tf.json",
            r#"{"resource": {"a_b": {"json": {}}}, "module": {"m": {"source": "./m"}}, "variable": {"w": {}},
            "import": [{"to": "a_b.imported", "id": "x"}]}"#,
        ),
        ("more.tofu.json", r#"{"locals": {"k": 1}}"#),
        (
            "moves.tf",
            "moved {\n  from = a_b.old\n  to = module.m.a_b.new\n}\nremoved {\n  from = a_b.gone\n}\n\
             import {\n  for_each = {}\n  to = a_b.each[each.key]\n  id = each.value\n}\n\
             import {\n  to = a_b.one[\"k\"]\n  identity = {\n    arn = \"x\"\n  }\n}\n",
        ),
        ("Generated.tf", ""),
        ("imports.tofu", ""),
        ("variables.tf.json", "{}"),
        ("notes.txt", ""),
    ]);
    let (names, problems) = OccupiedNames::read(&tree, ".");
    assert!(problems.is_empty() && names.is_complete, "{problems:?}");
    let resources: Vec<String> = names.resources.iter().map(ToString::to_string).collect();
    let expected = [
        "data.a_b.read",
        "a_b.each",
        "a_b.gone",
        "a_b.imported",
        "a_b.json",
        "a_b.old",
        "a_b.one",
        "a_b.own",
        "a_b.shadowed",
    ];
    assert_eq!(resources, expected);
    let joined = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(joined(&names.variables), "v w");
    assert_eq!(joined(&names.locals), "k l");
    assert_eq!(joined(&names.outputs), "o");
    assert_eq!(joined(&names.calls), "m");
    assert_eq!(names.free_file("generated"), "generated_2.tf");
    assert_eq!(names.free_file("imports"), "imports_2.tf");
    assert_eq!(names.free_file("variables"), "variables.tf");
    assert_eq!(names.free_file("override"), "override_2.tf");
    assert!(names.has_file("generated_override.tf") && !names.has_file("mapping.json") && names.has_file("notes.txt"));
    let (module, _) = Module::read(&tree, ".");
    let identity = module.imports.iter().find_map(|block| block.identity.clone()).unwrap();
    assert_eq!(identity.get_attr("arn").unwrap(), cty::Value::string("x"));
}

#[test]
fn names_are_incomplete_where_a_file_is_broken() {
    let (names, problems) =
        OccupiedNames::read(&tree(&[("a.tf", "resource \"a_b\" {"), ("b.tf", "variable \"v\" {}\n")]), ".");
    assert!(!names.is_complete && !problems.is_empty() && names.variables.contains("v"));
}

proptest! {
    #[test]
    fn any_text_is_a_constraint_or_none(text in any::<String>(), numbers in prop::collection::vec(any::<u64>(), 1..5)) {
        let _ = text.parse::<Constraints>();
        let text = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
        let own = version(&text);
        let says = |operator: &str| format!("{operator} {text}").parse::<Constraints>().unwrap().admits(&own);
        prop_assert!(says("=") && says(">=") && says("<=") && says("~>") && !says("!=") && !says(">") && !says("<"));
        let wide = gates(&[("main.tf", &requiring(&format!("> {text}")))], None);
        let _ = allowed(&wide);
    }
}
