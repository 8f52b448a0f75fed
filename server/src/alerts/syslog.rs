//! Syslog: a message as RFC 5424, by UDP, TCP or TLS.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use poolwatch_model::alerting::AlertLevel;
use poolwatch_store::deliveries::LeasedDelivery;
use poolwatch_web::links;
use reqwest::Url;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use syslog_fmt::{Facility, Severity, v5424};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    answer::DeliveryFailure,
    webhook::{is_private, refusal},
};

/// How long connecting and writing may take together.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Letters of a message: some receivers take no more than 2 kB in all.
const MESSAGE_CHARS: usize = 1000;

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyslogTransport {
    /// A datagram: nobody says whether it came.
    Udp,
    /// A stream (RFC 6587, with octet counts).
    Tcp,
    /// A stream by TLS (RFC 5425).
    Tls,
}

/// Where a syslog address leads: host, port and transport.
///
/// # Errors
/// What is wrong with it, in words.
pub fn read_address(address: &str) -> Result<(SyslogTransport, String, u16), String> {
    let url: Url = address.parse().map_err(|error| format!("{address} is no address: {error}"))?;
    let (transport, port) = match url.scheme() {
        "udp" => (SyslogTransport::Udp, 514),
        "tcp" => (SyslogTransport::Tcp, 514),
        "tls" => (SyslogTransport::Tls, 6514),
        _ => {
            return Err("A syslog address looks like udp://logs.example.com:514, tcp://… or \
                        tls://…"
                .to_owned());
        }
    };
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| format!("{address} names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok((transport, host, url.port().unwrap_or(port)))
}

/// Sends a message. Returns what is known of how it went.
///
/// # Errors
/// Why it could not be sent.
pub async fn send(
    delivery: &LeasedDelivery,
    console_url: &str,
    allows_private: bool,
    now: Timestamp,
) -> Result<String, DeliveryFailure> {
    let failed = |is_final, answer: String| DeliveryFailure { is_final, answer };
    let (transport, host, port) =
        read_address(&delivery.address).map_err(|words| failed(true, words))?;
    let message = format_message(delivery, console_url, now)
        .map_err(|error| failed(true, error.to_string()))?;
    let sent = timeout(TIMEOUT, async {
        let address = resolve(&host, port, allows_private).await?;
        match transport {
            SyslogTransport::Udp => send_datagram(address, &message).await,
            SyslogTransport::Tcp => {
                write_framed(TcpStream::connect(address).await?, &message).await
            }
            SyslogTransport::Tls => {
                let name = ServerName::try_from(host.clone()).map_err(std::io::Error::other)?;
                let stream = TcpStream::connect(address).await?;
                let stream = TlsConnector::from(tls_config()).connect(name, stream).await?;
                write_framed(stream, &message).await
            }
        }
    });
    match sent.await {
        Ok(Ok(())) => Ok(match transport {
            SyslogTransport::Udp => "sent by UDP, which confirms nothing".to_owned(),
            _ => "written; syslog confirms no more".to_owned(),
        }),
        Ok(Err(error)) => Err(failed(false, error.to_string())),
        Err(_) => Err(failed(false, format!("no answer within {} s", TIMEOUT.as_secs()))),
    }
}

/// The first address of a host that may be connected to.
async fn resolve(host: &str, port: u16, allows_private: bool) -> std::io::Result<SocketAddr> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    let allowed = found.iter().find(|one| allows_private || !is_private(one.ip()));
    match (allowed, found.first()) {
        (Some(address), _) => Ok(*address),
        (None, Some(private)) => Err(std::io::Error::other(refusal(private.ip()))),
        (None, None) => Err(std::io::Error::other(format!("{host} has no address"))),
    }
}

async fn send_datagram(address: SocketAddr, message: &[u8]) -> std::io::Result<()> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        SocketAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    UdpSocket::bind(any).await?.send_to(message, address).await?;
    Ok(())
}

/// Writes a message behind the count of its bytes, and ends the connection in order.
async fn write_framed(mut stream: impl AsyncWrite + Unpin, message: &[u8]) -> std::io::Result<()> {
    stream.write_all(format!("{} ", message.len()).as_bytes()).await?;
    stream.write_all(message).await?;
    stream.shutdown().await
}

/// Trusts whom this machine trusts.
fn tls_config() -> Arc<ClientConfig> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn format_message(
    delivery: &LeasedDelivery,
    console_url: &str,
    now: Timestamp,
) -> std::io::Result<Vec<u8>> {
    let subject = &delivery.subject;
    let severity = match subject.level {
        AlertLevel::Critical => Severity::Crit,
        AlertLevel::Warning => Severity::Warning,
        AlertLevel::Note => Severity::Notice,
    };
    let host = Url::parse(console_url).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or("-");
    let formatter = v5424::Config {
        facility: Facility::Daemon,
        hostname: Some(host),
        app_name: Some("poolwatch"),
        proc_id: None,
    };
    let message = delivery.message.to_string();
    let url = match &subject.incident {
        Some(id) => format!("{console_url}{}", links::incident(id)),
        None => console_url.to_owned(),
    };
    let incident = subject.incident.map(|id| id.0.to_string()).unwrap_or_default();
    let data = [
        ("message", message.as_str()),
        ("incident", incident.as_str()),
        ("level", subject.level.as_str()),
        ("url", url.as_str()),
    ];
    // A line: what a host calls itself must not begin another.
    let line: String = delivery.words.subject.chars().filter(|one| !one.is_control()).collect();
    let line: String = line.chars().take(MESSAGE_CHARS).collect();
    let mut bytes = Vec::new();
    formatter.into_formatter().write_with_data(
        &mut bytes,
        severity,
        now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        line,
        Some("alert"),
        // The number that RFC 5612 keeps for examples: Poolwatch has none of its own.
        [("poolwatch@32473", data)],
    )?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        alerting::{ChannelKind, DeliveryId, MessageSubject},
        incident::{IncidentChange, IncidentId},
    };
    use poolwatch_store::outbox::MessageWords;

    use super::*;

    #[test]
    fn a_message_is_one_line_of_rfc_5424() {
        let delivery = LeasedDelivery {
            id: DeliveryId(1),
            message: 9,
            subject: MessageSubject {
                incident: Some(IncidentId(17)),
                alert: None,
                change: Some(IncidentChange::Opened),
                level: AlertLevel::Critical,
            },
            kind: ChannelKind::Syslog,
            address: "udp://logs.example.com".into(),
            sealed_secret: None,
            words: MessageWords {
                subject: "FS-02\r\n<0>1 forged".into(),
                text: String::new(),
                html: String::new(),
                chart: None,
            },
            attempts: 1,
        };
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let bytes = format_message(&delivery, "https://poolwatch.test:8443", at).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text,
            "<26>1 2027-01-15T08:00:00.000Z poolwatch.test poolwatch - alert \
             [poolwatch@32473 message=\"9\" incident=\"17\" level=\"critical\" \
             url=\"https://poolwatch.test:8443/incidents/17\"] \u{feff}FS-02<0>1 forged"
        );
    }

    #[test]
    fn addresses_have_usual_ports_and_what_is_none_is_said_in_words() {
        let read = |address| read_address(address).unwrap();
        assert_eq!(
            read("udp://logs.example.com"),
            (SyslogTransport::Udp, "logs.example.com".into(), 514)
        );
        assert_eq!(
            read("tls://[2001:db8::1]:7000"),
            (SyslogTransport::Tls, "2001:db8::1".into(), 7000)
        );
        assert!(read_address("https://logs.example.com").unwrap_err().contains("looks like udp"));
        assert!(read_address("logs").unwrap_err().contains("is no address"));
    }
}
