//! Where webhooks may go: whoever may name an address must not reach what only this machine can.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Resolves names, and gives only addresses that may be connected to: those are connected to, so that
/// a name that resolves differently the next time gains nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct CheckedResolver {
    pub(super) allows_private: bool,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allows_private = self.allows_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let may = |one: &SocketAddr| allows_private || !is_private(one.ip());
            let allowed: Vec<SocketAddr> = found.iter().copied().filter(may).collect();
            match (allowed.is_empty(), found.first()) {
                (true, Some(private)) => Err(refusal(private.ip()).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// Why an address is not connected to.
#[must_use]
pub fn refusal(address: IpAddr) -> String {
    format!(
        "{address} is an address of this machine or of a private network: an administrator can \
         allow those under Alerts"
    )
}

/// The address that a URL names instead of a host, if it is one of this machine or of a private
/// network.
#[must_use]
pub fn private_host(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse().ok().filter(|address| is_private(*address))
}

/// Whether an address is one of this machine, of a private network, or none of a single host.
#[must_use]
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // RFC 6598, 6890, 2544.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    // An IPv4 address inside: mapped, compatible, translated (RFC 2765), NAT64, ISATAP, 6to4, Teredo.
    let inner = match parts {
        [0, 0, 0, 0, 0, 0xffff | 0, a, b]
        | [0, 0, 0, 0, 0xffff, 0, a, b]
        | [0x64, 0xff9b, 0, 0, 0, 0, a, b]
        | [_, _, _, _, 0 | 0x200, 0x5efe, a, b]
        | [0x2002, a, b, ..] => Some((a, b)),
        [0x2001, 0, _, _, _, _, a, b] => Some((!a, !b)),
        _ => None,
    };
    let is_inner_private = inner
        .is_some_and(|(a, b)| is_private_v4(Ipv4Addr::from((u32::from(a) << 16) | u32::from(b))));
    is_inner_private
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || parts[0] & 0xfe00 == 0xfc00
        || parts[0] & 0xffc0 == 0xfe80
        || parts[0] & 0xffc0 == 0xfec0
        // NAT64 of one's own network (RFC 8215): what is behind it only that network knows.
        || parts[..3] == [0x64, 0xff9b, 1]
        // Of no host: discarded (RFC 6666), for examples (RFC 3849, 9637).
        || parts[..4] == [0x100, 0, 0, 0]
        || parts[..2] == [0x2001, 0xdb8]
        || (parts[0] == 0x3fff && parts[1] < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_known() {
        for private in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::a00:1",
            "64:ff9b:1:ffff::808:808",
            "::ffff:0:127.0.0.1",
            "::ffff:0:a00:1",
            "2606:4700::5efe:10.0.0.1",
            "fe80::200:5efe:127.0.0.1",
            "2606:4700::200:5efe:169.254.169.254",
            "2002:7f00:1::",
            // Teredo bears the address of its client with every bit turned.
            "2001:0:4136:e378:8000:63bf:f5ff:fffe",
            "2001:db8::1",
            "3fff::1",
            "100::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for public in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2002:808:808::",
            "64:ff9b::808:808",
            "2001:4860:4860::8888",
        ] {
            assert!(!is_private(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn however_an_address_is_written_it_is_known() {
        for url in [
            "http://127.0.0.1/",
            "http://[::1]:80/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::ffff:7f00:1]/",
            "http://127.1/x",
        ] {
            assert!(private_host(&url.parse().unwrap()).is_some(), "{url}");
        }
        assert_eq!(private_host(&"https://hooks.example.com/".parse().unwrap()), None);
    }
}
