//! From which address a request comes.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName};

/// The address that a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl ClientAddress {
    /// The address of the peer, or the one that a trusted proxy says it has the request from: the
    /// last of the header, which the proxy itself wrote.
    #[must_use]
    pub fn new(peer: IpAddr, headers: &HeaderMap, trusted_proxies: &[IpAddr]) -> Self {
        let peer = peer.to_canonical();
        let forwarded = || {
            let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        let is_trusted = trusted_proxies.contains(&peer);
        Self(is_trusted.then(forwarded).flatten().unwrap_or(peer).to_canonical())
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, which one customer has as a whole.
#[must_use]
pub fn address_block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_proxy_says_whose_request_it_is() {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, "203.0.113.9, 198.51.100.7".parse().unwrap());
        let (proxy, other) = (address("10.0.0.1"), address("10.0.0.2"));
        let of = |peer| ClientAddress::new(peer, &headers, &[proxy]).0;
        assert_eq!(of(proxy), address("198.51.100.7"));
        assert_eq!(of(address("::ffff:10.0.0.1")), address("198.51.100.7"));
        assert_eq!(of(other), other);
        headers.insert(FORWARDED_FOR, "unknown".parse().unwrap());
        assert_eq!(ClientAddress::new(proxy, &headers, &[proxy]).0, proxy);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        assert_eq!(address_block(address("2001:db8:1:2:3::4")), address("2001:db8:1:2::"));
        assert_eq!(address_block(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
