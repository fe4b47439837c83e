//! Where connections may go.
//!
//! Addresses come from definitions, states and replies, which are other people's data. So a host
//! must be on the list, an address literal must have been given by the user, and names are looked
//! up by a resolver that drops forbidden addresses from the very answer the connection uses: checking
//! first and connecting later would trust a second lookup.
//!
//! A listed host may lead into a private network, because that is what the interface endpoints of a
//! VPC (`PrivateLink`) do: it is only ever asked over https, so the certificate proves who answers.
//! It never leads to this machine, to its link or to a metadata service, where secrets lie about.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use url::{Host, Url};

use crate::{Error, ErrorKind, Request, Response, Transport};

/// The link-local services of AWS machines and containers.
pub(crate) const METADATA_SERVICES: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "fd00:ec2::254", "fd00:ec2::23"];

/// Lists the hosts a run may talk to.
#[derive(Debug, Default)]
pub struct EgressPolicy {
    suffixes: Vec<String>,
    explicit: RwLock<BTreeSet<String>>,
}

impl EgressPolicy {
    /// Allows host names that equal one of `domains` or end in a dot and one of them.
    pub fn new(domains: impl IntoIterator<Item = String>) -> Self {
        Self {
            suffixes: domains.into_iter().map(|domain| domain.to_ascii_lowercase()).collect(),
            explicit: RwLock::default(),
        }
    }

    /// Allows the link-local services of AWS machines and containers, and nothing else.
    pub fn metadata_services() -> Self {
        let policy = Self::default();
        for address in METADATA_SERVICES {
            policy.insert(if address.contains(':') { format!("[{address}]") } else { address.to_owned() });
        }
        policy
    }

    /// Allows the host of an address that the user gave, even a private or unencrypted one.
    pub fn allow_endpoint(&self, url: &Url) {
        if let Some(host) = url.host_str() {
            self.insert(host.to_ascii_lowercase());
        }
    }

    /// Checks an address before anything is sent to it.
    ///
    /// # Errors
    /// `Blocked`, saying which rule refused it.
    pub fn check(&self, url: &Url) -> Result<(), Error> {
        let refuse = |why: String| {
            Err(Error::new(ErrorKind::Blocked, "egress", why).with_context("host", url.host_str().unwrap_or_default()))
        };
        let Some(host) = url.host() else {
            return refuse("the address has no host".to_owned());
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse(format!("the scheme {:?} is not allowed: write an https address", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("the address carries a user name or password".to_owned());
        }
        let name = host.to_string().to_ascii_lowercase();
        if self.is_explicit(&name) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return refuse("unencrypted http is only used for an endpoint that you name yourself".to_owned());
        }
        match host {
            Host::Domain(_) if self.is_listed(&name) => Ok(()),
            Host::Domain(_) => {
                refuse("the host is not one of this cloud's: name it as an endpoint to allow it".to_owned())
            }
            Host::Ipv4(_) | Host::Ipv6(_) => {
                refuse("an address literal is only used for an endpoint that you name yourself".to_owned())
            }
        }
    }

    fn insert(&self, host: String) {
        self.explicit.write().unwrap_or_else(PoisonError::into_inner).insert(host);
    }

    fn is_explicit(&self, host: &str) -> bool {
        self.explicit.read().unwrap_or_else(PoisonError::into_inner).contains(host)
    }

    fn is_listed(&self, host: &str) -> bool {
        self.suffixes
            .iter()
            .any(|suffix| host.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }
}

/// Refuses requests whose address the policy does not allow.
#[derive(Debug)]
pub struct EgressGuard {
    inner: Arc<dyn Transport>,
    policy: Arc<EgressPolicy>,
}

impl EgressGuard {
    /// Wraps a transport.
    pub fn new(inner: Arc<dyn Transport>, policy: Arc<EgressPolicy>) -> Self {
        Self { inner, policy }
    }
}

#[async_trait]
impl Transport for EgressGuard {
    async fn send(&self, request: Request, cancel: &CancellationToken) -> Result<Response, Error> {
        self.policy.check(&request.url)?;
        self.inner.send(request, cancel).await
    }
}

/// Says that a name led only to addresses no request may reach.
#[derive(Debug)]
pub(crate) struct BlockedAddresses {
    host: String,
}

impl fmt::Display for BlockedAddresses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} has only loopback, link-local, metadata or reserved addresses", self.host)
    }
}

impl std::error::Error for BlockedAddresses {}

/// Looks names up for the client and drops the addresses it may not connect to.
#[derive(Debug, Clone)]
pub(crate) struct FilteringResolver {
    pub(crate) policy: Arc<EgressPolicy>,
}

impl reqwest::dns::Resolve for FilteringResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let policy = Arc::clone(&self.policy);
        Box::pin(async move {
            let host = name.as_str().to_ascii_lowercase();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let addresses = permitted(&policy, &host, found);
            if addresses.is_empty() {
                return Err(Box::new(BlockedAddresses { host }) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(addresses.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

fn permitted(policy: &EgressPolicy, host: &str, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if policy.is_explicit(host) {
        return addresses;
    }
    // The policy lets a listed host through over https alone.
    let may_be_private = policy.is_listed(host);
    addresses.retain(|address| is_public(address.ip()) || (may_be_private && is_private_network(address.ip())));
    addresses
}

/// Tells whether an address belongs to a private network that a listed host may lead to.
///
/// Those are the RFC 1918 networks, the shared addresses of carriers and clouds (RFC 6598) and the unique local addresses
/// of IPv6, without the metadata services that some clouds placed there.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html> (private DNS names)
pub fn is_private_network(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let is_metadata = address == Ipv4Addr::new(100, 100, 100, 200);
            (address.is_private() || is_shared_v4(address)) && !is_metadata
        }
        IpAddr::V6(address) => match (address.to_ipv4_mapped(), address.segments()) {
            (Some(mapped), _) => is_private_network(IpAddr::V4(mapped)),
            // The services of a machine at AWS: metadata, time, names, container credentials.
            (None, [0xfd00, 0xec2, ..]) => false,
            (None, _) => address.is_unique_local(),
        },
    }
}

fn is_shared_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    a == 100 && (64..128).contains(&b)
}

/// Tells whether an address belongs to the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let benchmarking = a == 198 && (b == 18 || b == 19);
    let protocol_assignments = a == 192 && b == 0 && c == 0;
    !(a == 0
        || a >= 224
        || is_shared_v4(address)
        || benchmarking
        || protocol_assignments
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // NAT64 by its well-known prefix, and 6to4: what counts is the address inside.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        // Documentation and Teredo.
        [0x2001, 0xdb8 | 0, ..] => false,
        // Global unicast is 2000::/3; everything else is local, multicast, translated or unassigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.170",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["52.94.5.1", "8.8.8.8", "2600:1f18::1", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    fn check(url: &str, allowed: bool) {
        let policy = EgressPolicy::new(["amazonaws.com".to_owned()]);
        policy.allow_endpoint(&Url::parse("http://127.0.0.1:5000").unwrap());
        let result = policy.check(&Url::parse(url).unwrap());
        assert_eq!(result.is_ok(), allowed, "{url}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Blocked);
        }
    }

    #[test]
    fn hosts_are_on_the_list_or_named_by_the_user() {
        check("https://ec2.eu-west-1.amazonaws.com/", true);
        check("https://AMAZONAWS.com/", true);
        check("https://evilamazonaws.com/", false);
        check("https://amazonaws.com.evil.example/", false);
        check("http://ec2.eu-west-1.amazonaws.com/", false);
        check("https://169.254.169.254/latest/meta-data/", false);
        check("https://2852039166/", false);
        check("https://[::ffff:169.254.169.254]/", false);
        check("http://127.0.0.1:5000/", true);
        check("http://localhost:5000/", false);
        check("ftp://ec2.eu-west-1.amazonaws.com/", false);
        check("https://user:pass@ec2.eu-west-1.amazonaws.com/", false);
    }

    #[test]
    fn the_metadata_services_are_reached_by_who_asks_for_them_only() {
        let policy = EgressPolicy::metadata_services();
        for url in ["http://169.254.169.254/latest/", "http://169.254.170.2/v2/", "http://[fd00:ec2::254]/latest/"] {
            let url = Url::parse(url).unwrap();
            assert!(policy.check(&url).is_ok(), "{url}");
            assert!(EgressPolicy::new(["amazonaws.com".to_owned()]).check(&url).is_err(), "{url}");
        }
        assert!(policy.check(&Url::parse("https://ec2.eu-west-1.amazonaws.com/").unwrap()).is_err());
    }

    fn lead(policy: &EgressPolicy, host: &str, addresses: &[&str]) -> Vec<String> {
        let sockets = addresses.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect();
        permitted(policy, host, sockets).into_iter().map(|socket| socket.ip().to_string()).collect()
    }

    #[test]
    fn a_listed_name_may_lead_into_a_private_network_but_never_to_this_machine_or_its_metadata() {
        let policy = EgressPolicy::new(["example.com".to_owned()]);
        let private = ["10.0.0.1", "172.31.255.1", "192.168.0.9", "100.64.3.4", "fd12:3456::1", "::ffff:10.0.0.1"];
        let public = ["52.94.5.1", "2600:1f18::1"];
        let never = [
            "0.0.0.0",
            "127.0.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fe80::1",
            "ff02::1",
        ];
        assert_eq!(lead(&policy, "a.example.com", &private), private);
        assert_eq!(lead(&policy, "a.example.com", &public), public);
        assert_eq!(lead(&policy, "a.example.com", &never), [""; 0]);
        // Only https reaches a listed host, whatever it leads to.
        assert!(policy.check(&Url::parse("https://a.example.com").unwrap()).is_ok());
        assert!(policy.check(&Url::parse("http://a.example.com").unwrap()).is_err());

        assert_eq!(lead(&policy, "elsewhere.test", &private), [""; 0]);
        policy.allow_endpoint(&Url::parse("http://b.example.com").unwrap());
        assert_eq!(lead(&policy, "b.example.com", &never), never);
    }
}
