//! TLS: the certificate that the options name, or one made at first start.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tracing::info;

use crate::cli::{Tls, TlsOptions};

/// The TLS that the options name; `None` for no TLS at all.
///
/// # Errors
/// When a file cannot be read or made.
pub(crate) async fn config(
    options: &TlsOptions,
    data_dir: &Path,
) -> anyhow::Result<Option<RustlsConfig>> {
    let (cert, key) = match (&options.tls_cert, &options.tls_key, options.tls) {
        (Some(cert), Some(key), _) => (cert.clone(), key.clone()),
        (_, _, Tls::Off) => return Ok(None),
        (_, _, Tls::SelfSigned) => {
            let folder = data_dir.join("tls");
            let (cert, key) = (folder.join("server.pem"), folder.join("server.key"));
            if !cert.exists() {
                make(&folder).context("making a certificate")?;
                info!(ca = %folder.join("ca.pem").display(), "Made a certificate authority");
            }
            (cert, key)
        }
    };
    let config = RustlsConfig::from_pem_file(&cert, &key)
        .await
        .with_context(|| format!("reading {} and {}", cert.display(), key.display()))?;
    Ok(Some(config))
}

/// Makes an authority for agents and browsers to trust, and a certificate for this machine.
fn make(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "Poolwatch (this server)");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca_cert = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()));
    names.retain(|name| !name.is_empty());
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Poolwatch server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let cert = params.signed_by(&key, &issuer)?;

    write_secret(&folder.join("server.key"), &key.serialize_pem())?;
    fs::write(folder.join("ca.pem"), ca_cert.pem())?;
    // Last: its presence says that all the rest is there.
    fs::write(folder.join("server.pem"), cert.pem())?;
    Ok(())
}

fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
