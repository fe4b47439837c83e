//! The function.

use cty::{Type, Value};
use tfplugin::{Error, FunctionError, FunctionParameter, FunctionRequest, FunctionSignature};

use crate::shape::malformed;

/// A function that repeats a text, and what follows it.
pub(crate) fn signature() -> FunctionSignature {
    let parameter = |name: &str, ty| FunctionParameter {
        name: name.to_owned(),
        ty,
        allows_null: false,
        allows_unknown: false,
        description: String::new(),
        description_is_markdown: false,
    };
    FunctionSignature {
        parameters: vec![parameter("text", Type::String), parameter("times", Type::Number)],
        variadic_parameter: Some(FunctionParameter { allows_null: true, ..parameter("more", Type::Dynamic) }),
        returns: Type::tuple([Type::String, Type::Dynamic]),
        summary: "Repeats a text".to_owned(),
        description: "Gives the text so many times, and what follows it.".to_owned(),
        description_is_markdown: true,
        deprecation_message: "Say it once.".to_owned(),
    }
}

pub(crate) fn call(request: &FunctionRequest) -> Result<Result<Value, FunctionError>, Error> {
    let [text, times, more @ ..] = request.arguments.as_slice() else {
        return Err(malformed("CallFunction", "Two arguments come first."));
    };
    let Some(times) = times.as_number().and_then(cty::Number::to_u64).filter(|times| *times <= 1_000) else {
        return Ok(Err(FunctionError::new("A text is repeated at most 1,000 times.").at_argument(1)));
    };
    let repeated = (0..times).map(|_| text.as_str().unwrap_or_default()).collect::<String>();
    Ok(Ok(Value::tuple(vec![Value::string(repeated), Value::tuple(more.to_vec())])))
}
