//! Calls with their templates filled in.

use serde_json::{Map, Value};

use super::resource_type::{CallTemplate, Method, Param, Protocol};
use super::template::{MissingValue, Subject};

/// A call ready to be encoded for its protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedCall {
    /// Service, as named in `cloud.yaml`.
    pub service: String,
    /// Wire protocol.
    pub protocol: Protocol,
    /// Action or operation; empty for REST protocols.
    pub action: String,
    /// HTTP method.
    pub method: Method,
    /// Path.
    pub path: String,
    /// Query arguments in order; an empty value is a bare key.
    pub query: Vec<(String, String)>,
    /// Extra headers.
    pub headers: Vec<(String, String)>,
    /// Parameters, always an object.
    pub params: Map<String, Value>,
}

impl CallTemplate {
    /// Fills the templates in.
    pub fn render(&self, subject: &Subject<'_>) -> Result<RenderedCall, MissingValue> {
        let texts = |templates: &[(String, super::Template)]| {
            templates
                .iter()
                .map(|(name, template)| Ok((name.clone(), template.render(subject)?)))
                .collect::<Result<Vec<_>, MissingValue>>()
        };
        Ok(RenderedCall {
            service: self.service.clone(),
            protocol: self.protocol,
            action: self.action.clone(),
            method: self.method,
            path: self.path.render(subject)?,
            query: texts(&self.query)?,
            headers: texts(&self.headers)?,
            params: render_map(&self.params, subject)?,
        })
    }
}

impl RenderedCall {
    /// Names the call as people and examples do: `DescribeVpcs`, or `GET /bucket?versioning`.
    pub fn operation(&self) -> String {
        if !self.action.is_empty() {
            return self.action.clone();
        }
        let method = match self.method {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
        };
        let arguments: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| if value.is_empty() { name.clone() } else { format!("{name}={value}") })
            .collect();
        let separator = if arguments.is_empty() { "" } else { "?" };
        format!("{method} {}{separator}{}", self.path, arguments.join("&"))
    }
}

fn render_map(params: &[(String, Param)], subject: &Subject<'_>) -> Result<Map<String, Value>, MissingValue> {
    params.iter().map(|(name, param)| Ok((name.clone(), param.render(subject)?))).collect()
}

impl Param {
    fn render(&self, subject: &Subject<'_>) -> Result<Value, MissingValue> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Text(template) => Value::String(template.render(subject)?),
            Self::List(elements) => {
                Value::Array(elements.iter().map(|element| element.render(subject)).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => Value::Object(render_map(entries, subject)?),
        })
    }
}
