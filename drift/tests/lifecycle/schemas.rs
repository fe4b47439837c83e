//! Short ways to write schemas and values.

use cty::{Type, Value};
use model::{Attribute, AttributeType, Block, NestedBlock, NestedObject, NestingMode};

/// Makes an attribute that the letters describe: `r`equired, `o`ptional, `c`omputed, `w`rite-only, `s`ensitive.
pub(crate) fn attribute(flags: &str, ty: AttributeType) -> Attribute {
    Attribute {
        required: flags.contains('r'),
        optional: flags.contains('o'),
        computed: flags.contains('c'),
        sensitive: flags.contains('s'),
        write_only: flags.contains('w'),
        ..Attribute::optional(ty)
    }
}

pub(crate) fn plain(flags: &str, ty: Type) -> Attribute {
    attribute(flags, AttributeType::Plain(ty))
}

pub(crate) fn nested<const N: usize>(
    flags: &str,
    nesting: NestingMode,
    attributes: [(&str, Attribute); N],
) -> Attribute {
    let attributes = attributes.map(|(name, attribute)| (name.to_owned(), attribute)).into();
    attribute(flags, AttributeType::Nested(NestedObject { nesting, attributes }))
}

pub(crate) fn block<const N: usize, const M: usize>(
    attributes: [(&str, Attribute); N],
    blocks: [(&str, NestedBlock); M],
) -> Block {
    Block {
        attributes: attributes.map(|(name, attribute)| (name.to_owned(), attribute)).into(),
        blocks: blocks.map(|(name, nested)| (name.to_owned(), nested)).into(),
        ..Block::default()
    }
}

pub(crate) fn in_blocks(nesting: NestingMode, block: Block) -> NestedBlock {
    NestedBlock { nesting, block, min_items: 0, max_items: 0 }
}

/// Reads the JSON of a block's value; what is missing is null.
pub(crate) fn value(block: &Block, json: &str) -> Value {
    cty::json::decode(json.as_bytes(), &block.value_type()).expect("a value of the block")
}
