//! The functions, one file each.

mod import_id;
mod parse_address;

use cty::{Type, Value};
use tfplugin::{FunctionError, FunctionParameter, FunctionSignature};

/// Every function, in the order of their names.
pub(crate) static ALL: [&dyn Function; 2] = [&import_id::ImportIdOf, &parse_address::ParseAddress];

/// One function. It needs no configuration and asks nobody.
pub(crate) trait Function: Send + Sync {
    /// Gives its name, as it stands behind `provider::driftmgr::`.
    fn name(&self) -> &'static str;

    /// Gives what it takes and gives.
    fn signature(&self) -> FunctionSignature;

    /// Gives its result; the arguments have the types of the parameters, and none is null.
    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError>;
}

/// A parameter that is neither null nor unknown.
fn parameter(name: &str, ty: Type, description: &str) -> FunctionParameter {
    FunctionParameter {
        name: name.to_owned(),
        ty,
        allows_null: false,
        allows_unknown: false,
        description: description.to_owned(),
        description_is_markdown: true,
    }
}

/// Says what is wrong with an argument. The last full stop is the CLI's.
fn refuse(index: usize, detail: &str) -> FunctionError {
    FunctionError::new(detail.trim_end_matches('.')).at_argument(index)
}

/// Gives a text argument.
fn text(arguments: &[Value], index: usize) -> Result<&str, FunctionError> {
    let text = arguments.get(index).and_then(Value::as_str);
    text.ok_or_else(|| refuse(index, "A text is needed here."))
}
