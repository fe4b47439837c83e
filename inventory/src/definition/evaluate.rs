//! From a native object, details merged in, to what it is for everybody else. Pure: no IO.

use std::collections::BTreeMap;

use model::Standing;
use serde_json::Value;

use super::catalog::Catalog;
use super::condition::{StandingRule, Tags};
use super::mapping::{AttributePath, AttributeStep};
use super::resource_type::{AttributeMapping, TagSource, TerraformMapping, TypeDefinition};
use super::template::{MissingValue, Subject, scalar_text};

/// What a definition makes of a native object.
///
/// Of the native object itself only what is listed here is kept: a definition is an allow-list.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedObject {
    /// Native key, unique within type, account and region.
    pub key: String,
    /// ARN, where the type has one.
    pub arn: Option<String>,
    /// Name people know the object by.
    pub name: Option<String>,
    /// Region the object lives in; `None` for global types.
    pub region: Option<String>,
    /// Tags; `None` where they were not fetched or the type has none.
    pub tags: Option<Tags>,
    /// Whether the object may be adopted, and if not, why.
    pub standing: Standing,
    /// What the object is in Terraform; `None` where no mapping holds.
    pub terraform: Option<TerraformObject>,
    /// Terraform attributes with the values the API gave, in order of path.
    pub attributes: Vec<MappedAttribute>,
}

/// One Terraform attribute with the value the API gave.
#[derive(Clone, Debug, PartialEq)]
pub struct MappedAttribute {
    /// The attribute.
    pub path: AttributePath,
    /// Its value in Terraform's shape.
    pub value: Value,
    /// True when the value changes by itself and must not be compared.
    pub volatile: bool,
}

/// A native object's Terraform side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerraformObject {
    /// Resource type, for example `aws_vpc`.
    pub resource_type: String,
    /// The id that `import` takes.
    pub import_id: String,
    /// Identity attributes.
    pub identity: BTreeMap<String, String>,
}

impl TypeDefinition {
    /// Removes what must never be kept from a native object; the first thing done with every response.
    pub fn scrub(&self, object: &mut Value) {
        for pointer in &self.sensitive {
            pointer.remove(object);
        }
    }

    /// Returns true when the object does not count as existing.
    pub fn skips(&self, subject: &Subject<'_>) -> bool {
        let tags = self.tags_of(subject).unwrap_or_default();
        self.skip_if.iter().any(|condition| condition.holds(subject, &tags))
    }

    /// Returns the tags, or `None` where the type has none or they were not fetched.
    pub fn tags_of(&self, subject: &Subject<'_>) -> Option<Tags> {
        let source = self.tags.as_ref()?;
        let unfetched = source.at.root_key().is_some_and(|key| {
            self.details.iter().any(|detail| detail.name == key) && subject.object.get(key).is_none()
        });
        if unfetched { None } else { Some(source.read(subject.object)) }
    }

    /// Maps a native object; the error names the key, ARN or import id that could not be formed.
    pub fn map(&self, subject: &Subject<'_>, catalog: &Catalog) -> Result<MappedObject, MissingValue> {
        let tags = self.tags_of(subject);
        let known_tags = tags.clone().unwrap_or_default();
        let details = self.detail_names();
        let text =
            |mapping: &super::Mapping| mapping.value(subject, &known_tags, &details).as_ref().and_then(scalar_text);
        let region = match (&self.region, self.reach) {
            (Some(mapping), _) => text(mapping),
            (None, super::Reach::Regional) => Some(subject.scope.region.clone()),
            (None, super::Reach::Global) => None,
        };
        let mapping = self
            .terraform
            .iter()
            .find(|mapping| mapping.when.as_ref().is_none_or(|when| when.holds(subject, &known_tags)));
        let reserved =
            catalog.cloud(&self.cloud).map(|cloud| cloud.reserved_tag_prefixes.as_slice()).unwrap_or_default();
        let settable: Option<Tags> = tags.clone().map(|tags| {
            let is_reserved = |key: &str| reserved.iter().any(|prefix| key.starts_with(prefix.as_str()));
            tags.into_iter().filter(|(key, _)| !is_reserved(key)).collect()
        });
        // What no mapping fits is not Terraform's to compare; a type without mappings claims objects of others.
        let attributes = if mapping.is_some() || self.terraform.is_empty() {
            self.attributes_of(mapping, subject, settable.as_ref())
        } else {
            Vec::new()
        };
        Ok(MappedObject {
            key: self.key.render(subject)?,
            arn: self.arn.as_ref().map(|arn| arn.render(subject)).transpose()?,
            name: self.name_of.as_ref().and_then(text),
            region,
            standing: self.standing(subject, &known_tags, catalog),
            terraform: mapping.map(|mapping| mapping.object(subject)).transpose()?,
            attributes,
            tags,
        })
    }

    fn attributes_of(
        &self,
        mapping: Option<&TerraformMapping>,
        subject: &Subject<'_>,
        tags: Option<&Tags>,
    ) -> Vec<MappedAttribute> {
        let details = self.detail_names();
        let no_tags = Tags::new();
        let value = |attribute: &AttributeMapping| {
            if attribute.mapping.is_tags() && tags.is_none() {
                return None;
            }
            attribute.mapping.value(subject, tags.unwrap_or(&no_tags), &details)
        };
        let mut attributes: Vec<_> = self
            .attributes
            .iter()
            .chain(mapping.into_iter().flat_map(|mapping| &mapping.attributes))
            .filter_map(|attribute| {
                Some(MappedAttribute {
                    path: attribute.path.clone(),
                    value: value(attribute)?,
                    volatile: attribute.volatile,
                })
            })
            .collect();
        attributes.sort_by(|left, right| left.path.cmp(&right.path));
        attributes
    }

    fn standing(&self, subject: &Subject<'_>, tags: &Tags, catalog: &Catalog) -> Standing {
        let first = |rules: &[StandingRule]| {
            rules.iter().find(|rule| rule.when.holds(subject, tags)).map(|rule| {
                let reason = rule.reason.render(subject).unwrap_or_else(|_| rule.reason.to_string());
                (reason, rule.by.clone())
            })
        };
        if let Some((reason, _)) = first(&self.default_if).or_else(|| first(&self.service_made_if)) {
            return Standing::Default(reason);
        }
        let elsewhere = first(&self.managed_elsewhere_if)
            .or_else(|| catalog.cloud(&self.cloud).and_then(|cloud| first(&cloud.managed_elsewhere)));
        match elsewhere {
            Some((evidence, by)) => {
                Standing::ManagedElsewhere { by: by.unwrap_or_else(|| "another tool".to_owned()), evidence }
            }
            None => Standing::Ordinary,
        }
    }
}

impl TerraformMapping {
    fn object(&self, subject: &Subject<'_>) -> Result<TerraformObject, MissingValue> {
        let identity = self
            .identity
            .iter()
            .map(|(name, template)| Ok((name.clone(), template.render(subject)?)))
            .collect::<Result<_, MissingValue>>()?;
        Ok(TerraformObject {
            resource_type: self.resource_type.clone(),
            import_id: self.import_id.render(subject)?,
            identity,
        })
    }
}

impl TagSource {
    fn read(&self, object: &Value) -> Tags {
        match &self.fields {
            None => match self.at.first(object) {
                Some(Value::Object(fields)) => {
                    fields.iter().filter_map(|(key, value)| Some((key.clone(), scalar_text(value)?))).collect()
                }
                _ => Tags::new(),
            },
            Some((key_field, value_field)) => self
                .at
                .elements(object)
                .into_iter()
                .filter_map(|element| {
                    let key = element.get(key_field).and_then(scalar_text)?;
                    Some((key, element.get(value_field).and_then(scalar_text).unwrap_or_default()))
                })
                .collect(),
        }
    }
}

impl MappedObject {
    /// Returns the attributes by top-level name, nested paths folded into lists and objects.
    ///
    /// `rule[0].status` becomes `rule = [{status = …}]`: what was not mapped is absent, not null.
    pub fn attribute_tree(&self) -> BTreeMap<String, Value> {
        let mut tree = Value::Object(serde_json::Map::new());
        for attribute in &self.attributes {
            let mut place = &mut tree;
            for step in &attribute.path.steps {
                place = match step {
                    AttributeStep::Attribute(name) => {
                        if !place.is_object() {
                            *place = Value::Object(serde_json::Map::new());
                        }
                        place.as_object_mut().expect("made an object above").entry(name.clone()).or_insert(Value::Null)
                    }
                    AttributeStep::Index(index) => {
                        if !place.is_array() {
                            *place = Value::Array(Vec::new());
                        }
                        let elements = place.as_array_mut().expect("made a list above");
                        while elements.len() <= *index {
                            elements.push(Value::Null);
                        }
                        &mut elements[*index]
                    }
                };
            }
            *place = attribute.value.clone();
        }
        match tree {
            Value::Object(fields) => fields.into_iter().collect(),
            _ => BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;

    use super::*;
    use crate::definition::{DefinitionSource, ScopeValues};

    const CLOUD: &str = "
schema: 1
title: Test
provider: test/test
signing: sigv4
partitions: {aws: {dns_suffix: test.invalid, global_region: us-east-1, pattern: '.'}}
limits: {requests_per_second: 10, concurrency: 5}
services: {svc: {protocol: json, target_prefix: T, json_version: '1.1', endpoint: 'https://x'}}
errors: {}
managed_elsewhere: [{when: {tag: stack, exists: true}, by: Stacker, reason: 'stack of {/Id}'}]
reserved_tag_prefixes: ['aws:']
caller: {service: svc, action: GetCaller, account: /A, identity: /B}
source: {errors: https://example.com}
";
    const THING: &str = "
schema: 1
title: Thing
service: svc
scope: regional
list: {action: ListThings, items: /Things}
details: {tags: {need: on_demand, action: ListTags, result: /Tags}}
key: '{/Id}'
name: {tag: Name}
tags: {at: /tags}
default_if: [{when: {at: /Default, equals: true}, reason: every account has it}]
service_made_if: [{when: {at: /Owner, equals: svc}, reason: svc made it}]
attributes:
  tags_all: {tags: true}
  rule[0].status: /Status
  rule[0].days: {at: /Days, type: number}
  size: {at: /Size, type: number}
volatile: [size]
terraform:
  - {type: test_big_thing, when: {at: /Size, equals: 100}, import_id: 'big/{/Id}', attributes: {big: {constant: yes}}}
  - {type: test_thing, import_id: '{/Id}', identity: {id: '{/Id}', region: '{region}'}}
permissions: [svc:ListThings]
source: {list: https://example.com}
";

    fn map(object: &Value) -> Result<MappedObject, MissingValue> {
        let source = |name: &str, text: &'static str| DefinitionSource { name: name.into(), text: Cow::Borrowed(text) };
        let catalog = Catalog::compile(&[source("t/cloud.yaml", CLOUD), source("t/thing.yaml", THING)]);
        let catalog = catalog.unwrap_or_else(|errors| panic!("{errors}"));
        let scope = ScopeValues { region: "eu-west-1".to_owned(), ..ScopeValues::default() };
        let subject = Subject { object, parent: None, scope: &scope };
        catalog.get("t.thing").expect("compiled").map(&subject, &catalog)
    }

    #[test]
    fn nested_attributes_fold_and_reserved_tags_stay_out_of_them() {
        let object = json!({"Id": "a", "Status": "on", "Days": "7", "Size": 3, "tags": {"Name": "n", "aws:x": "y"}});
        let mapped = map(&object).expect("maps");
        assert_eq!(mapped.name.as_deref(), Some("n"));
        assert_eq!(mapped.tags.as_ref().expect("fetched").len(), 2);
        assert_eq!(
            json!(mapped.attribute_tree()),
            json!({"rule": [{"status": "on", "days": 7}], "size": 3, "tags_all": {"Name": "n"}})
        );
        let volatile: Vec<_> = mapped.attributes.iter().filter(|a| a.volatile).map(|a| a.path.to_string()).collect();
        assert_eq!(volatile, ["size"]);
        let terraform = mapped.terraform.expect("mapped");
        assert_eq!((terraform.resource_type.as_str(), terraform.import_id.as_str()), ("test_thing", "a"));
        assert_eq!(terraform.identity["region"], "eu-west-1");
    }

    #[test]
    fn the_first_mapping_whose_condition_holds_counts() {
        let mapped = map(&json!({"Id": "a", "Size": "100"})).expect("maps");
        assert_eq!(mapped.terraform.expect("mapped").import_id, "big/a");
        assert!(mapped.attributes.iter().any(|attribute| attribute.path.to_string() == "big"));
    }

    #[test]
    fn unfetched_tags_are_unknown_and_no_tags_are_none() {
        let unfetched = map(&json!({"Id": "a"})).expect("maps");
        assert_eq!(unfetched.tags, None);
        assert!(!unfetched.attributes.iter().any(|attribute| attribute.path.to_string() == "tags_all"));
        let none = map(&json!({"Id": "a", "tags": null})).expect("maps");
        assert_eq!(none.tags, Some(Tags::new()));
    }

    #[test]
    fn a_default_is_that_first_and_a_missing_key_is_an_error() {
        let standing = |object: Value| map(&object).expect("maps").standing;
        let elsewhere = json!({"Id": "a", "tags": {"stack": "s"}});
        assert_eq!(
            standing(elsewhere),
            Standing::ManagedElsewhere { by: "Stacker".to_owned(), evidence: "stack of a".to_owned() }
        );
        let service = json!({"Id": "a", "Owner": "svc", "tags": {"stack": "s"}});
        assert_eq!(standing(service), Standing::Default("svc made it".to_owned()));
        let default = json!({"Id": "a", "Owner": "svc", "Default": "true"});
        assert_eq!(standing(default), Standing::Default("every account has it".to_owned()));
        assert_eq!(standing(json!({"Id": "a"})), Standing::Ordinary);
        assert_eq!(map(&json!({"Name": "a"})).expect_err("no key").placeholder, "/Id");
    }
}
