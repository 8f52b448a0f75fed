//! By which proxy a server is reached.

use reqwest::Url;

/// What a setting says when no proxy is to be used.
pub(crate) const NO_PROXY: &str = "none";

/// A machine's proxy as WinHTTP keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MachineProxy {
    /// Proxies: `host:port` for all, or `scheme=host:port` for some, separated by semicolons or
    /// blanks.
    pub(crate) proxies: String,
    /// Hosts that are reached without, with `*` for any letters, a scheme before and a port behind where
    /// it is for that alone; `<local>` stands for names without a dot.
    pub(crate) bypass: String,
}

/// The proxy's address for a server; `None` when it is reached without.
pub(crate) fn proxy_for(server: &Url, setting: Option<&str>) -> Option<String> {
    match setting {
        Some(NO_PROXY) => None,
        Some(address) => Some(address.to_owned()),
        None => machine_proxy()?.for_server(server),
    }
}

/// The proxy's address for a server without name and password, to be shown.
pub(crate) fn shown_proxy(server_url: &str, setting: Option<&str>) -> Option<String> {
    let proxy = proxy_for(&server_url.parse().ok()?, setting)?;
    let (scheme, address) = proxy.split_once("://").unwrap_or(("http", &proxy));
    let address = address.rsplit_once('@').map_or(address, |(_, address)| address);
    Some(format!("{scheme}://{}", address.trim_end_matches('/')))
}

#[cfg(windows)]
fn machine_proxy() -> Option<MachineProxy> {
    let (proxies, bypass) = crate::windows::machine_proxy()?;
    Some(MachineProxy { proxies, bypass })
}

#[cfg(not(windows))]
fn machine_proxy() -> Option<MachineProxy> {
    None
}

impl MachineProxy {
    fn for_server(&self, server: &Url) -> Option<String> {
        let parts = |text: &'_ str| {
            let parts = text.split([';', ' ', '\t']).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect::<Vec<_>>()
        };
        if parts(&self.bypass).iter().any(|entry| is_bypassed(entry, server)) {
            return None;
        }
        let chosen =
            parts(&self.proxies).into_iter().find_map(|part| match part.split_once('=') {
                None => Some(part),
                Some((scheme, address)) => {
                    scheme.eq_ignore_ascii_case(server.scheme()).then(|| address.to_owned())
                }
            })?;
        Some(if chosen.contains("://") { chosen } else { format!("http://{chosen}") })
    }
}

/// Whether an entry of the list of hosts that are reached without a proxy means a server.
fn is_bypassed(entry: &str, server: &Url) -> bool {
    let entry = entry.to_ascii_lowercase();
    // Of an address its host is in small letters.
    let host = server.host_str().unwrap_or_default();
    if entry == "<local>" {
        return !host.contains(['.', ':']);
    }
    let entry = match entry.split_once("://") {
        Some((scheme, _)) if scheme != server.scheme() => return false,
        Some((_, rest)) => rest,
        None => &entry,
    };
    let ported = entry.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    match ported {
        Some((pattern, port)) if !pattern.contains(':') || pattern.ends_with(']') => {
            server.port_or_known_default() == Some(port) && matches(pattern, host)
        }
        _ => matches(entry, host),
    }
}

/// Whether a text is what a pattern with `*` means.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_says_which_proxy_and_for_whom() {
        for (proxies, bypass, server, expected) in [
            ("proxy:8080", "", "https://pool.example.net", Some("http://proxy:8080")),
            ("proxy:8080", "<local>", "https://pool", None),
            ("proxy:8080", "<local>", "https://pool.example.net", Some("http://proxy:8080")),
            ("proxy:8080", "a;*.Example.net", "https://pool.example.net", None),
            ("proxy:8080", "pool.*.net", "https://pool.example.net", None),
            ("proxy:8080", "*.example.com", "https://pool.example.net", Some("http://proxy:8080")),
            ("proxy:8080", "pool.example.net:443", "https://pool.example.net", None),
            (
                "proxy:8080",
                "pool.example.net:8443",
                "https://pool.example.net",
                Some("http://proxy:8080"),
            ),
            ("proxy:8080", "https://pool.*", "https://pool.example.net", None),
            ("proxy:8080", "http://pool.*", "https://pool.example.net", Some("http://proxy:8080")),
            ("proxy:8080", "10.1.*", "https://10.1.2.3:8443", None),
            ("proxy:8080", "[::1]:8443", "https://[::1]:8443", None),
            ("proxy:8080", "[fe80::1]", "https://[fe80::1]", None),
            ("proxy:8080", "<LOCAL>", "https://[fe80::1]", Some("http://proxy:8080")),
            ("http=a:1;HTTPS=b:2", "", "https://pool.example.net", Some("http://b:2")),
            ("http=a:1;https=b:2", "", "https://pool.example.net", Some("http://b:2")),
            ("http=a:1", "", "https://pool.example.net", None),
            ("http://a:1", "", "https://pool.example.net", Some("http://a:1")),
            ("", "", "https://pool.example.net", None),
        ] {
            let machine = MachineProxy { proxies: proxies.into(), bypass: bypass.into() };
            let found = machine.for_server(&server.parse().unwrap());
            assert_eq!(found.as_deref(), expected, "{proxies} {bypass} {server}");
        }
    }

    #[test]
    fn a_setting_beats_the_machine() {
        let server = "https://pool.example.net".parse().unwrap();
        assert_eq!(proxy_for(&server, Some(NO_PROXY)), None);
        let set = proxy_for(&server, Some("http://user:word@proxy:3128"));
        assert_eq!(set.as_deref(), Some("http://user:word@proxy:3128"));
    }
}
