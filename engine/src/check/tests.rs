//! What a change is about, by code before and code after.

use std::collections::BTreeSet;
use std::sync::Arc;

use cty::Type;
use model::{Attribute, AttributeType, Block, InstanceAddress, NestedBlock, NestingMode, ProviderConfigAddress};

use super::touch::{Comparison, TouchSchemas};
use crate::Session;
use crate::evaluation::{KeptTree, RootModule};
use crate::request::StatesRequest;

/// Knows one schema for every type, or none.
struct Known(Option<Block>);

impl TouchSchemas for Known {
    fn schema(&self, _: &ProviderConfigAddress, _: &str) -> Result<&Block, String> {
        self.0.as_ref().ok_or_else(|| "The provider is not installed.".to_owned())
    }
}

fn schema() -> Block {
    let attribute = |ty: Type, computed: bool| {
        let ty = AttributeType::Plain(ty);
        Attribute { optional: !computed, computed, ..Attribute::optional(ty) }
    };
    let mut block = Block::default();
    for name in ["name", "size", "parent"] {
        block.attributes.insert(name.to_owned(), attribute(Type::String, false));
    }
    block.attributes.insert("id".to_owned(), attribute(Type::String, true));
    block.attributes.insert("tags".to_owned(), attribute(Type::map(Type::String), false));
    let port = Block { attributes: [("port".to_owned(), attribute(Type::Number, false))].into(), ..Block::default() };
    let nested = |nesting| NestedBlock { nesting, block: port.clone(), min_items: 0, max_items: 0 };
    block.blocks.insert("rule".to_owned(), nested(NestingMode::List));
    block.blocks.insert("open".to_owned(), nested(NestingMode::Set));
    block
}

fn module(files: &[(&str, &str)]) -> Arc<RootModule> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let session = Session::new(net::Environment::default(), "/nowhere".into());
    let tree = Arc::new(KeptTree::over("/nowhere".into(), Arc::new(hcl::MemoryTree(files))));
    RootModule::open_tree(&session, &StatesRequest::default(), "/nowhere".into(), tree)
}

fn touches(before: &[(&str, &str)], after: &[(&str, &str)], schemas: &Known, known: &[&str]) -> Vec<String> {
    let (base, head) = (module(before), module(after));
    let known: BTreeSet<InstanceAddress> = known.iter().map(|text| text.parse().expect("an address")).collect();
    let change = Comparison::new(&base, &head, &BTreeSet::new()).change(schemas, &known);
    let line = |touch: &drift::change::Touch| {
        let paths: Vec<String> = touch.paths.iter().map(ToString::to_string).collect();
        let paths = if paths.is_empty() { String::new() } else { format!(" [{}]", paths.join(", ")) };
        let unsure = touch.unsure.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{} {}{paths}{unsure}", touch.how, touch.address)
    };
    change.touches.iter().map(line).collect()
}

/// Compares two texts of one file, by schema.
#[track_caller]
fn check(before: &str, after: &str, expect: &[&str]) {
    let got = touches(&[("main.tf", before)], &[("main.tf", after)], &Known(Some(schema())), &[]);
    assert_eq!(got, expect, "\n{before}\n{after}");
}

#[test]
fn what_means_the_same_is_not_touched() {
    let before = "resource \"a_b\" \"c\" {\n  name = \"n\"\n  tags = { a = \"1\" }\n}\n";
    check(before, "# Said.\nresource \"a_b\" \"c\" {\n  tags = {\n    a = \"1\" # one\n  }\n  name=\"n\"\n}\n", &[]);
    check(before, "locals {\n  n = \"n\"\n}\nresource \"a_b\" \"c\" {\n  name = local.n\n  tags = { a = 1 }\n}\n", &[]);
    check(before, &format!("{before}output \"o\" {{\n  value = a_b.c.id\n}}\n"), &[]);
}

#[test]
fn arguments_are_told_apart_by_path() {
    let before = "resource \"a_b\" \"c\" {\n  name = \"n\"\n  tags = { a = \"1\", b = \"2\" }\n  rule {\n    port = 1\n  }\n  rule {\n    port = 2\n  }\n  open {\n    port = 1\n  }\n}\n";
    check(before, &before.replace("\"n\"", "\"m\""), &["updates a_b.c [name]"]);
    check(before, &before.replace("\"2\"", "\"3\""), &["updates a_b.c [tags[\"b\"]]"]);
    check(before, &before.replace("port = 2", "port = 3"), &["updates a_b.c [rule[1].port]"]);
    check(before, &before.replace("open {\n    port = 1", "open {\n    port = 4"), &["updates a_b.c [open]"]);
    check(before, &before.replace("  name = \"n\"\n", ""), &["updates a_b.c [name]"]);
}

#[test]
fn instances_come_go_move_are_imported_and_forgotten() {
    let each = |keys: &str| format!("resource \"a_b\" \"c\" {{\n  for_each = toset([{keys}])\n  name = each.key\n}}\n");
    check(&each("\"x\", \"y\""), &each("\"y\", \"z\""), &["destroys a_b.c[\"x\"]", "creates a_b.c[\"z\"]"]);
    let one = "resource \"a_b\" \"c\" {\n  name = \"n\"\n}\n";
    let other = one.replace("\"c\"", "\"d\"");
    check(one, &other, &["destroys a_b.c", "creates a_b.d"]);
    let moved = "moved {\n  from = a_b.c\n  to = a_b.d\n}\n";
    check(one, &format!("{other}{moved}"), &["moves a_b.d"]);
    check(one, &format!("{}{moved}", other.replace("\"n\"", "\"m\"")), &["moves a_b.d [name]"]);
    let import = "import {\n  to = a_b.c\n  id = \"i\"\n}\n";
    check("", &format!("{one}{import}"), &["imports a_b.c"]);
    check(&format!("{one}{import}"), one, &[]);
    let removed =
        |destroy: &str| format!("removed {{\n  from = a_b.c\n  lifecycle {{\n    destroy = {destroy}\n  }}\n}}\n");
    check(one, &removed("false"), &["forgets a_b.c"]);
    check(one, &removed("true"), &["destroys a_b.c"]);
    let unclear = touches(&[("main.tf", one)], &[("main.tf", "removed {\n  from = a_b.c\n}\n")], &Known(None), &[]);
    assert!(unclear[0].starts_with("destroys a_b.c (of a `removed` block without `destroy`"), "{unclear:?}");
}

#[test]
fn what_it_is_made_of_touches_it() {
    let files = |tier: &str, default: &str| {
        vec![
            (
                "main.tf".to_owned(),
                format!(
                    "locals {{\n  tier = \"{tier}\"\n}}\nmodule \"m\" {{\n  source = \"./m\"\n  tier = local.tier\n}}\n"
                ),
            ),
            (
                "m/main.tf".to_owned(),
                format!(
                    "variable \"tier\" {{}}\nvariable \"name\" {{\n  default = \"{default}\"\n}}\nresource \"a_b\" \"c\" {{\n  name = var.name\n  size = upper(var.tier)\n}}\nresource \"a_b\" \"d\" {{\n  name = \"fixed\"\n}}\n"
                ),
            ),
        ]
    };
    let check = |before: &[(String, String)], after: &[(String, String)], expect: &[&str]| {
        fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
        }
        let got = touches(&borrowed(before), &borrowed(after), &Known(Some(schema())), &[]);
        assert_eq!(got, expect);
    };
    check(&files("a", "n"), &files("a", "n"), &[]);
    check(&files("a", "n"), &files("b", "n"), &["updates module.m.a_b.c [size]"]);
    check(&files("a", "n"), &files("A", "n"), &[]);
    check(&files("a", "n"), &files("a", "o"), &["updates module.m.a_b.c [name]"]);
    let mut set = files("a", "n");
    set.push(("terraform.tfvars".to_owned(), "unheard_of = 1\n".to_owned()));
    check(&files("a", "n"), &set, &[]);
}

#[test]
fn what_is_unknown_is_touched_only_where_its_text_is_another() {
    let code = |parent: &str, name: &str| {
        format!(
            "resource \"a_b\" \"p\" {{\n  name = \"{name}\"\n}}\nresource \"a_b\" \"q\" {{\n}}\nresource \"a_b\" \"c\" {{\n  parent = a_b.{parent}\n  size = \"1\"\n}}\n"
        )
    };
    check(&code("p.id", "n"), &code("p.id", "n"), &[]);
    // The id of what is merely updated stays.
    check(&code("p.id", "n"), &code("p.id", "m"), &["updates a_b.p [name]"]);
    let later = "(what it is set to is known only when it is applied)";
    check(&code("p.id", "n"), &code("q.id", "n"), &[&format!("updates a_b.c [parent] {later}")]);
    // What is written is another, and so what it is set to.
    let got = touches(
        &[("main.tf", &code("p.name", "n"))],
        &[("main.tf", &code("p.name", "m"))],
        &Known(Some(schema())),
        &[],
    );
    assert_eq!(got, [format!("updates a_b.c [parent] {later}"), "updates a_b.p [name]".to_owned()]);
    let counted = |n: &str| {
        format!(
            "data \"a_b\" \"d\" {{\n  name = \"{n}\"\n}}\nresource \"a_b\" \"c\" {{\n  count = data.a_b.d.size\n}}\n"
        )
    };
    let known = ["a_b.c[0]"];
    let of = |before: &str, after: &str| {
        let schemas = Known(Some(schema()));
        touches(&[("main.tf", &counted(before))], &[("main.tf", &counted(after))], &schemas, &known)
    };
    assert_eq!(of("x", "x"), Vec::<String>::new());
    let doubted = of("x", "y");
    assert!(doubted[0].starts_with("updates a_b.c[0] (which instances there are is not known"), "{doubted:?}");
}

#[test]
fn without_a_schema_what_is_written_is_compared() {
    let before = "resource \"a_b\" \"c\" {\n  name = \"n\"\n  rule {\n    port = 1\n  }\n}\n";
    let of = |after: &str| touches(&[("main.tf", before)], &[("main.tf", after)], &Known(None), &[]);
    assert_eq!(of(before), Vec::<String>::new());
    assert_eq!(of(&before.replace("\"n\"", "lower(\"N\")")), Vec::<String>::new());
    let reason = "(only what is written was compared, because the provider is not installed)";
    assert_eq!(of(&before.replace("\"n\"", "\"m\"")), [format!("updates a_b.c [name] {reason}")]);
    assert_eq!(of(&before.replace("port = 1", "port = 2")), [format!("updates a_b.c [rule] {reason}")]);
}

#[test]
fn another_provider_or_other_things_ignored_touch_the_instance() {
    let code = |region: &str, ignored: &str| {
        format!(
            "provider \"a\" {{\n  region = \"{region}\"\n}}\nresource \"a_b\" \"c\" {{\n  name = \"n\"\n  lifecycle {{\n    ignore_changes = [{ignored}]\n  }}\n}}\n"
        )
    };
    check(&code("x", ""), &code("x", ""), &[]);
    check(&code("x", ""), &code("y", ""), &["updates a_b.c (the configuration of its provider is another)"]);
    check(&code("x", "size"), &code("x", ""), &["updates a_b.c"]);
    let kept = code("x", "size").replace("lifecycle {", "lifecycle {\n    prevent_destroy = true");
    check(&code("x", "size"), &kept, &[]);
}

#[test]
fn a_module_that_moves_takes_its_instances_along() {
    let inner = ("m/main.tf", "variable \"n\" {}\nresource \"a_b\" \"c\" {\n  name = var.n\n}\n");
    let call = |label: &str, name: &str| format!("module \"{label}\" {{\n  source = \"./m\"\n  n = \"{name}\"\n}}\n");
    let moved = "moved {\n  from = module.x\n  to = module.y\n}\n";
    let of = |after: &str| {
        touches(&[("main.tf", &call("x", "n")), inner], &[("main.tf", after), inner], &Known(Some(schema())), &[])
    };
    assert_eq!(of(&format!("{}{moved}", call("y", "n"))), ["moves module.y.a_b.c"]);
    assert_eq!(of(&format!("{}{moved}", call("y", "o"))), ["moves module.y.a_b.c [name]"]);
    assert_eq!(of(&call("y", "n")), ["destroys module.x.a_b.c", "creates module.y.a_b.c"]);
}

#[test]
fn code_that_could_not_be_read_before_is_met_as_a_whole() {
    let after = "resource \"a_b\" \"c\" {\n  name = \"n\"\n}\n";
    let before = format!("{after}resource \"x\" {{{{{{\n");
    let got = touches(
        &[("main.tf", &before)],
        &[("main.tf", &format!("{after}{}", after.replace("\"c\"", "\"d\"")))],
        &Known(Some(schema())),
        &[],
    );
    assert_eq!(got, ["updates a_b.d (before the change, not all of its code could be read)"]);
}
