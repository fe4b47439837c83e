//! Drafts: configuration to be written, as data. `drift` decides what stands in it, `hcl` turns it into text.
//!
//! A draft says what each argument is written as (a literal, a reference, a variable …), in the order in which it is to
//! be read. How a literal is spelled (quoted, heredoc, over several lines) is no part of it, but for what changes the
//! value: JSON text that is written through `jsonencode` gets that function's spelling.

use cty::{Path, Type, Value};

use crate::{Identity, ImportId, InstanceAddress, ResourceAddress};

/// A resource block to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its address; the module says in whose configuration it stands.
    pub address: ResourceAddress,
    /// The provider configuration, where it is not the default one: `aws.west`.
    pub provider: Option<String>,
    /// What it is repeated for; the instances' keys are those of this object.
    pub for_each: Option<DraftExpression>,
    /// Its arguments and blocks.
    pub body: DraftBody,
    /// What `lifecycle` has to ignore: what nobody can read back, and must not be changed by the next apply.
    pub ignore_changes: Vec<Path>,
    /// What a reviewer must know, a sentence each; they stand above the block.
    pub remarks: Vec<String>,
}

/// What stands between the braces of a block, in order: arguments first, blocks behind them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DraftBody {
    /// Arguments.
    pub arguments: Vec<(String, DraftExpression)>,
    /// Blocks.
    pub blocks: Vec<DraftBlock>,
}

/// A block inside another one.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftBlock {
    /// Its type.
    pub block_type: String,
    /// Its label, where its kind has one: the key of a block of a map.
    pub label: Option<String>,
    /// Its arguments and blocks.
    pub body: DraftBody,
}

/// What an argument is written as.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftExpression {
    /// A known value without marks.
    Literal(Value),
    /// The JSON text that `jsonencode` gives of this expression. Where it is all literal and would be read back as other
    /// JSON, the text itself is written.
    Json(Box<DraftExpression>),
    /// An attribute of a resource instance: `aws_vpc.main.id`.
    Reference {
        /// The instance.
        to: InstanceAddress,
        /// The attribute; not empty.
        path: Path,
    },
    /// An input variable of the module: `var.password`.
    Variable(String),
    /// What the instance's key leads to: `each.value.name`; an empty path is `each.value` itself.
    EachValue(Path),
    /// The instance's key: `each.key`.
    EachKey,
    /// Text with expressions in it; an expression alone is that expression, whatever its type.
    Template(Vec<TemplatePart>),
    /// A list, set or tuple some of whose elements are no literals.
    List(Vec<DraftExpression>),
    /// An object or map some of whose values are no literals, in order.
    Object(Vec<(String, DraftExpression)>),
    /// A set of texts, in order: `toset(["a", "b"])`; what a block is repeated for where only the key varies.
    ToSet(Vec<String>),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Text as it is.
    Text(String),
    /// An expression whose value is put there.
    Expression(DraftExpression),
}

/// An input variable to be declared.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftVariable {
    /// Its name.
    pub name: String,
    /// What it is for, a sentence.
    pub description: String,
    /// Its type.
    pub ty: Type,
    /// Whether its value must not be shown. Where the provider's schema does not call the argument sensitive, a variable
    /// that is would make the next plan an update.
    pub is_sensitive: bool,
}

/// An import block to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftImport {
    /// Where to.
    pub to: InstanceAddress,
    /// Which object.
    pub source: DraftImportSource,
    /// The provider configuration, where it is not the default one and the target is in the root module.
    pub provider: Option<String>,
}

/// Names the object of an import block.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftImportSource {
    /// By import id.
    Id(ImportId),
    /// By identity: both programs take it from 1.12 on.
    Identity(Identity),
}

/// A call of a module to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftModuleCall {
    /// Its name.
    pub name: String,
    /// Where the module is, as terraform takes it: `./modules/queue`, `hashicorp/consul/aws`.
    pub source: String,
    /// Which versions will do; only a registry has them.
    pub version: Option<String>,
    /// What it is repeated for; the instances' keys are those of this object.
    pub for_each: Option<DraftExpression>,
    /// What its variables are set to, in order.
    pub arguments: Vec<(String, DraftExpression)>,
    /// What a reviewer must know, a sentence each; they stand above the block.
    pub remarks: Vec<String>,
}
