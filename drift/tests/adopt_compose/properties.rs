//! What holds for all compositions.

use cty::{Type, Value, json};
use drift::adopt::compose::Layout;
use drift::adopt::search::SecretSource;
use model::schema::{AttributeType, NestingMode};
use proptest::prelude::*;

use super::world::{World, attribute, block, map, nested_attribute, path, strings, with_block};

/// A text as it occurs in objects: an id or a name of one of them, alone or in something longer, or nothing special.
fn text() -> impl Strategy<Value = String> {
    let ids = (
        0..8u8,
        prop::sample::select(vec!["{id}", "{arn}", "{arn}/*", "{name}", "x {id}, {arn}.", "{name}-2", "{url}"]),
    );
    let id = ids.prop_map(|(number, form)| {
        form.replace("{id}", &id(number))
            .replace("{arn}", &arn(number))
            .replace("{url}", &format!("https://things/{number}/t{number}"))
            .replace("{name}", &format!("name{number}"))
    });
    let plain = prop::sample::select(vec!["", "default", "${x} %{y}", "a\nb\n", "eu-west-1", "1", "é", "{\"a\": 1 }"]);
    prop_oneof![3 => id, 1 => plain.prop_map(str::to_owned)]
}

fn id(number: u8) -> String {
    format!("thing-0123456789abcde{number}")
}

fn arn(number: u8) -> String {
    format!("arn:aws:thing:eu-west-1:111111111111:thing/name{number}")
}

fn schema(world: &mut World, resource_type: &str) {
    let leaf =
        || block(&[("name", Type::String, "o"), ("thing_id", Type::String, "o"), ("password", Type::String, "os")]);
    let mut outer = block(&[
        ("id", Type::String, "c"),
        ("arn", Type::String, "c"),
        ("url", Type::String, "c"),
        ("name", Type::String, "r"),
        ("thing", Type::String, "o"),
        ("thing_ids", Type::set(Type::String), "o"),
        ("list", strings(), "oc"),
        ("tags", map(), "o"),
        ("variables", map(), "o"),
        ("policy", Type::String, "o"),
        ("size", Type::Number, "o"),
        ("any", Type::Dynamic, "o"),
        ("password", Type::String, "os"),
        ("rules", Type::set(Type::object([("thing_id", Type::String), ("port", Type::Number)])), "oc"),
    ]);
    outer.attributes.insert("nested".to_owned(), attribute(nested_attribute(NestingMode::Set, leaf()), "o"));
    outer.attributes.insert("by_key".to_owned(), attribute(nested_attribute(NestingMode::Map, leaf()), "o"));
    let object = AttributeType::Plain(Type::object([("a", Type::String), ("b", strings())]));
    outer.attributes.insert("plain".to_owned(), attribute(object, "o"));
    for (name, nesting) in [
        ("one", NestingMode::Single),
        ("group", NestingMode::Group),
        ("many", NestingMode::List),
        ("some", NestingMode::Set),
        ("keyed", NestingMode::Map),
    ] {
        outer = with_block(outer, name, nesting, 0, leaf());
    }
    world.schema(resource_type, outer);
}

/// One object: its address, what it holds, and what the search says of it.
#[derive(Clone, Debug)]
struct Draw {
    address: String,
    number: u8,
    texts: Vec<String>,
    shape: u16,
    is_pinned: bool,
    is_flawed: bool,
    has_secrets: bool,
}

fn draw() -> impl Strategy<Value = Draw> {
    let types = vec!["aws_thing", "aws_thing_part", "aws_other", "gcp_thing"];
    let names = vec!["a", "a_b", "a_c", "b", "c[\"x\"]", "c[\"y\"]", "c[\"${z}\"]", "d[0]"];
    let modules = vec!["", "", "", "module.m.", "module.n[\"i\"].", "module.n[\"j\"]."];
    let address = (prop::sample::select(modules), prop::sample::select(types), prop::sample::select(names))
        .prop_map(|(module, resource_type, name)| format!("{module}{resource_type}.{name}"));
    let shape = prop_oneof![Just(0b11u16), any::<u16>()];
    (address, 0..8u8, prop::collection::vec(text(), 12), shape, any::<bool>(), 0..6u8, 0..3u8).prop_map(
        |(address, number, texts, shape, is_pinned, flawed, secrets)| Draw {
            address,
            number,
            texts,
            shape,
            is_pinned,
            is_flawed: flawed == 0,
            has_secrets: secrets == 0,
        },
    )
}

fn add(world: &mut World, draw: &Draw) {
    let text = |position: usize| {
        let value = Value::string(&draw.texts[position % draw.texts.len()]);
        String::from_utf8(json::encode(&value, &Type::String).expect("JSON")).expect("UTF-8")
    };
    let has = |bit: u16| draw.shape & (1 << bit) != 0;
    let leaf = |position: usize| {
        let password = if draw.has_secrets { r#","password":"pw""# } else { "" };
        format!(r#"{{"name":{},"thing_id":{}{password}}}"#, text(position), text(position + 1))
    };
    let document =
        format!(r#"{{"Version":"1","Statement":[{{"Resource":{},"a":null,"b":{{"c":{}}}}}]}}"#, text(1), text(2));
    let document = Value::string(
        String::from_utf8(
            json::encode(
                &json::decode_implied(document.as_bytes()).expect("JSON"),
                &json::implied_type(document.as_bytes()).expect("JSON"),
            )
            .expect("JSON"),
        )
        .expect("UTF-8"),
    );
    let document = String::from_utf8(json::encode(&document, &Type::String).expect("JSON")).expect("UTF-8");
    let mut parts = vec![
        format!(r#""id":"{}""#, id(draw.number)),
        format!(r#""arn":"{}""#, arn(draw.number)),
        format!(r#""url":"https://things/{0}/t{0}""#, draw.number),
        format!(r#""name":"name{}""#, draw.number),
    ];
    let many = if has(0) { format!("[{},{}]", leaf(0), leaf(3)) } else { "[]".to_owned() };
    parts.push(format!(r#""many":{many}"#));
    let some = if has(1) { format!("[{},{}]", leaf(2), leaf(4)) } else { "[]".to_owned() };
    parts.push(format!(r#""some":{some}"#));
    let keyed = if has(2) { format!(r#"{{"k ${{x}}":{},"l":{}}}"#, leaf(5), leaf(6)) } else { "{}".to_owned() };
    parts.push(format!(r#""keyed":{keyed}"#));
    parts.push(format!(r#""group":{}"#, if has(3) { leaf(1) } else { "{}".to_owned() }));
    let optional = [
        (4, format!(r#""one":{}"#, leaf(7))),
        (5, format!(r#""thing":{}"#, text(0))),
        (6, format!(r#""thing_ids":[{},{}]"#, text(1), text(2))),
        (7, format!(r#""list":[{},{}]"#, text(3), text(4))),
        (8, format!(r#""tags":{{"Name":{},"x y":{}}}"#, text(5), text(6))),
        (9, format!(r#""variables":{{"THING_ID":{}}}"#, text(7))),
        (10, format!(r#""policy":{document}"#)),
        (
            11,
            format!(
                r#""any":{{"type":["object",{{"z":"string","n":"number"}}],"value":{{"z":{},"n":null}}}}"#,
                text(8)
            ),
        ),
        (12, format!(r#""rules":[{{"thing_id":{},"port":1}},{{"thing_id":{}}}]"#, text(9), text(10))),
        (13, format!(r#""nested":[{}],"by_key":{{"a.b":{}}}"#, leaf(8), leaf(9))),
        (14, format!(r#""plain":{{"a":{},"b":[]}}"#, text(11))),
        (15, r#""size":1.50"#.to_owned()),
    ];
    parts.extend(optional.into_iter().filter(|(bit, _)| has(*bit)).map(|(_, part)| part));
    if draw.has_secrets {
        parts.push(r#""password":"pw""#.to_owned());
    }
    let object = world.object(&draw.address, &format!("{{{}}}", parts.join(",")));
    object.is_pinned = draw.is_pinned;
    if has(10) {
        object.json(path(&["policy"]));
    }
    if draw.is_flawed {
        object.flaw(path(&["size"]), "The plan changes it.");
    }
    if draw.has_secrets {
        object.secret(path(&["password"]), SecretSource::Observed, true);
        if has(7) {
            object.secret(path(&["list", "1"]), SecretSource::StandIn, false);
        }
        if has(8) {
            object.secret(path(&["tags"]).index("x y"), SecretSource::Observed, false);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn everything_comes_out_as_it_went_in(
        mut draws in prop::collection::vec(draw(), 1..14),
        recorded in prop::collection::vec(0..8u8, 0..3),
        layout in prop::sample::select(vec![Layout::Type, Layout::Service, Layout::One]),
        group_from in prop::sample::select(vec![None, Some(2), Some(3)]),
        rotate in 0..14usize,
    ) {
        draws.sort_by(|one, other| one.address.cmp(&other.address));
        draws.dedup_by(|one, other| one.address == other.address);
        let world = |draws: &[Draw]| {
            let mut world = World::new();
            for resource_type in ["aws_thing", "aws_thing_part", "aws_other", "gcp_thing"] {
                schema(&mut world, resource_type);
            }
            for draw in draws {
                add(&mut world, draw);
            }
            for number in &recorded {
                let value = format!(r#"{{"id":"{}","name":"name{number}"}}"#, id(*number));
                world.record(&format!("aws_thing.recorded_{number}"), &value);
            }
            world.options.layout = layout;
            world.options.group_from = group_from;
            world.options.taken_variables.insert("a_password".to_owned());
            world
        };
        let first = world(&draws);
        // Prints, and checks by a little evaluator that every object gets the configuration it was certified with.
        let printed = first.printed();
        prop_assert!(!printed.contains("pw"), "{printed}");
        let middle = rotate % draws.len();
        draws.rotate_left(middle);
        prop_assert_eq!(world(&draws).compose(), first.compose());
    }
}

#[test]
fn large_estates_are_composed() {
    let mut world = World::new();
    schema(&mut world, "aws_thing");
    for number in 0..1_000u32 {
        let arn = |number: u32| format!("arn:aws:thing:eu-west-1:111111111111:thing/name{number}");
        let document = format!(
            r#"{{\"Resource\":[\"{}\",\"{}/*\",\"{}\"]}}"#,
            arn(number / 2),
            arn(number + 1),
            arn(90_000 + number)
        );
        world
            .object(
                &format!("aws_thing.t{number}"),
                &format!(
                    r#"{{"id":"thing-{number:012x}","arn":"{}","name":"name{number}","policy":"{document}","many":[],"some":[],
                        "keyed":{{}},"group":{{}},"thing_ids":["thing-{:012x}"]}}"#,
                    arn(number),
                    number / 3
                ),
            )
            .json(path(&["policy"]));
    }
    for number in 0..4_000u32 {
        let value = format!(
            r#"{{"id":"thing-{:012x}","arn":"arn:aws:thing:eu-west-1:111111111111:thing/name{}"}}"#,
            80_000 + number,
            80_000 + number
        );
        world.record(&format!("aws_thing.r{number}"), &value);
    }
    let composition = world.compose();
    assert_eq!(composition.imports.len(), 1_000);
    let printed = super::print::composition(&composition);
    assert_eq!(printed.matches("thing_ids = [aws_thing.t").count(), 999, "all but the first, which names itself");
    super::evaluate::assert_same(&world, &composition);
}
