//! Calls as HTTP requests, one shape per protocol.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use net::sign::SigningScope;
use net::sign::aws_v4::percent_encode;
use net::{LimitScope, Request};
use serde_json::Value;
use url::Url;

use crate::definition::{self, Protocol, RenderedCall, Service};

/// Where a call goes.
#[derive(Clone, Debug)]
pub(super) struct Target<'a> {
    pub(super) service: &'a Service,
    pub(super) base: Url,
    pub(super) signing: SigningScope,
    pub(super) limit: LimitScope,
}

/// What makes a call ask for one page of many.
#[derive(Clone, Debug, Default)]
pub(super) struct PageArguments {
    /// Parameter and value; a number where the protocol has numbers.
    pub(super) arguments: Vec<(String, Value)>,
}

/// Says that a definition makes a request no server could understand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the definition makes a request that cannot be written: {0}")]
pub(super) struct EncodeError(String);

/// Encodes a call for its protocol.
pub(super) fn encode(
    call: &RenderedCall,
    page: &PageArguments,
    target: &Target<'_>,
    timeout: Duration,
) -> Result<Request, EncodeError> {
    let operation = format!("{}:{}", target.service.name, call.operation());
    let base = target.base.as_str().trim_end_matches('/');
    let is_rest = matches!(call.protocol, Protocol::RestJson | Protocol::RestXml);

    let mut query = call.query.clone();
    let mut params = call.params.clone();
    for (name, value) in &page.arguments {
        if is_rest {
            query.push((name.clone(), text(value).unwrap_or_default()));
        } else {
            params.insert(name.clone(), value.clone());
        }
    }
    let path = if is_rest { call.path.as_str() } else { "/" };
    let mut address = format!("{base}{path}");
    for (position, (name, value)) in query.iter().enumerate() {
        address.push(if position == 0 { '?' } else { '&' });
        address.push_str(&percent_encode(name));
        if !value.is_empty() {
            address.push('=');
            address.push_str(&percent_encode(value));
        }
    }
    let url = Url::parse(&address).map_err(|error| EncodeError(format!("its address: {error}")))?;
    let method = match (is_rest, call.method) {
        (false, _) | (true, definition::Method::Post) => Method::POST,
        (true, definition::Method::Get) => Method::GET,
        (true, definition::Method::Head) => Method::HEAD,
    };
    let mut request = Request::new(operation, method, url, timeout)
        .with_scope(target.limit.clone())
        .with_signing(target.signing.clone());
    request = match call.protocol {
        Protocol::Ec2 | Protocol::Query => {
            let version = target.service.api_version.as_deref().unwrap_or_default();
            let mut form = format!("Action={}&Version={}", percent_encode(&call.action), percent_encode(version));
            for (name, value) in &params {
                flatten(&mut form, name, value, call.protocol);
            }
            request.with_body("application/x-www-form-urlencoded; charset=utf-8", form)
        }
        Protocol::Json => {
            let prefix = target.service.target_prefix.as_deref().unwrap_or_default();
            let content_type = match target.service.json_version.as_deref() {
                Some("1.0") => "application/x-amz-json-1.0",
                _ => "application/x-amz-json-1.1",
            };
            let header = header_value("x-amz-target", &format!("{prefix}.{}", call.action))?;
            request
                .with_header(HeaderName::from_static("x-amz-target"), header)
                .with_body(content_type, Value::Object(params).to_string())
        }
        Protocol::RestJson if call.method == definition::Method::Post => {
            request.with_body("application/json", Value::Object(params).to_string())
        }
        Protocol::RestJson | Protocol::RestXml => request,
    };
    for (name, value) in &call.headers {
        let header = HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes())
            .map_err(|_| EncodeError(format!("{name:?} is no name of a header")))?;
        request.headers.insert(header, header_value(name, value)?);
    }
    Ok(request)
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, EncodeError> {
    HeaderValue::from_str(value).map_err(|_| EncodeError(format!("the header {name:?} cannot hold its value")))
}

/// Writes a parameter as form fields: `Filter.1.Name=…` for EC2, `Names.member.1=…` for query.
fn flatten(form: &mut String, name: &str, value: &Value, protocol: Protocol) {
    match value {
        Value::Array(items) => {
            let middle = if protocol == Protocol::Query { ".member" } else { "" };
            for (position, item) in items.iter().enumerate() {
                flatten(form, &format!("{name}{middle}.{}", position + 1), item, protocol);
            }
        }
        Value::Object(members) => {
            for (member, item) in members {
                flatten(form, &format!("{name}.{member}"), item, protocol);
            }
        }
        scalar => {
            if let Some(text) = text(scalar) {
                form.push('&');
                form.push_str(&percent_encode(name));
                form.push('=');
                form.push_str(&percent_encode(&text));
            }
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::definition::Limits;

    fn check(protocol: Protocol, call: &Value, page: &[(&str, Value)], expect: &str) {
        let service = Service {
            name: "svc".to_owned(),
            protocol,
            signing_name: "svc".to_owned(),
            api_version: Some("2020-01-01".to_owned()),
            target_prefix: Some("Svc_2020".to_owned()),
            json_version: Some("1.0".to_owned()),
            endpoint: String::new(),
            endpoints: std::collections::BTreeMap::new(),
            global: false,
            endpoint_variable: "SVC".to_owned(),
            limits: Limits { requests_per_second: 1, concurrency: 1 },
        };
        let pairs = |name: &str| -> Vec<(String, String)> {
            let members = call.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
            members.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect()
        };
        let rendered = RenderedCall {
            service: "svc".to_owned(),
            protocol,
            action: call["action"].as_str().unwrap_or_default().to_owned(),
            method: if call["method"] == "post" { definition::Method::Post } else { definition::Method::Get },
            path: call["path"].as_str().unwrap_or("/").to_owned(),
            query: pairs("query"),
            headers: pairs("headers"),
            params: call["params"].as_object().cloned().unwrap_or_default(),
        };
        let target = Target {
            service: &service,
            base: Url::parse("http://localhost:5000/").unwrap(),
            signing: SigningScope { service: "svc".to_owned(), region: "r".to_owned() },
            limit: LimitScope::default(),
        };
        let page = PageArguments { arguments: page.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect() };
        let request = encode(&rendered, &page, &target, Duration::from_secs(1)).unwrap();
        let header = |name: &str| request.headers.get(name).map_or("-", |value| value.to_str().unwrap());
        let written = format!(
            "{} {} {} {} {}",
            request.method,
            &request.url.as_str()["http://localhost:5000".len()..],
            header("content-type"),
            header("x-amz-target"),
            String::from_utf8_lossy(&request.body)
        );
        assert_eq!(written.trim_end(), expect);
    }

    #[test]
    fn each_protocol_has_its_shape() {
        check(
            Protocol::Ec2,
            &json!({"action": "DescribeX", "params": {"Filter": [{"Name": "a b", "Value": ["1", "2"]}], "DryRun": false}}),
            &[("MaxResults", json!(5)), ("NextToken", json!("t/+="))],
            "POST / application/x-www-form-urlencoded; charset=utf-8 - Action=DescribeX&Version=2020-01-01&DryRun=false\
             &Filter.1.Name=a%20b&Filter.1.Value.1=1&Filter.1.Value.2=2&MaxResults=5&NextToken=t%2F%2B%3D",
        );
        check(
            Protocol::Query,
            &json!({"action": "ListX", "params": {"Names": ["a"], "Empty": []}}),
            &[],
            "POST / application/x-www-form-urlencoded; charset=utf-8 - Action=ListX&Version=2020-01-01&Names.member.1=a",
        );
        check(
            Protocol::Json,
            &json!({"action": "ListX", "params": {"A": {"b": [true]}}}),
            &[("Limit", json!(10))],
            r#"POST / application/x-amz-json-1.0 Svc_2020.ListX {"A":{"b":[true]},"Limit":10}"#,
        );
        check(
            Protocol::RestXml,
            &json!({"path": "/a%20b", "query": {"versioning": "", "prefix": "x y"}}),
            &[("marker", json!("m"))],
            "GET /a%20b?prefix=x%20y&versioning&marker=m - -",
        );
        check(
            Protocol::RestJson,
            &json!({"path": "/list", "method": "post", "params": {"a": 1}}),
            &[("nextToken", json!("n"))],
            r#"POST /list?nextToken=n application/json - {"a":1}"#,
        );
    }
}
