//! `health`: asks the server of this machine whether it can serve.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, bail};

use crate::cli::{HealthOptions, Tls};

/// How long the answer may take.
const WAIT: Duration = Duration::from_secs(10);

pub(crate) async fn run(options: &HealthOptions) -> anyhow::Result<()> {
    let does_tls = options.tls.tls_cert.is_some() || options.tls.tls == Tls::SelfSigned;
    let scheme = if does_tls { "https" } else { "http" };
    let url = format!("{scheme}://{}/readyz", own_address(options.listen));
    // It asks this machine alone, sends nothing that is secret, and its certificate is for the name
    // that others call it by.
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .no_proxy()
        .timeout(WAIT)
        .build()?;
    let answer = client.get(&url).send().await.with_context(|| format!("asking {url}"))?;
    let status = answer.status();
    let words = answer.text().await.with_context(|| format!("asking {url}"))?;
    println!("{}", words.trim_end());
    if !status.is_success() {
        bail!("the server is not ready ({status})");
    }
    Ok(())
}

/// Where a server that listens on an address is reached from its own machine.
fn own_address(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_everywhere_is_asked_on_its_own_machine() {
        for (listen, asked) in [
            ("0.0.0.0:8443", "127.0.0.1:8443"),
            ("[::]:443", "[::1]:443"),
            ("10.0.0.5:8443", "10.0.0.5:8443"),
        ] {
            assert_eq!(own_address(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
