//! Schemas on the wire: the one place where protocol 5 and protocol 6 become `model::Schema`.

use std::collections::BTreeMap;

use cty::Type;
use model::identity::IdentityAttribute;
use model::{Attribute, AttributeType, Block, IdentitySchema, NestedBlock, NestedObject, NestingMode, Schema};

use super::{function, tfplugin5, tfplugin6};
use crate::{Error, ErrorKind, ProviderSchema};

const OPERATION: &str = "GetProviderSchema";
/// How deeply blocks and nested attributes may lie in each other.
const MAX_DEPTH: usize = 64;
const MARKDOWN: i32 = tfplugin6::StringKind::Markdown as i32;

type Schemas6 = BTreeMap<String, tfplugin6::Schema>;

/// Writes everything a provider offers.
pub(crate) fn encode_provider(schema: &ProviderSchema) -> tfplugin6::get_provider_schema::Response {
    let encode_all = |schemas: &BTreeMap<String, Schema>| {
        schemas.iter().map(|(name, schema)| (name.clone(), encode(schema))).collect()
    };
    tfplugin6::get_provider_schema::Response {
        provider: Some(encode(&schema.provider)),
        provider_meta: schema.provider_meta.as_ref().map(encode),
        resource_schemas: encode_all(&schema.resources),
        data_source_schemas: encode_all(&schema.data_sources),
        list_resource_schemas: encode_all(&schema.list_resources),
        functions: function::encode_all(&schema.functions),
        server_capabilities: Some(capabilities(schema)),
        ..Default::default()
    }
}

/// Writes what a provider can do beyond the least.
pub(crate) fn capabilities(schema: &ProviderSchema) -> tfplugin6::ServerCapabilities {
    tfplugin6::ServerCapabilities {
        plan_destroy: schema.plans_destroy,
        get_provider_schema_optional: true,
        move_resource_state: schema.moves_states,
        generate_resource_config: schema.generates_config,
    }
}

/// Writes one schema.
pub(crate) fn encode(schema: &Schema) -> tfplugin6::Schema {
    tfplugin6::Schema { version: schema.version, block: Some(encode_block(&schema.block, schema.version)) }
}

fn encode_block(block: &Block, version: i64) -> tfplugin6::schema::Block {
    tfplugin6::schema::Block {
        version,
        attributes: encode_attributes(&block.attributes),
        block_types: block
            .blocks
            .iter()
            .map(|(name, nested)| tfplugin6::schema::NestedBlock {
                type_name: name.clone(),
                block: Some(encode_block(&nested.block, 0)),
                nesting: match nested.nesting {
                    NestingMode::Single => 1,
                    NestingMode::List => 2,
                    NestingMode::Set => 3,
                    NestingMode::Map => 4,
                    NestingMode::Group => 5,
                },
                min_items: i64::try_from(nested.min_items).unwrap_or(i64::MAX),
                max_items: i64::try_from(nested.max_items).unwrap_or(i64::MAX),
            })
            .collect(),
        description: block.description.clone(),
        description_kind: i32::from(block.description_is_markdown),
        deprecated: block.deprecated,
        deprecation_message: String::new(),
    }
}

fn encode_attributes(attributes: &BTreeMap<String, Attribute>) -> Vec<tfplugin6::schema::Attribute> {
    attributes
        .iter()
        .map(|(name, attribute)| {
            // One of the two, never both: core refuses a provider that sets both.
            let (plain, nested) = match &attribute.ty {
                AttributeType::Plain(ty) => (ty.to_json(), None),
                AttributeType::Nested(nested) => (String::new(), Some(encode_object(nested))),
            };
            tfplugin6::schema::Attribute {
                name: name.clone(),
                r#type: plain.into(),
                nested_type: nested,
                description: attribute.description.clone(),
                required: attribute.required,
                optional: attribute.optional,
                computed: attribute.computed,
                sensitive: attribute.sensitive,
                description_kind: i32::from(attribute.description_is_markdown),
                deprecated: attribute.deprecated,
                write_only: attribute.write_only,
                deprecation_message: attribute.deprecation_message.clone(),
            }
        })
        .collect()
}

fn encode_object(nested: &NestedObject) -> tfplugin6::schema::Object {
    tfplugin6::schema::Object {
        attributes: encode_attributes(&nested.attributes),
        nesting: match nested.nesting {
            NestingMode::Single | NestingMode::Group => 1,
            NestingMode::List => 2,
            NestingMode::Set => 3,
            NestingMode::Map => 4,
        },
        ..Default::default()
    }
}

/// Writes the identity schemas.
pub(crate) fn encode_identities(
    identities: &BTreeMap<String, IdentitySchema>,
) -> BTreeMap<String, tfplugin6::ResourceIdentitySchema> {
    identities
        .iter()
        .map(|(name, schema)| {
            let identity_attributes = schema
                .attributes
                .iter()
                .map(|(name, attribute)| tfplugin6::resource_identity_schema::IdentityAttribute {
                    name: name.clone(),
                    r#type: attribute.ty.to_json().into(),
                    required_for_import: attribute.required_for_import,
                    optional_for_import: attribute.optional_for_import,
                    description: attribute.description.clone(),
                })
                .collect();
            (name.clone(), tfplugin6::ResourceIdentitySchema { version: schema.version, identity_attributes })
        })
        .collect()
}

/// Reads the identity schemas.
pub(crate) fn decode_identities(
    wire: BTreeMap<String, tfplugin6::ResourceIdentitySchema>,
) -> Result<BTreeMap<String, IdentitySchema>, Error> {
    wire.into_iter()
        .map(|(type_name, schema)| {
            let attributes = schema
                .identity_attributes
                .into_iter()
                .map(|attribute| {
                    let decoded = IdentityAttribute {
                        ty: decode_type(&attribute.r#type, &attribute.name)?,
                        required_for_import: attribute.required_for_import,
                        optional_for_import: attribute.optional_for_import,
                        description: attribute.description,
                    };
                    Ok((attribute.name, decoded))
                })
                .collect::<Result<_, Error>>()
                .map_err(|error| error.with("identity of", &type_name))?;
            Ok((type_name, IdentitySchema { version: schema.version, attributes }))
        })
        .collect()
}

/// Reads what a provider of protocol 6 offers, without identities.
pub(crate) fn decode_provider_6(wire: tfplugin6::get_provider_schema::Response) -> Result<ProviderSchema, Error> {
    let decode_all = |schemas: Schemas6| {
        schemas
            .into_iter()
            .map(|(name, schema)| match decode_6(schema) {
                Ok(schema) => Ok((name, schema)),
                Err(error) => Err(error.with("type", &name)),
            })
            .collect::<Result<BTreeMap<_, _>, Error>>()
    };
    let capabilities = wire.server_capabilities.unwrap_or_default();
    Ok(ProviderSchema {
        provider: decode_6(wire.provider.unwrap_or_default())?,
        provider_meta: wire.provider_meta.map(decode_6).transpose()?,
        resources: decode_all(wire.resource_schemas)?,
        data_sources: decode_all(wire.data_source_schemas)?,
        list_resources: decode_all(wire.list_resource_schemas)?,
        identities: BTreeMap::new(),
        functions: function::decode_all(wire.functions)?,
        plans_destroy: capabilities.plan_destroy,
        generates_config: capabilities.generate_resource_config,
        moves_states: capabilities.move_resource_state,
    })
}

/// Reads what a provider of protocol 5 offers, without identities.
pub(crate) fn decode_provider_5(wire: tfplugin5::get_provider_schema::Response) -> Result<ProviderSchema, Error> {
    let widen_all = |schemas: BTreeMap<String, tfplugin5::Schema>| {
        schemas.into_iter().map(|(name, schema)| (name, widen(schema))).collect()
    };
    decode_provider_6(tfplugin6::get_provider_schema::Response {
        provider: wire.provider.map(widen),
        provider_meta: wire.provider_meta.map(widen),
        resource_schemas: widen_all(wire.resource_schemas),
        data_source_schemas: widen_all(wire.data_source_schemas),
        list_resource_schemas: widen_all(wire.list_resource_schemas),
        functions: wire.functions,
        server_capabilities: wire.server_capabilities,
        ..Default::default()
    })
}

/// Gives a schema of protocol 5 the form of protocol 6, which has everything and nested attributes besides.
fn widen(schema: tfplugin5::Schema) -> tfplugin6::Schema {
    tfplugin6::Schema { version: schema.version, block: schema.block.map(widen_block) }
}

fn widen_block(block: tfplugin5::schema::Block) -> tfplugin6::schema::Block {
    tfplugin6::schema::Block {
        version: block.version,
        attributes: block
            .attributes
            .into_iter()
            .map(|attribute| tfplugin6::schema::Attribute {
                name: attribute.name,
                r#type: attribute.r#type,
                nested_type: None,
                description: attribute.description,
                required: attribute.required,
                optional: attribute.optional,
                computed: attribute.computed,
                sensitive: attribute.sensitive,
                description_kind: attribute.description_kind,
                deprecated: attribute.deprecated,
                write_only: attribute.write_only,
                deprecation_message: attribute.deprecation_message,
            })
            .collect(),
        block_types: block
            .block_types
            .into_iter()
            .map(|nested| tfplugin6::schema::NestedBlock {
                type_name: nested.type_name,
                block: nested.block.map(widen_block),
                nesting: nested.nesting,
                min_items: nested.min_items,
                max_items: nested.max_items,
            })
            .collect(),
        description: block.description,
        description_kind: block.description_kind,
        deprecated: block.deprecated,
        deprecation_message: block.deprecation_message,
    }
}

fn decode_6(wire: tfplugin6::Schema) -> Result<Schema, Error> {
    Ok(Schema { version: wire.version, block: decode_block(wire.block.unwrap_or_default(), 0)? })
}

fn decode_block(wire: tfplugin6::schema::Block, depth: usize) -> Result<Block, Error> {
    check_depth(depth)?;
    let blocks = wire
        .block_types
        .into_iter()
        .map(|nested| {
            let nesting = match nested.nesting {
                1 => NestingMode::Single,
                2 => NestingMode::List,
                3 => NestingMode::Set,
                4 => NestingMode::Map,
                5 => NestingMode::Group,
                other => return Err(unknown_nesting(other, &nested.type_name)),
            };
            let decoded = NestedBlock {
                nesting,
                block: decode_block(nested.block.unwrap_or_default(), depth + 1)?,
                min_items: u64::try_from(nested.min_items).unwrap_or_default(),
                max_items: u64::try_from(nested.max_items).unwrap_or_default(),
            };
            Ok((nested.type_name, decoded))
        })
        .collect::<Result<_, Error>>()?;
    Ok(Block {
        attributes: decode_attributes(wire.attributes, depth)?,
        blocks,
        description: wire.description,
        description_is_markdown: wire.description_kind == MARKDOWN,
        deprecated: wire.deprecated,
    })
}

fn decode_attributes(
    wire: Vec<tfplugin6::schema::Attribute>,
    depth: usize,
) -> Result<BTreeMap<String, Attribute>, Error> {
    wire.into_iter()
        .map(|attribute| {
            let ty = match attribute.nested_type {
                Some(nested) => {
                    if !attribute.r#type.is_empty() {
                        return Err(malformed("It gives an attribute both a type and a nested type.")
                            .with("attribute", attribute.name));
                    }
                    AttributeType::Nested(decode_object(nested, &attribute.name, depth + 1)?)
                }
                None => AttributeType::Plain(decode_type(&attribute.r#type, &attribute.name)?),
            };
            let decoded = Attribute {
                ty,
                description: attribute.description,
                description_is_markdown: attribute.description_kind == MARKDOWN,
                required: attribute.required,
                optional: attribute.optional,
                computed: attribute.computed,
                sensitive: attribute.sensitive,
                write_only: attribute.write_only,
                deprecated: attribute.deprecated,
                deprecation_message: attribute.deprecation_message,
            };
            Ok((attribute.name, decoded))
        })
        .collect()
}

fn decode_object(wire: tfplugin6::schema::Object, name: &str, depth: usize) -> Result<NestedObject, Error> {
    check_depth(depth)?;
    let nesting = match wire.nesting {
        1 => NestingMode::Single,
        2 => NestingMode::List,
        3 => NestingMode::Set,
        4 => NestingMode::Map,
        other => return Err(unknown_nesting(other, name)),
    };
    Ok(NestedObject { nesting, attributes: decode_attributes(wire.attributes, depth)? })
}

fn decode_type(json: &[u8], name: &str) -> Result<Type, Error> {
    Type::from_json(json).map_err(|error| {
        malformed("It gives an attribute a type that does not exist.").with("attribute", name).because(error)
    })
}

fn check_depth(depth: usize) -> Result<(), Error> {
    if depth <= MAX_DEPTH { Ok(()) } else { Err(malformed("Its blocks nest more than 64 levels deep.")) }
}

fn unknown_nesting(nesting: i32, name: &str) -> Error {
    malformed(format!("It nests a block or attribute in the unknown way {nesting}.")).with("name", name)
}

fn malformed(reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Malformed, OPERATION, format!("The provider's schema cannot be used. {reason}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use prost::Message;

    use super::*;

    fn attribute(ty: AttributeType) -> Attribute {
        Attribute {
            ty,
            description: "text".to_owned(),
            description_is_markdown: true,
            required: false,
            optional: true,
            computed: true,
            sensitive: true,
            write_only: true,
            deprecated: true,
            deprecation_message: "use another".to_owned(),
        }
    }

    fn torture() -> Schema {
        let inner = NestedObject {
            nesting: NestingMode::Map,
            attributes: BTreeMap::from([(
                "deep".to_owned(),
                attribute(AttributeType::Plain(Type::list(Type::Number))),
            )]),
        };
        let outer = NestedObject {
            nesting: NestingMode::Set,
            attributes: BTreeMap::from([("inner".to_owned(), attribute(AttributeType::Nested(inner)))]),
        };
        let leaf = Block {
            attributes: BTreeMap::from([("x".to_owned(), attribute(AttributeType::Plain(Type::Dynamic)))]),
            ..Block::default()
        };
        let modes = [NestingMode::Single, NestingMode::Group, NestingMode::List, NestingMode::Set, NestingMode::Map];
        let blocks = modes.into_iter().enumerate().map(|(index, nesting)| {
            (format!("block_{index}"), NestedBlock { nesting, block: leaf.clone(), min_items: 1, max_items: 7 })
        });
        Schema {
            version: 3,
            block: Block {
                attributes: BTreeMap::from([
                    ("plain".to_owned(), attribute(AttributeType::Plain(Type::map(Type::Bool)))),
                    ("nested".to_owned(), attribute(AttributeType::Nested(outer))),
                ]),
                blocks: blocks.collect(),
                description: "A *torture* resource.".to_owned(),
                description_is_markdown: true,
                deprecated: true,
            },
        }
    }

    #[test]
    fn a_schema_survives_the_wire() {
        let wire = tfplugin6::Schema::decode(&*encode(&torture()).encode_to_vec()).unwrap();
        assert_eq!(decode_6(wire).unwrap(), torture());
    }

    #[test]
    fn an_attribute_has_a_type_or_a_nested_type_never_both() {
        for attribute in encode(&torture()).block.unwrap().attributes {
            assert_ne!(attribute.r#type.is_empty(), attribute.nested_type.is_none(), "{}", attribute.name);
        }
        let mut both = encode(&torture());
        let attributes = &mut both.block.as_mut().unwrap().attributes;
        for attribute in attributes {
            attribute.r#type = "\"string\"".into();
        }
        let error = decode_6(both).unwrap_err();
        assert!(error.to_string().contains("both a type and a nested type"), "{error}");
    }

    #[test]
    fn protocol_5_keeps_its_own_numbers() {
        let wire = tfplugin5::schema::Attribute {
            name: "secret".to_owned(),
            r#type: "\"string\"".into(),
            write_only: true,
            deprecation_message: "old".to_owned(),
            ..Default::default()
        };
        let bytes = tfplugin5::Schema {
            version: 1,
            block: Some(tfplugin5::schema::Block { attributes: vec![wire], ..Default::default() }),
        }
        .encode_to_vec();
        assert!(tfplugin6::Schema::decode(&*bytes).is_err(), "field 10 is a flag in one and a message in the other");
        let schema = decode_6(widen(tfplugin5::Schema::decode(&*bytes).unwrap())).unwrap();
        let secret = &schema.block.attributes["secret"];
        assert!(secret.write_only);
        assert_eq!(secret.deprecation_message, "old");
    }

    #[test]
    fn endless_nesting_is_refused() {
        let mut block = tfplugin6::schema::Block::default();
        for _ in 0..70 {
            let nested = tfplugin6::schema::NestedBlock { block: Some(block), nesting: 1, ..Default::default() };
            block = tfplugin6::schema::Block { block_types: vec![nested], ..Default::default() };
        }
        let error = decode_6(tfplugin6::Schema { version: 0, block: Some(block) }).unwrap_err();
        assert!(error.to_string().contains("64 levels"), "{error}");
    }
}
