//! Schemas as JSON: whole, so that a player needs no provider.

use std::collections::BTreeMap;

use cty::Type;
use model::identity::IdentityAttribute;
use model::{Attribute, AttributeType, Block, IdentitySchema, NestedBlock, NestedObject, NestingMode, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{FunctionParameter, FunctionSignature, ProviderSchema};

type Named<T> = BTreeMap<String, T>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenProviderSchema {
    provider: WrittenSchema,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider_meta: Option<WrittenSchema>,
    resources: Named<WrittenSchema>,
    data_sources: Named<WrittenSchema>,
    list_resources: Named<WrittenSchema>,
    identities: Named<WrittenIdentity>,
    functions: Named<WrittenFunction>,
    plans_destroy: bool,
    generates_config: bool,
    moves_states: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSchema {
    version: i64,
    block: WrittenBlock,
}

#[derive(Serialize, Deserialize)]
struct WrittenBlock {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: Named<WrittenAttribute>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blocks: Named<WrittenNestedBlock>,
    #[serde(flatten)]
    text: Text,
}

/// What people are told about a part of a schema.
#[derive(Default, Serialize, Deserialize)]
struct Text {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "is_false")]
    description_is_markdown: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    deprecated: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    deprecation_message: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenAttribute {
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    ty: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nested: Option<WrittenNestedObject>,
    /// What is true of it: `required`, `optional`, `computed`, `sensitive`, `write_only`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    is: Vec<String>,
    #[serde(flatten)]
    text: Text,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNestedObject {
    nesting: Nesting,
    attributes: Named<WrittenAttribute>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNestedBlock {
    nesting: Nesting,
    block: WrittenBlock,
    #[serde(default)]
    min_items: u64,
    #[serde(default)]
    max_items: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Nesting {
    Single,
    Group,
    List,
    Set,
    Map,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIdentity {
    version: i64,
    attributes: Named<WrittenIdentityAttribute>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIdentityAttribute {
    #[serde(rename = "type")]
    ty: Json,
    #[serde(default, skip_serializing_if = "is_false")]
    required_for_import: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    optional_for_import: bool,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenFunction {
    parameters: Vec<WrittenParameter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variadic_parameter: Option<WrittenParameter>,
    returns: Json,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    summary: String,
    #[serde(flatten)]
    text: Text,
}

#[derive(Serialize, Deserialize)]
struct WrittenParameter {
    name: String,
    #[serde(rename = "type")]
    ty: Json,
    #[serde(default, skip_serializing_if = "is_false")]
    allows_null: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    allows_unknown: bool,
    #[serde(flatten)]
    text: Text,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Writes a schema.
pub(super) fn encode(from: &ProviderSchema) -> WrittenProviderSchema {
    let ProviderSchema {
        provider,
        provider_meta,
        resources,
        data_sources,
        list_resources,
        identities,
        functions,
        plans_destroy,
        generates_config,
        moves_states,
    } = from;
    WrittenProviderSchema {
        provider: write_schema(provider),
        provider_meta: provider_meta.as_ref().map(write_schema),
        resources: each(resources, write_schema),
        data_sources: each(data_sources, write_schema),
        list_resources: each(list_resources, write_schema),
        identities: each(identities, write_identity),
        functions: each(functions, write_function),
        plans_destroy: *plans_destroy,
        generates_config: *generates_config,
        moves_states: *moves_states,
    }
}

/// Reads a schema.
pub(super) fn decode(from: WrittenProviderSchema) -> Result<ProviderSchema, String> {
    Ok(ProviderSchema {
        provider: read_schema(from.provider)?,
        provider_meta: from.provider_meta.map(read_schema).transpose()?,
        resources: try_each(from.resources, read_schema)?,
        data_sources: try_each(from.data_sources, read_schema)?,
        list_resources: try_each(from.list_resources, read_schema)?,
        identities: try_each(from.identities, read_identity)?,
        functions: try_each(from.functions, read_function)?,
        plans_destroy: from.plans_destroy,
        generates_config: from.generates_config,
        moves_states: from.moves_states,
    })
}

fn each<T, U>(from: &Named<T>, write: fn(&T) -> U) -> Named<U> {
    from.iter().map(|(name, one)| (name.clone(), write(one))).collect()
}

fn try_each<T, U>(from: Named<T>, read: fn(T) -> Result<U, String>) -> Result<Named<U>, String> {
    from.into_iter()
        .map(|(name, one)| match read(one) {
            Ok(one) => Ok((name, one)),
            Err(error) => Err(format!("{name}: {error}")),
        })
        .collect()
}

fn write_type(ty: &Type) -> Json {
    serde_json::from_str(&ty.to_json()).unwrap_or(Json::Null)
}

fn read_type(json: &Json) -> Result<Type, String> {
    Type::from_json_value(json).map_err(|error| format!("it has no type: {error}"))
}

fn write_schema(from: &Schema) -> WrittenSchema {
    WrittenSchema { version: from.version, block: write_block(&from.block) }
}

fn read_schema(from: WrittenSchema) -> Result<Schema, String> {
    Ok(Schema { version: from.version, block: read_block(from.block)? })
}

fn write_block(from: &Block) -> WrittenBlock {
    WrittenBlock {
        attributes: each(&from.attributes, write_attribute),
        blocks: each(&from.blocks, |nested| WrittenNestedBlock {
            nesting: write_nesting(nested.nesting),
            block: write_block(&nested.block),
            min_items: nested.min_items,
            max_items: nested.max_items,
        }),
        text: Text {
            description: from.description.clone(),
            description_is_markdown: from.description_is_markdown,
            deprecated: from.deprecated,
            deprecation_message: String::new(),
        },
    }
}

fn read_block(from: WrittenBlock) -> Result<Block, String> {
    Ok(Block {
        attributes: try_each(from.attributes, read_attribute)?,
        blocks: try_each(from.blocks, |nested| {
            Ok(NestedBlock {
                nesting: read_nesting(nested.nesting),
                block: read_block(nested.block)?,
                min_items: nested.min_items,
                max_items: nested.max_items,
            })
        })?,
        description: from.text.description,
        description_is_markdown: from.text.description_is_markdown,
        deprecated: from.text.deprecated,
    })
}

fn write_attribute(from: &Attribute) -> WrittenAttribute {
    let flags = [
        ("required", from.required),
        ("optional", from.optional),
        ("computed", from.computed),
        ("sensitive", from.sensitive),
        ("write_only", from.write_only),
    ];
    let (ty, nested) = match &from.ty {
        AttributeType::Plain(ty) => (Some(write_type(ty)), None),
        AttributeType::Nested(nested) => {
            let attributes = each(&nested.attributes, write_attribute);
            (None, Some(WrittenNestedObject { nesting: write_nesting(nested.nesting), attributes }))
        }
    };
    WrittenAttribute {
        ty,
        nested,
        is: flags.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned()).collect(),
        text: Text {
            description: from.description.clone(),
            description_is_markdown: from.description_is_markdown,
            deprecated: from.deprecated,
            deprecation_message: from.deprecation_message.clone(),
        },
    }
}

fn read_attribute(from: WrittenAttribute) -> Result<Attribute, String> {
    let ty = match (from.ty, from.nested) {
        (Some(ty), None) => AttributeType::Plain(read_type(&ty)?),
        (None, Some(nested)) => AttributeType::Nested(NestedObject {
            nesting: read_nesting(nested.nesting),
            attributes: try_each(nested.attributes, read_attribute)?,
        }),
        _ => return Err("an attribute has a type or nested attributes, and not both".to_owned()),
    };
    let known = ["required", "optional", "computed", "sensitive", "write_only"];
    if let Some(flag) = from.is.iter().find(|flag| !known.contains(&flag.as_str())) {
        return Err(format!("{flag:?} is nothing that an attribute can be"));
    }
    let is = |name: &str| from.is.iter().any(|flag| flag == name);
    Ok(Attribute {
        ty,
        required: is("required"),
        optional: is("optional"),
        computed: is("computed"),
        sensitive: is("sensitive"),
        write_only: is("write_only"),
        description: from.text.description,
        description_is_markdown: from.text.description_is_markdown,
        deprecated: from.text.deprecated,
        deprecation_message: from.text.deprecation_message,
    })
}

fn write_nesting(nesting: NestingMode) -> Nesting {
    match nesting {
        NestingMode::Single => Nesting::Single,
        NestingMode::Group => Nesting::Group,
        NestingMode::List => Nesting::List,
        NestingMode::Set => Nesting::Set,
        NestingMode::Map => Nesting::Map,
    }
}

fn read_nesting(nesting: Nesting) -> NestingMode {
    match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::Group => NestingMode::Group,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    }
}

fn write_identity(from: &IdentitySchema) -> WrittenIdentity {
    WrittenIdentity {
        version: from.version,
        attributes: each(&from.attributes, |attribute| WrittenIdentityAttribute {
            ty: write_type(&attribute.ty),
            required_for_import: attribute.required_for_import,
            optional_for_import: attribute.optional_for_import,
            description: attribute.description.clone(),
        }),
    }
}

fn read_identity(from: WrittenIdentity) -> Result<IdentitySchema, String> {
    let attributes = try_each(from.attributes, |attribute| {
        Ok(IdentityAttribute {
            ty: read_type(&attribute.ty)?,
            required_for_import: attribute.required_for_import,
            optional_for_import: attribute.optional_for_import,
            description: attribute.description,
        })
    })?;
    Ok(IdentitySchema { version: from.version, attributes })
}

fn write_function(from: &FunctionSignature) -> WrittenFunction {
    WrittenFunction {
        parameters: from.parameters.iter().map(write_parameter).collect(),
        variadic_parameter: from.variadic_parameter.as_ref().map(write_parameter),
        returns: write_type(&from.returns),
        summary: from.summary.clone(),
        text: Text {
            description: from.description.clone(),
            description_is_markdown: from.description_is_markdown,
            deprecated: false,
            deprecation_message: from.deprecation_message.clone(),
        },
    }
}

fn read_function(from: WrittenFunction) -> Result<FunctionSignature, String> {
    Ok(FunctionSignature {
        parameters: from.parameters.into_iter().map(read_parameter).collect::<Result<_, String>>()?,
        variadic_parameter: from.variadic_parameter.map(read_parameter).transpose()?,
        returns: read_type(&from.returns)?,
        summary: from.summary,
        description: from.text.description,
        description_is_markdown: from.text.description_is_markdown,
        deprecation_message: from.text.deprecation_message,
    })
}

fn write_parameter(from: &FunctionParameter) -> WrittenParameter {
    WrittenParameter {
        name: from.name.clone(),
        ty: write_type(&from.ty),
        allows_null: from.allows_null,
        allows_unknown: from.allows_unknown,
        text: Text {
            description: from.description.clone(),
            description_is_markdown: from.description_is_markdown,
            ..Text::default()
        },
    }
}

fn read_parameter(from: WrittenParameter) -> Result<FunctionParameter, String> {
    Ok(FunctionParameter {
        name: from.name,
        ty: read_type(&from.ty)?,
        allows_null: from.allows_null,
        allows_unknown: from.allows_unknown,
        description: from.text.description,
        description_is_markdown: from.text.description_is_markdown,
    })
}
