//! Ignore files: what they say, and what is wrong with them.

mod support;

use drift::ignore::CommentedBlock;
use model::Tier;
use support::{World, difference};

fn problems(text: &str) -> String {
    let (_, diagnostics) = drift::ignore::parse("i.yaml", text);
    diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_mistake_says_where_it_is() {
    insta::assert_snapshot!(problems("rules: []"), @"i.yaml:1:1: The ignore file names no version: The file must begin with `version: 1`.");
    insta::assert_snapshot!(problems("version: 2"), @"i.yaml:1:10: Unknown version of the ignore file: This driftmgr reads version 1 of the ignore file.");
    insta::assert_snapshot!(problems("version: 1\nrulez: []"), @r#"i.yaml:2:1: Unknown key in the ignore file: "rulez" is none of version, rules. Did you mean `rules`?"#);
    insta::assert_snapshot!(problems("version: 1\nrules:\n  - adress: x\n    reason: y\n"), @r#"
    i.yaml:3:5: Unknown key in the ignore file: "adress" is none of kind, address, type, id, tag, path, reason, owner, expires. Did you mean `address`?
    i.yaml:3:5: An ignore rule would ignore everything: A rule needs at least one of kind, address, type, id, tag, path.
    "#);
    insta::assert_snapshot!(problems("version: 1\nrules:\n  - address: x\n  - reason: y\n  - id: 012\n    reason: r\n    expires: soon\n    kind: missin"), @r#"
    i.yaml:3:5: An ignore rule has no reason: Every rule must say why it is there, in `reason`.
    i.yaml:4:5: An ignore rule would ignore everything: A rule needs at least one of kind, address, type, id, tag, path.
    i.yaml:5:9: Not text: `id` must be text; quote what YAML takes for something else.
    i.yaml:8:11: Unknown kind of finding: "missin" is none of changed, missing, unmanaged, pending, stale, collision, orphan, pending_destroy, dangling, not_imported, double_owner, managed_elsewhere, undetermined. Did you mean `missing`?
    i.yaml:7:14: Not a date: `expires` is a day such as 2026-12-31.
    "#);
    insta::assert_snapshot!(problems("version: 1\nrules: [*a]"), @"i.yaml:2:9: The ignore file is not valid YAML: alias references unknown anchor at line 2, column 9.");
    insta::assert_snapshot!(problems("version: 1\nrules: {}"), @"i.yaml:2:8: `rules` must be a list: Each rule is an element of the list.");
    insta::assert_snapshot!(problems("- x"), @"i.yaml:1:1: Not a mapping: A mapping with the keys version, rules belongs here.");
    assert_eq!(problems(""), "");
}

#[test]
fn alias_bombs_and_depth_end() {
    let mut bomb = String::from("version: 1\nrules:\n  - &a [x, x, x]\n");
    for step in 0..40 {
        bomb.extend([format!("  - &b{step} [*a, *a, *a, *a]\n")]);
    }
    assert!(!problems(&bomb).is_empty());
    assert!(!problems(&format!("version: 1\nrules: {}", "[".repeat(10_000))).is_empty());
    assert!(problems(&" ".repeat(2_000_000)).contains("the limit"));
}

#[test]
fn rules_take_findings_and_differences() {
    let mut world = World::new();
    world.record("aws_vpc.legacy[\"a\"]", "vpc-1");
    world.record("aws_subnet.gone", "subnet-1");
    world.record_with("aws_vpc.main", "vpc-2", r#"{"cidr_block":"a"}"#);
    let vpc = world.object("aws.ec2.vpc", "vpc-2");
    vpc.attributes.insert("cidr_block".to_owned(), support::json("\"b\""));
    world.object("aws.ec2.vpc", "vpc-3").tags = Some([("sandbox".to_owned(), "yes".to_owned())].into());
    world.object("aws.sqs.queue", "https://sqs/1/tmp-1");
    let (rules, diagnostics) = drift::ignore::parse(
        "i.yaml",
        r#"
version: 1
rules:
  - {address: 'aws_vpc.legacy["a"]', reason: replaced in March}
  - {type: aws_subnet, reason: was true once, owner: net, expires: 2026-05-31}
  - {path: cidr_*, reason: learned}
  - {tag: sandbox=*, kind: [unmanaged, managed_elsewhere], reason: sandboxes clean themselves}
  - {id: ["*/tmp-?", "*/temp-?"], reason: temporary, expires: 2026-06-01}
  - {id: nothing, reason: never used}
"#,
    );
    assert_eq!(diagnostics, []);
    world.ignore = rules;
    insta::assert_snapshot!(world.found(), @r##"
    Warning: i.yaml:5:5: An ignore rule has expired: The rule "was true once" applied until 2026-05-31 and is not used any more. Its owner is net. Remove the rule, or give it another date.
    Warning: i.yaml:9:5: An ignore rule matches nothing: Nothing that was found matches the rule "never used". Remove the rule, or mend its conditions.
    changed aws_vpc.main: The cloud differs from the state in cidr_block.
      ignored cidr_block: "a" -> "b" (learned)
      ignored: learned
    missing FAILS aws_subnet.gone: The state records it, and a complete look at its account and region did not find it.
      remedy: apply
      remedy: forget aws_subnet.gone
    missing aws_vpc.legacy["a"]: The state records it, and a complete look at its account and region did not find it.
      ignored: replaced in March
    unmanaged aws_sqs_queue https://sqs/1/tmp-1: The state a.tfstate does not record it.
      ignored: temporary
    unmanaged aws_vpc vpc-3: The state a.tfstate does not record it.
      ignored: sandboxes clean themselves
    exit code 2
    "##);
    assert_eq!(world.judge().rule_uses, [1, 0, 1, 1, 1, 0]);
}

/// Reads a comment at a block, or at an argument of it, and says what came of it.
fn comment(text: &str, argument: Option<&str>) -> String {
    let block =
        CommentedBlock { modules: vec!["net".to_owned()], resource: Some(("aws_vpc".to_owned(), "main".to_owned())) };
    match drift::ignore::parse_comment(text, vec![block], argument, support::span()) {
        None => "nothing for us".to_owned(),
        Some(Err(problem)) => problem.to_string(),
        Some(Ok(rule)) => {
            let kinds: Vec<&str> = rule.kinds.iter().map(|kind| kind.as_str()).collect();
            let paths: Vec<String> = rule.paths.iter().map(ToString::to_string).collect();
            let rest = (rule.reason, rule.owner, rule.expires.map(|expires| expires.to_string()));
            format!("{kinds:?} {paths:?} {rest:?}")
        }
    }
}

#[test]
fn comments_say_what_and_why() {
    let said = [
        comment(" a comment", None),
        comment(" driftmgr:ignore reason=\"by \\\"hand\\\"\"", None),
        comment(" driftmgr:ignore tags[\"a b\"], user_data changed reason=r owner=ops until=2027-01-31", None),
        comment("driftmgr:ignore: reason=r", Some("ingress.from_port")),
        comment("driftmgr:ignore rule[{from = 1, to = 2}] missing reason=r", None),
    ];
    insta::assert_snapshot!(said.join("\n"), @r##"
    nothing for us
    [] [] ("by \"hand\"", None, None)
    ["changed"] ["tags[\"a b\"]", "user_data"] ("r", Some("ops"), Some("2027-01-31"))
    [] ["ingress.from_port"] ("r", None, None)
    ["missing"] ["rule[{from = 1, to = 2}]"] ("r", None, None)
    "##);
    let wrong = [
        comment("driftmgr:ignored reason=r", None),
        comment("driftmgr:ignore", None),
        comment("driftmgr:ignore reason=\"open", None),
        comment("driftmgr:ignore reason=r expires=2027-01-31", None),
        comment("driftmgr:ignore reason=r until=soon", None),
        comment("driftmgr:ignore reason=r reason=s", None),
        comment("driftmgr:ignore reason=r tags", Some("name")),
    ];
    insta::assert_snapshot!(wrong.join("\n"), @r##"
    main.tf:3:1: Unknown comment for driftmgr: Only `driftmgr:ignore` is known. The comment ignores nothing.
    main.tf:3:1: A comment has no reason: Every comment must say why it is there: reason="…". The comment ignores nothing.
    main.tf:3:1: A quote is not closed: The text from "\"open" on has no closing quote. The comment ignores nothing.
    main.tf:3:1: Unknown key in a comment: "expires" is none of reason, owner, until. Did you mean `until`? The comment ignores nothing.
    main.tf:3:1: Not a date: `until` is a day such as 2026-12-31. The comment ignores nothing.
    main.tf:3:1: A key is given twice: `reason` stands in the comment twice. The comment ignores nothing.
    main.tf:3:1: A comment at an argument names another: At name the comment is about that alone; "tags" is no kind of finding. Put it above the block of the resource to name attributes. The comment ignores nothing.
    "##);
}

#[test]
fn a_comment_is_about_its_block_wherever_that_is_called() {
    let mut world = World::new();
    let tag = || difference(Tier::Declared, &["tags", "=\"a\""], "\"x\"", "\"y\"");
    for address in [
        "module.net[\"eu\"].aws_vpc.main[0]",
        "module.net.aws_vpc.other",
        "module.net.module.inner.aws_vpc.main",
        "aws_vpc.main",
    ] {
        world.record(address, address);
        world.read_differences(vec![tag(), difference(Tier::Declared, &["rule", "=0", "from"], "\"x\"", "\"y\"")]);
    }
    let block = |modules: &[&str], resource: Option<(&str, &str)>| CommentedBlock {
        modules: modules.iter().map(|&name| name.to_owned()).collect(),
        resource: resource.map(|(resource_type, name)| (resource_type.to_owned(), name.to_owned())),
    };
    let rule = |text: &str, block: CommentedBlock, argument: Option<&str>| {
        drift::ignore::parse_comment(text, vec![block], argument, support::span())
            .expect("it is for us")
            .expect("it is right")
    };
    let main = || block(&["net"], Some(("aws_vpc", "main")));
    world.ignore = drift::IgnoreRules::new(vec![
        rule("driftmgr:ignore tags reason=one", main(), None),
        rule("driftmgr:ignore reason=two", main(), Some("rule.from")),
        rule("driftmgr:ignore changed reason=three", block(&["net", "inner"], None), None),
        rule("driftmgr:ignore missing reason=four", block(&[], Some(("aws_vpc", "main"))), None),
        rule("driftmgr:ignore reason=five until=2026-05-31", block(&[], Some(("aws_vpc", "main"))), None),
    ]);
    insta::assert_snapshot!(world.found(), @r##"
    Warning: main.tf:3:1: An ignore rule has expired: The rule "five" applied until 2026-05-31 and is not used any more. Remove the rule, or give it another date.
    Warning: main.tf:3:1: An ignore rule matches nothing: Nothing that was found matches the rule "four". Remove the rule, or mend its conditions.
    changed FAILS aws_vpc.main: The cloud differs from the state in tags, rule.
      declared tags["a"]: "x" -> "y"
      declared rule[0].from: "x" -> "y"
      remedy: apply
      remedy: set tags["a"] = "y" in the code
      remedy: set rule[0].from = "y" in the code
    changed FAILS module.net.aws_vpc.other: The cloud differs from the state in tags, rule.
      declared tags["a"]: "x" -> "y"
      declared rule[0].from: "x" -> "y"
      remedy: apply
      remedy: set tags["a"] = "y" in the code
      remedy: set rule[0].from = "y" in the code
    changed module.net.module.inner.aws_vpc.main: The cloud differs from the state in tags, rule.
      declared tags["a"]: "x" -> "y"
      declared rule[0].from: "x" -> "y"
      ignored: three
    changed module.net["eu"].aws_vpc.main[0]: The cloud differs from the state in tags, rule.
      ignored tags["a"]: "x" -> "y" (one)
      ignored rule[0].from: "x" -> "y" (two)
      ignored: one
    exit code 2
    "##);
}
