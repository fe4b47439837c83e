//! Functions of a provider, over the wire.

use cty::{Number, Type, Value};
use tfplugin::{ErrorKind, FunctionRequest, Provider};

use crate::support::{call, schema, start};

fn repeat(arguments: Vec<Value>) -> FunctionRequest {
    FunctionRequest { function: "repeat".to_owned(), arguments }
}

#[tokio::test]
async fn a_signature_arrives_whole() {
    let provider = start().await;
    let signature = schema(&provider).await.functions["repeat"].clone();
    assert_eq!(
        signature.parameters.iter().map(|parameter| parameter.name.as_str()).collect::<Vec<_>>(),
        ["text", "times"]
    );
    assert_eq!(signature.parameters[1].ty, Type::Number);
    let more = signature.variadic_parameter.as_ref().unwrap();
    assert!(more.allows_null && !more.allows_unknown);
    assert_eq!(signature.returns, Type::tuple([Type::String, Type::Dynamic]));
    assert!(signature.description_is_markdown);
    assert_eq!(signature.deprecation_message, "Say it once.");
    provider.shutdown().await;
}

#[tokio::test]
async fn a_function_is_called_with_its_variadic_arguments() {
    let provider = start().await;
    let more = [Value::null(Type::Dynamic), Value::number(Number::parse("0.1").unwrap()), Value::bool(true)];
    let arguments = [vec![Value::string("ab"), Value::number(2_i64)], more.to_vec()].concat();
    let result = provider.call_function(&call(), repeat(arguments)).await.unwrap().unwrap();
    let parts: Vec<Value> = result.elements().cloned().collect();
    assert_eq!(parts[0], Value::string("abab"));
    assert_eq!(parts[1], Value::tuple(more.to_vec()));
    provider.shutdown().await;
}

#[tokio::test]
async fn a_wrong_argument_is_named_by_its_position() {
    let provider = start().await;
    let arguments = vec![Value::string("ab"), Value::number(-1_i64)];
    let error = provider.call_function(&call(), repeat(arguments)).await.unwrap().unwrap_err();
    assert_eq!(error.argument, Some(1));
    assert!(error.text.contains("at most 1,000"), "{error}");
    provider.shutdown().await;
}

#[tokio::test]
async fn too_few_arguments_and_unknown_functions_never_leave_us() {
    let provider = start().await;
    let error = provider.call_function(&call(), repeat(vec![Value::string("ab")])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("at least 2 arguments, and was given 1"), "{error}");
    let request = FunctionRequest { function: "reverse".to_owned(), arguments: Vec::new() };
    let error = provider.call_function(&call(), request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownType);
    provider.shutdown().await;
}
