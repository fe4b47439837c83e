//! `import_id`: by which id an object is imported.

use cty::{Type, Value};
use engine::ErrorKind;
use tfplugin::{FunctionError, FunctionSignature};

use super::{Function, parameter, refuse, text};

pub(super) struct ImportIdOf;

const RESOURCE_TYPE: usize = 0;
const ATTRIBUTES: usize = 1;

impl Function for ImportIdOf {
    fn name(&self) -> &'static str {
        "import_id"
    }

    fn signature(&self) -> FunctionSignature {
        FunctionSignature {
            parameters: vec![
                parameter("resource_type", Type::String, "The resource type, such as `aws_sqs_queue`."),
                parameter(
                    "attributes",
                    Type::Dynamic,
                    "The object's attributes, as the resource or a data source has them. Those that name the object \
                     suffice.",
                ),
            ],
            variadic_parameter: None,
            returns: Type::String,
            summary: "Gives the id by which an object is imported".to_owned(),
            description: "Gives the id that an `import` block takes for an object, which often is not its `id`. It \
                          follows from the attributes, for every resource type that driftmgr knows. Nothing is asked."
                .to_owned(),
            description_is_markdown: true,
            deprecation_message: String::new(),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let resource_type = text(arguments, RESOURCE_TYPE)?;
        let attributes = arguments.get(ATTRIBUTES).ok_or_else(|| refuse(ATTRIBUTES, "The attributes are missing."))?;
        if !attributes.is_wholly_known() {
            return Ok(Value::unknown(Type::String));
        }
        match engine::import_id(resource_type, attributes) {
            Ok(id) => Ok(Value::string(id.to_string())),
            Err(error) => {
                let argument = if error.kind() == ErrorKind::NotFound { RESOURCE_TYPE } else { ATTRIBUTES };
                let texts: Vec<String> =
                    std::iter::once(error.detail().to_owned()).chain(error.help().to_vec()).collect();
                Err(refuse(argument, &texts.join(" ")))
            }
        }
    }
}
