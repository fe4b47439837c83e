//! `parse_address`: what an address consists of.

use std::collections::BTreeMap;

use cty::{Type, Value};
use model::{InstanceAddress, InstanceKey, ResourceMode};
use tfplugin::{FunctionError, FunctionSignature};

use super::{Function, parameter, refuse, text};

pub(super) struct ParseAddress;

/// The attributes of the result.
const FIELDS: [(&str, Type); 7] = [
    ("address", Type::String),
    ("key", Type::Dynamic),
    ("mode", Type::String),
    ("module", Type::String),
    ("name", Type::String),
    ("resource", Type::String),
    ("type", Type::String),
];

impl Function for ParseAddress {
    fn name(&self) -> &'static str {
        "parse_address"
    }

    fn signature(&self) -> FunctionSignature {
        FunctionSignature {
            parameters: vec![parameter(
                "address",
                Type::String,
                "The address of a resource or of one of its instances, as `terraform state list` prints it.",
            )],
            variadic_parameter: None,
            returns: Type::object(FIELDS),
            summary: "Takes the address of a resource apart".to_owned(),
            description: "Takes the address of a resource apart. The result has `module` (with its keys; empty in the \
                          root module), `mode` (`managed` or `data`), `type`, `name`, `key` (a number, a string, or null \
                          where there is none), `resource` (the address without that key) and `address` (the whole of \
                          it, as it is usually written)."
                .to_owned(),
            description_is_markdown: true,
            deprecation_message: String::new(),
        }
    }

    fn call(&self, arguments: &[Value]) -> Result<Value, FunctionError> {
        let address: InstanceAddress = text(arguments, 0)?.parse().map_err(|error: model::ParseAddressError| {
            let detail = format!(
                "{:?} is no address of a resource: at byte {}, {}. One looks like \
                 module.shop[\"eu\"].aws_sqs_queue.orders[0].",
                error.input, error.offset, error.reason
            );
            refuse(0, &detail)
        })?;
        let key = match &address.key {
            None => Value::null(Type::Dynamic),
            Some(InstanceKey::Int(index)) => Value::number(*index),
            Some(InstanceKey::String(key)) => Value::string(key.to_string()),
        };
        let resource = &address.resource;
        let mode = match resource.mode {
            ResourceMode::Managed => "managed",
            ResourceMode::Data => "data",
        };
        let fields = [
            ("address", Value::string(address.to_string())),
            ("key", key),
            ("mode", Value::string(mode)),
            ("module", Value::string(resource.module.to_string())),
            ("name", Value::string(resource.name.to_string())),
            ("resource", Value::string(resource.to_string())),
            ("type", Value::string(resource.resource_type.to_string())),
        ];
        Ok(Value::object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>()))
    }
}
