//! Functions on the wire.

use std::collections::BTreeMap;

use cty::{Type, Value};

use super::tfplugin6::{self as wire, function};
use super::value;
use crate::function::{FunctionError, FunctionParameter, FunctionSignature};
use crate::{Error, ErrorKind};

const MARKDOWN: i32 = wire::StringKind::Markdown as i32;

/// Writes the signatures.
pub(crate) fn encode_all(functions: &BTreeMap<String, FunctionSignature>) -> BTreeMap<String, wire::Function> {
    let encoded = |(name, signature): (&String, &FunctionSignature)| (name.clone(), encode(signature));
    functions.iter().map(encoded).collect()
}

fn encode(signature: &FunctionSignature) -> wire::Function {
    wire::Function {
        parameters: signature.parameters.iter().map(encode_parameter).collect(),
        variadic_parameter: signature.variadic_parameter.as_ref().map(encode_parameter),
        r#return: Some(function::Return { r#type: signature.returns.to_json().into() }),
        summary: signature.summary.clone(),
        description: signature.description.clone(),
        description_kind: i32::from(signature.description_is_markdown),
        deprecation_message: signature.deprecation_message.clone(),
    }
}

fn encode_parameter(parameter: &FunctionParameter) -> function::Parameter {
    function::Parameter {
        name: parameter.name.clone(),
        r#type: parameter.ty.to_json().into(),
        allow_null_value: parameter.allows_null,
        allow_unknown_values: parameter.allows_unknown,
        description: parameter.description.clone(),
        description_kind: i32::from(parameter.description_is_markdown),
    }
}

/// Reads the signatures.
pub(crate) fn decode_all(wire: BTreeMap<String, wire::Function>) -> Result<BTreeMap<String, FunctionSignature>, Error> {
    wire.into_iter()
        .map(|(name, signature)| match decode(signature) {
            Ok(signature) => Ok((name, signature)),
            Err(error) => Err(error.with("function", name)),
        })
        .collect()
}

fn decode(wire: wire::Function) -> Result<FunctionSignature, Error> {
    Ok(FunctionSignature {
        parameters: wire.parameters.into_iter().map(decode_parameter).collect::<Result<_, _>>()?,
        variadic_parameter: wire.variadic_parameter.map(decode_parameter).transpose()?,
        returns: decode_type(&wire.r#return.unwrap_or_default().r#type)?,
        summary: wire.summary,
        description: wire.description,
        description_is_markdown: wire.description_kind == MARKDOWN,
        deprecation_message: wire.deprecation_message,
    })
}

fn decode_parameter(wire: function::Parameter) -> Result<FunctionParameter, Error> {
    Ok(FunctionParameter {
        ty: decode_type(&wire.r#type).map_err(|error| error.with("parameter", &wire.name))?,
        name: wire.name,
        allows_null: wire.allow_null_value,
        allows_unknown: wire.allow_unknown_values,
        description: wire.description,
        description_is_markdown: wire.description_kind == MARKDOWN,
    })
}

fn decode_type(json: &[u8]) -> Result<Type, Error> {
    Type::from_json(json).map_err(|error| {
        let detail = "The provider's schema cannot be used. It gives a function a type that does not exist.";
        Error::new(ErrorKind::Malformed, "GetProviderSchema", detail).because(error)
    })
}

/// Writes the arguments of a call, each with its parameter's type.
pub(crate) fn encode_arguments(
    operation: &'static str,
    arguments: &[Value],
    signature: &FunctionSignature,
) -> Result<Vec<wire::DynamicValue>, Error> {
    let types = argument_types(operation, arguments.len(), signature)?;
    arguments.iter().zip(types).map(|(argument, ty)| value::encode(operation, argument, ty)).collect()
}

/// Reads the arguments of a call.
pub(crate) fn decode_arguments(
    operation: &'static str,
    arguments: &[wire::DynamicValue],
    signature: &FunctionSignature,
) -> Result<Vec<Value>, Error> {
    let types = argument_types(operation, arguments.len(), signature)?;
    arguments.iter().zip(types).map(|(argument, ty)| value::decode(operation, Some(argument), ty)).collect()
}

fn argument_types<'a>(
    operation: &'static str,
    n_arguments: usize,
    signature: &'a FunctionSignature,
) -> Result<impl Iterator<Item = &'a Type>, Error> {
    if !signature.takes(n_arguments) {
        let least = if signature.variadic_parameter.is_some() { "at least " } else { "" };
        let n_parameters = signature.parameters.len();
        let detail = format!("The function takes {least}{n_parameters} arguments, and was given {n_arguments}.");
        return Err(Error::new(ErrorKind::Malformed, operation, detail));
    }
    Ok((0..n_arguments).filter_map(|index| signature.parameter(index)).map(|parameter| &parameter.ty))
}

/// Writes why a call has no result.
pub(crate) fn encode_error(error: &FunctionError) -> wire::FunctionError {
    let function_argument = error.argument.and_then(|index| i64::try_from(index).ok());
    wire::FunctionError { text: error.text.clone(), function_argument }
}

/// Reads why a call has no result.
pub(crate) fn decode_error(wire: wire::FunctionError) -> FunctionError {
    let argument = wire.function_argument.and_then(|index| usize::try_from(index).ok());
    FunctionError { text: wire.text, argument }
}
