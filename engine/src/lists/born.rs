//! What comes with something that is recorded: a VPC's main route table, an instance's root volume.
//!
//! The provider says so: an attribute of the recorded instance that nobody but the provider can set names the object.

use std::collections::{BTreeMap, HashMap};

use ::drift::RecordedAttributes;
use cty::Value;
use model::{Attribute, AttributeType, Block, ImportId, RecordedInstance, ResourceMode, Standing};

use super::{Context, Lister, Lists};

/// Marks the objects that recorded instances name in attributes of which only the provider is the author.
pub(super) fn mark(lists: &mut Lists, listers: &[Lister], context: Context<'_>) {
    let mut wanted: HashMap<String, Vec<usize>> = HashMap::new();
    for (position, listed) in lists.objects.iter().enumerate() {
        let object = &listed.object;
        if object.standing == Standing::Ordinary {
            let import_id = object.import_id.as_ref().map(ImportId::to_string);
            for text in import_id.into_iter().chain(object.arn.clone()) {
                wanted.entry(text).or_default().push(position);
            }
        }
    }
    if wanted.is_empty() {
        return;
    }
    for (position, instance) in context.states.recorded.iter().enumerate() {
        let name = instance.address.resource_type().as_str();
        let lister = listers.iter().find(|lister| lister.name.provider == instance.provider.provider);
        let schema = lister.and_then(|lister| lister.schema.resources.get(name));
        let (Some(schema), ResourceMode::Managed) = (schema, instance.address.resource.mode) else { continue };
        let Ok(attributes) = context.states.all_attributes(position) else { continue };
        let mut named = Vec::new();
        gather_block(&schema.block, &attributes, None, &mut named);
        for (text, attribute) in named.into_iter().filter(|(text, _)| !is_itself(instance, text)) {
            for position in wanted.get(text).into_iter().flatten() {
                let reason = format!("It came with {}, whose `{attribute}` names it.", instance.address);
                lists.objects[*position].object.standing = Standing::Default(reason);
            }
        }
    }
}

/// Tells whether a text is what the instance itself is called: a policy of a queue has the queue's own name.
fn is_itself(instance: &RecordedInstance, text: &str) -> bool {
    [&instance.id, &instance.import_id].into_iter().flatten().any(|id| id.as_str() == text)
        || instance.arn.as_deref() == Some(text)
}

/// Gathers the texts that only the provider sets, each with the outermost attribute or block it is in.
fn gather_block<'a>(block: &Block, value: &'a Value, within: Option<&'a str>, named: &mut Vec<(&'a str, &'a str)>) {
    gather(&block.attributes, value, within, named);
    for (name, member) in value.entries() {
        if let Some(nested) = block.blocks.get(name) {
            for object in objects(member) {
                gather_block(&nested.block, object, within.or(Some(name)), named);
            }
        }
    }
}

fn gather<'a>(
    attributes: &BTreeMap<String, Attribute>,
    value: &'a Value,
    within: Option<&'a str>,
    named: &mut Vec<(&'a str, &'a str)>,
) {
    for (name, member) in value.entries() {
        let Some(attribute) = attributes.get(name) else { continue };
        let is_providers = attribute.computed && !attribute.optional && !attribute.required;
        match &attribute.ty {
            AttributeType::Nested(nested) => {
                for object in objects(member) {
                    gather(&nested.attributes, object, within.or(Some(name)), named);
                }
            }
            AttributeType::Plain(_) if is_providers && !attribute.sensitive && !member.is_marked() => {
                named.extend(member.as_str().map(|text| (text, within.unwrap_or(name))));
            }
            AttributeType::Plain(_) => {}
        }
    }
}

/// Gives the objects of a nested block or attribute, as a state without types has them.
fn objects(value: &Value) -> Vec<&Value> {
    if value.is_marked() || value.is_null() {
        return Vec::new();
    }
    let elements: Vec<&Value> = value.elements().collect();
    if elements.is_empty() || elements.iter().any(|element| element.as_str().is_some()) {
        vec![value]
    } else {
        elements
    }
}
