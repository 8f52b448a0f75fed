//! An authority of our own, for agents and browsers to trust, and the certificate that it issues.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use tracing::warn;

/// The authority's certificate, for agents.
pub(super) const AUTHORITY: &str = "ca.pem";
const AUTHORITY_KEY: &str = "ca.key";
/// The server's certificate.
pub(super) const CERTIFICATE: &str = "server.pem";
/// The server's key.
pub(super) const KEY: &str = "server.key";

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long the authority is valid: agents have it in their settings.
const AUTHORITY_DAYS: i32 = 20 * 365;
/// How long a certificate is valid.
const CERTIFICATE_DAYS: i32 = 365;
/// So long before its end it is renewed.
const RENEWAL_DAYS: i32 = 60;
/// Begins the line before a certificate that says when it ends. Readers of PEM skip it (RFC 7468).
const VALID_UNTIL: &str = "Valid until ";

/// Issues a certificate where there is none, or where the one there is ends soon. Returns whether
/// it did.
///
/// # Errors
/// When a file cannot be read or made.
pub(super) fn issue_when_due(folder: &Path, now: Timestamp) -> anyhow::Result<bool> {
    let certificate = fs::read_to_string(folder.join(CERTIFICATE)).ok();
    if let Some(certificate) = certificate {
        let Some(until) = valid_until(&certificate) else {
            // Made by a version that did not keep the authority's key.
            if !folder.join(AUTHORITY_KEY).exists() {
                warn!(
                    folder = %folder.display(),
                    "This certificate is never renewed; remove the folder for a new authority, and \
                     give its ca.pem to agents"
                );
            }
            return Ok(false);
        };
        if now < until - DAY * RENEWAL_DAYS {
            return Ok(false);
        }
    }
    fs::create_dir_all(folder)?;
    let issuer = authority(folder, now)?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_owned()));
    names.retain(|name| !name.is_empty());
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Poolwatch server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let until = valid_for(&mut params, now, CERTIFICATE_DAYS);
    let certificate = params.signed_by(&key, &issuer)?.pem();
    write_secret(&folder.join(KEY), &key.serialize_pem())?;
    // Last: its presence says that all the rest is there.
    fs::write(folder.join(CERTIFICATE), format!("{VALID_UNTIL}{until}\n{certificate}"))?;
    Ok(true)
}

/// The authority, made at first.
fn authority(folder: &Path, now: Timestamp) -> anyhow::Result<Issuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Poolwatch (this server)");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, now, AUTHORITY_DAYS);
    let path = folder.join(AUTHORITY_KEY);
    if path.exists() && folder.join(AUTHORITY).exists() {
        return Ok(Issuer::new(params, KeyPair::from_pem(&fs::read_to_string(path)?)?));
    }
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?.pem();
    write_secret(&path, &key.serialize_pem())?;
    fs::write(folder.join(AUTHORITY), certificate)?;
    Ok(Issuer::new(params, key))
}

/// From a day ago, for clocks that are behind, for so many days. Returns when it ends.
fn valid_for(params: &mut CertificateParams, now: Timestamp, days: i32) -> Timestamp {
    let day = |at: Timestamp| {
        let date = at.to_zoned(TimeZone::UTC).date();
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(date.year().into(), month, day)
    };
    let until = now.saturating_add(DAY * days).unwrap_or(Timestamp::MAX);
    params.not_before = day(now.saturating_sub(DAY).unwrap_or(now));
    params.not_after = day(until);
    until
}

fn valid_until(certificate: &str) -> Option<Timestamp> {
    certificate.lines().next()?.strip_prefix(VALID_UNTIL)?.parse().ok()
}

fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_holds_for_a_year_and_is_renewed_by_the_same_authority() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name| fs::read_to_string(folder.path().join(name)).unwrap();
        let start: Timestamp = "2027-01-01T12:00:00Z".parse().unwrap();
        assert!(issue_when_due(folder.path(), start).unwrap());
        let (authority, first) = (read(AUTHORITY), read(CERTIFICATE));
        assert_eq!(valid_until(&first), Some("2028-01-01T12:00:00Z".parse().unwrap()));
        assert!(!issue_when_due(folder.path(), start + DAY * 300).unwrap());
        assert!(issue_when_due(folder.path(), start + DAY * 306).unwrap());
        assert_ne!(read(CERTIFICATE), first);
        assert_eq!(read(AUTHORITY), authority);
    }
}
