//! The one line a plugin prints when it is ready: `1|6|unix|PATH|grpc|CERTIFICATE`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Standard base64; written without padding as Go does, read with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The most characters of a line that are quoted.
const MAX_QUOTE: usize = 200;

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// What a plugin tells its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HandshakeLine {
    pub(crate) protocol_version: u32,
    pub(crate) endpoint: Endpoint,
    /// The server's certificate in DER; none without encryption.
    pub(crate) certificate: Option<Vec<u8>>,
    /// Whether connections can be multiplexed; said only to clients that ask.
    pub(crate) multiplexes: Option<bool>,
}

impl fmt::Display for HandshakeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1|{}|", self.protocol_version)?;
        match &self.endpoint {
            Endpoint::Unix(path) => write!(f, "unix|{}", path.display())?,
            Endpoint::Tcp(address) => write!(f, "tcp|{address}")?,
        }
        write!(f, "|grpc|{}", self.certificate.as_ref().map(|der| BASE64.encode(der)).unwrap_or_default())?;
        match self.multiplexes {
            Some(multiplexes) => write!(f, "|{multiplexes}"),
            None => Ok(()),
        }
    }
}

impl FromStr for HandshakeLine {
    /// A sentence that says what is wrong with the line.
    type Err = String;

    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = line.trim().split('|').collect();
        let [core, version, network, address, rest @ ..] = parts.as_slice() else {
            let start: String = line.trim().chars().take(MAX_QUOTE).collect();
            let rest = if start.len() < line.trim().len() { " and so on" } else { "" };
            return Err(format!("It printed {start:?}{rest} where the line of the go-plugin handshake was expected."));
        };
        if *core != "1" {
            return Err(format!(
                "It speaks version {core:?} of the go-plugin handshake; only version 1 exists for us."
            ));
        }
        let protocol_version = version
            .parse()
            .map_err(|_| format!("Its handshake names the protocol version {version:?}, which is not a number."))?;
        if rest.first() != Some(&"grpc") {
            return Err(format!(
                "It speaks {:?} instead of gRPC, as providers for Terraform 0.11 and older do.",
                rest.first().unwrap_or(&"net/rpc")
            ));
        }
        let endpoint = match *network {
            "unix" if !address.is_empty() => Endpoint::Unix(PathBuf::from(address)),
            "tcp" => Endpoint::Tcp(
                address
                    .parse()
                    .map_err(|_| format!("Its handshake names the address {address:?}, not an IP and port."))?,
            ),
            _ => {
                return Err(format!(
                    "Its handshake names the endpoint {network:?} {address:?}, which is neither unix nor tcp."
                ));
            }
        };
        let certificate = match rest.get(1).copied().unwrap_or_default() {
            "" => None,
            text => Some(BASE64.decode(text).map_err(|error| format!("Its certificate is not base64: {error}."))?),
        };
        let multiplexes = rest.get(2).map(|text| *text == "true");
        Ok(Self { protocol_version, endpoint, certificate, multiplexes })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn lines_round_trip() {
        for line in
            ["1|6|unix|/tmp/plugin1|grpc|AQID", "1|5|unix|/tmp/plugin1|grpc|", "1|6|tcp|127.0.0.1:1234|grpc|AQI|false"]
        {
            assert_eq!(line.parse::<HandshakeLine>().unwrap().to_string(), line);
        }
        assert_eq!("1|6|unix|/x|grpc|AQI=\n".parse::<HandshakeLine>().unwrap().certificate, Some(vec![1, 2]));
    }

    #[test]
    fn other_lines_are_explained() {
        for (line, expected) in [
            ("hello", "\"hello\""),
            ("2|6|unix|/x|grpc|", "version \"2\""),
            ("1|x|unix|/x|grpc|", "\"x\""),
            ("1|4|unix|/x", "0.11"),
            ("1|6|unix|/x|netrpc|", "\"netrpc\""),
            ("1|6|pipe|/x|grpc|", "neither unix nor tcp"),
            ("1|6|tcp|nowhere|grpc|", "not an IP"),
            ("1|6|unix|/x|grpc|*", "base64"),
        ] {
            let reason = line.parse::<HandshakeLine>().unwrap_err();
            assert!(reason.contains(expected), "{line}: {reason}");
        }
    }
}
