//! `TF_REATTACH_PROVIDERS`: providers that run already, started by somebody who debugs them.
//!
//! Source: "Debugging Providers" in the documentation of plugin development.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use model::{Diagnostic, ProviderAddress};
use serde_json::Value as Json;

use super::{Network, Reattach};

/// The variable.
pub(super) const VARIABLE: &str = "TF_REATTACH_PROVIDERS";

/// Reads the variable: which providers run, and how to reach each.
pub(super) fn parse(text: &str) -> Result<BTreeMap<ProviderAddress, Reattach>, Box<Diagnostic>> {
    let fail = |detail: String| {
        let problem = Diagnostic::error("reattach-invalid", "TF_REATTACH_PROVIDERS cannot be used", detail);
        Box::new(problem.with_help("Copy the line that the provider printed when it started, or unset the variable."))
    };
    let json: Json = serde_json::from_str(text).map_err(|error| fail(format!("It is no JSON: {error}.")))?;
    let members = json.as_object().ok_or_else(|| fail("It must be an object.".to_owned()))?;
    let mut providers = BTreeMap::new();
    for (name, member) in members {
        let address =
            super::parse_address(name).map_err(|error| fail(format!("{name:?} is no provider's address: {error}.")))?;
        let reattach = parse_one(member).map_err(|reason| fail(format!("What it says about {name:?} {reason}.")))?;
        providers.insert(address, reattach);
    }
    Ok(providers)
}

fn parse_one(json: &Json) -> Result<Reattach, String> {
    let number = |name: &str| json.get(name).map_or(Ok(0), |value| value.as_u64().ok_or(value));
    match json.get("Protocol").and_then(Json::as_str) {
        Some("grpc") => {}
        other => return Err(format!("has the protocol {other:?}, and only \"grpc\" is spoken")),
    }
    // Providers of before protocol 6 say nothing.
    let protocol_version = match number("ProtocolVersion") {
        Ok(0 | 5) => 5,
        Ok(6) => 6,
        Ok(other) => return Err(format!("has the protocol version {other}, and only 5 and 6 are spoken")),
        Err(other) => return Err(format!("has the protocol version {other}, which is no number")),
    };
    let member = |name: &str| json.get("Addr").and_then(|address| address.get(name)).and_then(Json::as_str);
    let address = member("String").unwrap_or_default();
    let network = match member("Network") {
        Some("unix") if address.starts_with('/') => Network::Unix,
        Some("unix") => return Err(format!("has {address:?} for a socket, which is no absolute path")),
        Some("tcp") => match address.parse::<SocketAddr>() {
            Ok(socket) if socket.ip().is_loopback() => Network::Tcp,
            Ok(_) => return Err(format!("has the address {address}, which is not on this machine")),
            Err(_) => return Err(format!("has {address:?} for an address, which is not IP:PORT")),
        },
        other => return Err(format!("has the network {other:?}, and only \"unix\" and \"tcp\" are known")),
    };
    let pid = number("Pid").ok().and_then(|pid| u32::try_from(pid).ok()).ok_or("has a `Pid` that is none")?;
    let is_test = json.get("Test").and_then(Json::as_bool).unwrap_or_default();
    Ok(Reattach { protocol_version, network, address: address.to_owned(), pid, is_test })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_providers_run() {
        let text = r#"{
          "hashicorp/time": {"Protocol":"grpc","Pid":7,"Test":true,"Addr":{"Network":"unix","String":"/tmp/p1"}},
          "example.com/a/b": {"Protocol":"grpc","ProtocolVersion":6,"Pid":8,"Addr":{"Network":"tcp","String":"127.0.0.1:99"}}
        }"#;
        let providers = parse(text).expect("it is well-formed");
        let time = &providers[&"hashicorp/time".parse().expect("an address")];
        assert_eq!((time.protocol_version, time.network, time.is_test), (5, Network::Unix, true));
        let other = &providers[&"example.com/a/b".parse().expect("an address")];
        assert_eq!((other.protocol_version, other.network, other.address.as_str()), (6, Network::Tcp, "127.0.0.1:99"));
    }

    #[test]
    fn what_cannot_be_attached_to_is_said() {
        let of = |member: &str| format!("{{\"a/b\": {{{member}}}}}");
        for (text, expected) in [
            ("[".to_owned(), "no JSON"),
            ("[]".to_owned(), "must be an object"),
            ("{\"a/b/c/d\": {}}".to_owned(), "no provider's address"),
            (of(r#""Protocol":"netrpc""#), "netrpc"),
            (of(r#""Protocol":"grpc","ProtocolVersion":4"#), "version 4"),
            (of(r#""Protocol":"grpc","Addr":{"Network":"tcp","String":"192.0.2.1:80"}"#), "not on this machine"),
            (of(r#""Protocol":"grpc","Addr":{"Network":"tcp","String":"host:80"}"#), "not IP:PORT"),
            (of(r#""Protocol":"grpc","Addr":{"Network":"unix","String":"p"}"#), "absolute"),
            (of(r#""Protocol":"grpc","Addr":{"Network":"udp","String":"p"}"#), "udp"),
            (of(r#""Protocol":"grpc","Pid":-1,"Addr":{"Network":"unix","String":"/p"}"#), "Pid"),
        ] {
            let problem = parse(&text).expect_err(&text);
            assert!(problem.detail.contains(expected), "{text}: {problem}");
        }
    }
}
