//! What a composition evaluates to: a little evaluator of drafts, and that everything comes out as it went in.

use std::collections::{BTreeMap, BTreeSet};

use cty::convert::convert;
use cty::{Type, Value, json};
use drift::adopt::compose::Composition;
use model::draft::{Draft, DraftBlock, DraftBody, DraftExpression, TemplatePart};
use model::schema::{AttributeType, NestedBlock, NestedObject, NestingMode};
use model::{Block, InstanceAddress, InstanceKey, ResourceAddress};

use super::world::World;

/// What expressions are evaluated in.
struct Scope<'a> {
    objects: &'a BTreeMap<&'a InstanceAddress, &'a Value>,
    variables: &'a BTreeMap<&'a str, &'a Value>,
    key: Option<&'a str>,
    each: Option<Value>,
}

/// Checks that every object's configuration is what its block evaluates to, that nothing refers in a circle, and that
/// names are unique.
pub(crate) fn assert_same(world: &World, composition: &Composition) {
    let moved = |from: &InstanceAddress| composition.grouped.get(from).unwrap_or(from).clone();
    let finals: Vec<InstanceAddress> = world.objects.iter().map(|object| moved(&object.to)).collect();
    let mut objects: BTreeMap<&InstanceAddress, &Value> = BTreeMap::new();
    objects.extend(finals.iter().zip(&world.objects).map(|(to, object)| (to, &object.observed)));
    objects.extend(world.recorded.iter().map(|(to, value)| (to, value)));
    let variables: BTreeMap<&str, &Value> = composition
        .variables
        .iter()
        .map(|variable| (variable.declaration.name.as_str(), &variable.certified))
        .collect();
    assert_eq!(variables.len(), composition.variables.len(), "names of variables are unique");
    assert!(world.options.taken_variables.iter().all(|name| !variables.contains_key(name.as_str())), "and free");
    let drafts: Vec<&Draft> = composition.files.values().flat_map(|file| &file.resources).collect();
    let by_address: BTreeMap<ResourceAddress, &Draft> =
        drafts.iter().map(|draft| (without_module_keys(&draft.address), *draft)).collect();
    assert_eq!(by_address.len(), drafts.len(), "addresses are unique");

    let imported: BTreeSet<&InstanceAddress> = composition.imports.iter().map(|import| &import.to).collect();
    assert_eq!(imported.len(), composition.imports.len(), "everything is imported once");
    for (object, to) in world.objects.iter().zip(&finals) {
        if composition.left_out.contains_key(&object.to) {
            assert!(!imported.contains(to), "{to} is left out");
            continue;
        }
        assert!(imported.contains(to), "{to} is imported");
        let draft = by_address[&without_module_keys(&to.resource)];
        let key = match &to.key {
            Some(InstanceKey::String(key)) => Some(&**key),
            _ => None,
        };
        let mut scope = Scope { objects: &objects, variables: &variables, key, each: None };
        if let Some(for_each) = &draft.for_each {
            let map = expression(for_each, &scope);
            let key = key.expect("an instance of a block that is repeated has a key");
            scope.each = Some(if matches!(for_each, DraftExpression::ToSet(_)) {
                assert!(map.elements().any(|element| element.as_str() == Some(key)));
                Value::string(key)
            } else {
                map.get_attr(key).expect("the key is there")
            });
        } else {
            assert_eq!(key, None);
        }
        let value = body(&draft.body, &object.schema.block, &scope);
        assert_eq!(value, object.solution.config.unmark_deep().0, "{to} evaluates to what it was certified with");
    }
    assert_acyclic(&drafts);
}

fn without_module_keys(address: &ResourceAddress) -> ResourceAddress {
    let steps = address.module.steps().iter();
    let steps = steps.map(|step| model::ModuleStep { name: step.name.clone(), key: None }).collect();
    ResourceAddress { module: model::ModuleAddress::from_steps(steps), ..address.clone() }
}

fn assert_acyclic(drafts: &[&Draft]) {
    let mut edges: BTreeMap<&ResourceAddress, BTreeSet<ResourceAddress>> = BTreeMap::new();
    for draft in drafts {
        let mut found = BTreeSet::new();
        let mut bodies = vec![&draft.body];
        let mut expressions: Vec<&DraftExpression> = draft.for_each.iter().collect();
        while let Some(body) = bodies.pop() {
            expressions.extend(body.arguments.iter().map(|(_, inner)| inner));
            bodies.extend(body.blocks.iter().map(|block| &block.body));
        }
        while let Some(inner) = expressions.pop() {
            match inner {
                DraftExpression::Reference { to, .. } => drop(found.insert(to.resource.clone())),
                DraftExpression::Json(inner) => expressions.push(inner),
                DraftExpression::List(items) => expressions.extend(items),
                DraftExpression::Object(entries) => expressions.extend(entries.iter().map(|(_, inner)| inner)),
                DraftExpression::Template(parts) => expressions.extend(parts.iter().filter_map(|part| match part {
                    TemplatePart::Expression(inner) => Some(inner),
                    TemplatePart::Text(_) => None,
                })),
                DraftExpression::Literal(_)
                | DraftExpression::Variable(_)
                | DraftExpression::EachValue(_)
                | DraftExpression::EachKey
                | DraftExpression::ToSet(_) => {}
            }
        }
        edges.insert(&draft.address, found);
    }
    let mut done: BTreeSet<&ResourceAddress> = BTreeSet::new();
    let mut referring: BTreeMap<&ResourceAddress, Vec<&ResourceAddress>> = BTreeMap::new();
    let mut n_open: BTreeMap<&ResourceAddress, usize> = BTreeMap::new();
    for (from, found) in &edges {
        let own = found.iter().filter(|to| edges.contains_key(to));
        own.clone().for_each(|to| referring.entry(to).or_default().push(from));
        n_open.insert(from, own.count());
    }
    let mut ready: Vec<&ResourceAddress> =
        n_open.iter().filter(|(_, n_open)| **n_open == 0).map(|(address, _)| *address).collect();
    while let Some(address) = ready.pop() {
        done.insert(address);
        for from in referring.get(address).into_iter().flatten() {
            let n_open = n_open.get_mut(from).expect("every block is counted");
            *n_open -= 1;
            if *n_open == 0 {
                ready.push(from);
            }
        }
    }
    assert_eq!(done.len(), edges.len(), "nothing refers in a circle");
}

fn body(written: &DraftBody, block: &Block, scope: &Scope<'_>) -> Value {
    let mut attributes = BTreeMap::new();
    for (name, attribute) in &block.attributes {
        let ty = attribute.value_type();
        let argument = written.arguments.iter().find(|(other, _)| other == name);
        let blocks: Vec<_> = written.blocks.iter().filter(|block| block.block_type == *name).collect();
        let value = match (argument, &attribute.ty) {
            (Some((_, inner)), AttributeType::Plain(_)) => expression(inner, scope),
            (Some((_, inner)), AttributeType::Nested(nested)) => complete(nested, &expression(inner, scope)),
            (None, AttributeType::Plain(Type::List(element) | Type::Set(element))) if !blocks.is_empty() => {
                let one = |block: &&DraftBlock| {
                    let attribute = |(name, ty): (&str, &Type)| {
                        let argument = block.body.arguments.iter().find(|(other, _)| other == name);
                        let value = argument.map(|(_, inner)| expression(inner, scope));
                        (name.to_owned(), value.unwrap_or_else(|| Value::null(ty.clone())))
                    };
                    Value::object(element.as_object().expect("an object").attributes().map(attribute).collect())
                };
                Value::tuple(blocks.iter().map(one).collect())
            }
            (None, _) => Value::null(ty.clone()),
        };
        attributes.insert(name.clone(), convert(&value, &ty).expect(name));
    }
    for (name, nested) in &block.blocks {
        attributes.insert(name.clone(), blocks(written, name, nested, scope));
    }
    Value::object(attributes)
}

fn blocks(written: &DraftBody, name: &str, nested: &NestedBlock, scope: &Scope<'_>) -> Value {
    let found: Vec<_> = written.blocks.iter().filter(|block| block.block_type == *name).collect();
    let values: Vec<Value> = found.iter().map(|block| body(&block.body, &nested.block, scope)).collect();
    let element = nested.block.value_type();
    match nested.nesting {
        NestingMode::Single => values.into_iter().next().unwrap_or_else(|| Value::null(element)),
        NestingMode::Group => {
            values.into_iter().next().unwrap_or_else(|| body(&DraftBody::default(), &nested.block, scope))
        }
        NestingMode::List => Value::list(element, values).expect("blocks of one type"),
        NestingMode::Set => Value::set(element, values).expect("blocks of one type"),
        NestingMode::Map => {
            let labels = found.iter().map(|block| block.label.clone().expect("a block of a map has a label"));
            Value::map(element, labels.zip(values).collect()).expect("blocks of one type")
        }
    }
}

/// Puts null where a nested object leaves an attribute out.
fn complete(nested: &NestedObject, value: &Value) -> Value {
    if value.is_null() {
        return Value::null(nested.value_type());
    }
    let object = |value: &Value| {
        let attribute = |(name, attribute): (&String, &model::schema::Attribute)| {
            let inner = value.get_attr(name).unwrap_or_else(|_| Value::null(attribute.value_type()));
            let inner = match &attribute.ty {
                AttributeType::Nested(nested) => complete(nested, &inner),
                AttributeType::Plain(_) => inner,
            };
            (name.clone(), inner)
        };
        Value::object(nested.attributes.iter().map(attribute).collect())
    };
    match nested.nesting {
        NestingMode::Single | NestingMode::Group => object(value),
        NestingMode::List | NestingMode::Set => Value::tuple(value.elements().map(object).collect()),
        NestingMode::Map => {
            Value::object(value.entries().map(|(key, inner)| (key.to_owned(), object(inner))).collect())
        }
    }
}

fn expression(written: &DraftExpression, scope: &Scope<'_>) -> Value {
    match written {
        DraftExpression::Literal(value) => {
            assert!(!value.contains_marked(), "no secret is written");
            value.clone()
        }
        DraftExpression::Json(inner) => {
            let value = expression(inner, scope);
            let text = json::encode(&value, value.ty()).expect("JSON");
            Value::string(String::from_utf8(text).expect("UTF-8"))
        }
        DraftExpression::Reference { to, path } => {
            path.apply(scope.objects[to]).unwrap_or_else(|error| panic!("{to}.{path}: {error}"))
        }
        DraftExpression::Variable(name) => scope.variables[name.as_str()].clone(),
        DraftExpression::EachValue(path) => path.apply(scope.each.as_ref().expect("in a group")).expect("a column"),
        DraftExpression::EachKey => Value::string(scope.key.expect("in a group")),
        DraftExpression::Template(parts) => {
            let part = |part: &TemplatePart| match part {
                TemplatePart::Text(text) => text.clone(),
                TemplatePart::Expression(inner) => expression(inner, scope).as_str().expect("a text").to_owned(),
            };
            Value::string(parts.iter().map(part).collect::<String>())
        }
        DraftExpression::List(items) => Value::tuple(items.iter().map(|item| expression(item, scope)).collect()),
        DraftExpression::Object(entries) => {
            Value::object(entries.iter().map(|(key, inner)| (key.clone(), expression(inner, scope))).collect())
        }
        DraftExpression::ToSet(keys) => Value::tuple(keys.iter().map(Value::string).collect()),
    }
}
