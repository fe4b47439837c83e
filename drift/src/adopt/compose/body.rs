//! The body of a block, from the value of its configuration.

use cty::Value;
use model::draft::{DraftBlock, DraftBody, DraftExpression};
use model::{Block, NestingMode};

/// Writes every argument that is not null as a literal.
pub(super) fn of(config: &Value, block: &Block) -> DraftBody {
    let argument = |name: &String| {
        let value = config.get_attr(name).ok().filter(|value| !value.is_null())?;
        Some((name.clone(), DraftExpression::Literal(value)))
    };
    let arguments = block.attributes.keys().filter_map(argument).collect();
    let mut blocks = Vec::new();
    for (name, nested) in &block.blocks {
        let Ok(value) = config.get_attr(name) else { continue };
        if value.is_null() {
            continue;
        }
        let one = |label: Option<&str>, value: &Value| DraftBlock {
            block_type: name.clone(),
            label: label.map(str::to_owned),
            body: of(value, &nested.block),
        };
        match nested.nesting {
            NestingMode::Single | NestingMode::Group => blocks.push(one(None, &value)),
            NestingMode::List | NestingMode::Set => {
                blocks.extend(value.elements().map(|element| one(None, element)));
            }
            NestingMode::Map => blocks.extend(value.entries().map(|(key, element)| one(Some(key), element))),
        }
    }
    DraftBody { arguments, blocks }
}
