//! What the recorder (`examples/record.rs`) and the test that plays examples back have in common.

pub(crate) mod json;

use http::header::CONTENT_TYPE;
use model::{RemoteObject, Standing};
use net::Request;
use serde_json::{Map, Value};

/// What a request asks, in the words of `examples:`.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) service: String,
    /// `DescribeVpcs`, or `GET /bucket?versioning` for REST.
    pub(crate) operation: String,
    /// Form fields as text, or the members of a JSON body.
    pub(crate) params: Map<String, Value>,
}

pub(crate) fn tell(request: &Request) -> Told {
    let service = request.scope.service.clone();
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if let Some((_, operation)) = header("x-amz-target").split_once('.') {
        let params = serde_json::from_slice(&request.body).unwrap_or_default();
        return Told { service, operation: operation.to_owned(), params };
    }
    if header(CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded") {
        let mut params: Map<String, Value> = url::form_urlencoded::parse(&request.body)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
        let operation = params.remove("Action").and_then(|action| action.as_str().map(str::to_owned));
        params.remove("Version");
        return Told { service, operation: operation.unwrap_or_default(), params };
    }
    let query = request.url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Told { service, operation: format!("{} {}{query}", request.method, request.url.path()), params: Map::new() }
}

/// The facts of an object, in the words of `examples:`.
pub(crate) fn facts(object: &RemoteObject) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(name.to_owned(), value);
        }
    };
    put("key", Some(object.key.to_string().into()));
    put("arn", object.arn.clone().map(Value::from));
    put("name", object.name.clone().map(Value::from));
    let tags = object.tags.as_ref();
    put("tags", tags.map(|tags| tags.iter().map(|(key, tag)| (key.clone(), Value::from(tag.clone()))).collect()));
    match &object.standing {
        Standing::Ordinary => {}
        Standing::Default(reason) => put("default", Some(reason.clone().into())),
        Standing::ManagedElsewhere { by, evidence } => {
            put("managed_elsewhere", Some(format!("{by}: {evidence}").into()));
        }
    }
    put("terraform", object.resource_type.as_ref().map(|resource_type| resource_type.to_string().into()));
    put("import_id", object.import_id.as_ref().map(|import_id| import_id.to_string().into()));
    put("identity", object.identity.as_ref().map(|identity| json::json_of(&identity.value)));
    let attributes = object.attributes.iter().map(|(name, value)| (name.clone(), json::json_of(value)));
    put("attributes", Some(Value::Object(attributes.collect())));
    facts
}
