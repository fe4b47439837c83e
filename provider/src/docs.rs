//! The provider's pages in a registry, made from its schema and the examples.

use std::collections::BTreeMap;
use std::fmt::Write;

use cty::Type;
use model::{Attribute, Block};
use tfplugin::FunctionSignature;

use crate::{data, function, settings};

const NAME: &str = "driftmgr";

/// An example's place below `examples/`, and its text.
const EXAMPLES: [(&str, &str); 8] = [
    ("provider", include_str!("../../examples/provider/provider.tf")),
    ("import_id", include_str!("../../examples/functions/import_id/function.tf")),
    ("parse_address", include_str!("../../examples/functions/parse_address/function.tf")),
    ("driftmgr_coverage", include_str!("../../examples/data-sources/driftmgr_coverage/data-source.tf")),
    ("driftmgr_drift", include_str!("../../examples/data-sources/driftmgr_drift/data-source.tf")),
    ("driftmgr_resource", include_str!("../../examples/data-sources/driftmgr_resource/data-source.tf")),
    ("driftmgr_resources", include_str!("../../examples/data-sources/driftmgr_resources/data-source.tf")),
    (
        "driftmgr_unmanaged_resources",
        include_str!("../../examples/data-sources/driftmgr_unmanaged_resources/data-source.tf"),
    ),
];

const FRESHNESS: &str = "\
## Where answers come from

The provider answers from the store that `driftmgr scan` fills, or that an earlier run of the provider filled. Where the
store has no answer, or an older one than `max_age`, the provider asks the cloud for exactly the types that are asked for,
and keeps what it saw. With `refresh = false` it never asks, and an answer that is missing or too old is an error.

An answer never pretends: where not everything could be seen, `complete` is false and `causes` says why; where nothing was
found besides, it is an error and not an empty list. What the provider gives ends up in your state, so it carries no value
that is or looks sensitive.

A plan starts a provider several times. To keep one warm while you work, run `terraform-provider-driftmgr --reattach` in
another terminal and set `TF_REATTACH_PROVIDERS` to the line it prints.

## Credentials

The provider finds credentials as other AWS tools do: environment variables, profiles, single sign-on, web identity,
container and instance roles. It only reads. `driftmgr types --permissions` prints the least policy it needs.
";

/// Gives every page: its path in the repository, and its text.
pub fn pages() -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    pages.insert("docs/index.md".to_owned(), index());
    for source in data::ALL {
        let name = source.name();
        let short = name.strip_prefix("driftmgr_").unwrap_or(name);
        let block = source.schema().block;
        let mut page = front_matter(&format!("{name} Data Source - {NAME}"), &block.description);
        let _ = write!(page, "# {name} (Data Source)\n\n{}\n\n", block.description);
        page.push_str(&example(name));
        let nested: BTreeMap<&str, _> = source.nested_fields().into_iter().collect();
        page.push_str(&schema(&block, &nested));
        pages.insert(format!("docs/data-sources/{short}.md"), page);
    }
    for function in function::ALL {
        let name = function.name();
        let signature = function.signature();
        let mut page = front_matter(&format!("{name} function - {NAME}"), &signature.summary);
        let _ = write!(page, "# function: {name}\n\n{}\n\n", signature.description);
        page.push_str(&example(name));
        page.push_str(&function_signature(name, &signature));
        pages.insert(format!("docs/functions/{name}.md"), page);
    }
    pages
}

fn function_signature(name: &str, signature: &FunctionSignature) -> String {
    let parameters: Vec<String> =
        signature.parameters.iter().map(|parameter| format!("{} {}", parameter.name, parameter.ty)).collect();
    let mut text = format!("## Signature\n\n```text\n{name}({}) {}\n```\n", parameters.join(", "), signature.returns);
    text.push_str("\n## Arguments\n\n");
    for (position, parameter) in signature.parameters.iter().enumerate() {
        let ty = type_name(&parameter.ty);
        let _ = writeln!(text, "{}. `{}` ({ty}) {}", position + 1, parameter.name, parameter.description);
    }
    text
}

fn index() -> String {
    let block = settings::schema().block;
    let mut page = front_matter("Provider: driftmgr", &block.description);
    let _ = write!(page, "# driftmgr Provider\n\n{}\n\n", block.description);
    page.push_str(&example("provider"));
    page.push_str(FRESHNESS);
    page.push('\n');
    page.push_str(&schema(&block, &BTreeMap::new()));
    page
}

fn front_matter(title: &str, description: &str) -> String {
    format!("---\npage_title: \"{title}\"\ndescription: |-\n  {description}\n---\n\n")
}

fn example(name: &str) -> String {
    let (_, text) = EXAMPLES.iter().find(|(of, _)| *of == name).expect("every data source and function has an example");
    format!("## Example Usage\n\n```terraform\n{}\n```\n\n", text.trim())
}

/// Lists the arguments and attributes, grouped as registries do.
fn schema(block: &Block, nested: &BTreeMap<&str, Vec<(&str, &str)>>) -> String {
    type Belongs = fn(&Attribute) -> bool;
    let groups: [(&str, Belongs); 3] = [
        ("Required", |attribute| attribute.required),
        ("Optional", |attribute| attribute.optional),
        ("Read-Only", |attribute| attribute.computed && !attribute.optional),
    ];
    let mut text = String::from("## Schema\n");
    for (title, belongs) in groups {
        let entries: Vec<_> = block.attributes.iter().filter(|(_, attribute)| belongs(attribute)).collect();
        if entries.is_empty() {
            continue;
        }
        let _ = write!(text, "\n### {title}\n\n");
        for (name, attribute) in entries {
            let _ = write!(text, "- `{name}` ({}) {}", type_name(&attribute.value_type()), attribute.description);
            if nested.contains_key(name.as_str()) {
                let _ = write!(text, " (see [below](#nested-schema-for-{name}))");
            }
            text.push('\n');
        }
    }
    for (name, fields) in nested {
        let element = block.attributes.get(*name).map(Attribute::value_type);
        let Some(Type::List(element)) = element else { continue };
        let Type::Object(object) = &*element else { continue };
        let _ = write!(text, "\n### Nested Schema for `{name}`\n\nRead-Only:\n\n");
        for (field, description) in fields {
            let ty = object.get(field).map(type_name).unwrap_or_default();
            let _ = writeln!(text, "- `{field}` ({ty}) {description}");
        }
    }
    text
}

fn type_name(ty: &Type) -> String {
    match ty {
        Type::String => "String".to_owned(),
        Type::Number => "Number".to_owned(),
        Type::Bool => "Boolean".to_owned(),
        Type::List(element) if matches!(**element, Type::Object(_)) => "List of Object".to_owned(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Dynamic => "Dynamic".to_owned(),
        Type::Tuple(_) | Type::Object(_) => ty.to_string(),
    }
}
