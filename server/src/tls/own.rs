//! An authority of our own, for agents and browsers to trust, and the certificate that it issues.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use tracing::warn;

/// The authority's certificate, for agents.
const AUTHORITY: &str = "ca.pem";
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
/// Begins the line behind it that says which names it is for.
const NAMES: &str = "Names ";

/// An authority of our own, and the names that it issues a certificate for.
#[derive(Debug)]
pub(super) struct OwnAuthority {
    folder: PathBuf,
    names: BTreeSet<String>,
}

impl OwnAuthority {
    /// An authority that keeps its files in a folder and issues for this machine and further names.
    ///
    /// # Errors
    /// When no certificate can be for one of the names.
    pub(super) fn new(folder: PathBuf, further: Vec<String>) -> anyhow::Result<Self> {
        let mut names = BTreeSet::from(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
        for name in further {
            CertificateParams::new([name.clone()])
                .ok()
                .filter(|_| !name.is_empty() && !name.contains(char::is_whitespace))
                .with_context(|| format!("no certificate can be for the name {name:?}"))?;
            names.insert(name.to_lowercase());
        }
        names.extend(
            fs::read_to_string("/etc/hostname").ok().map(|name| name.trim().to_lowercase()),
        );
        names.retain(|name| !name.is_empty());
        Ok(Self { folder, names })
    }

    /// The authority's certificate, for agents.
    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join(AUTHORITY)
    }

    /// Issues a certificate where there is none, where the one there is ends soon, or is for other
    /// names. Returns whether it did.
    ///
    /// # Errors
    /// When a file cannot be read or made.
    pub(super) fn issue_when_due(&self, now: Timestamp) -> anyhow::Result<bool> {
        let folder = &self.folder;
        let certificate = fs::read_to_string(folder.join(CERTIFICATE)).ok();
        if let Some(certificate) = certificate {
            let Some(until) = valid_until(&certificate) else {
                // Made by a version that did not keep the authority's key.
                if !folder.join(AUTHORITY_KEY).exists() {
                    warn!(
                        folder = %folder.display(),
                        "This certificate is never renewed; remove the folder for a new authority, \
                         and give its ca.pem to agents"
                    );
                }
                return Ok(false);
            };
            if now < until - DAY * RENEWAL_DAYS && names(&certificate) == self.names {
                return Ok(false);
            }
        }
        fs::create_dir_all(folder)?;
        let issuer = authority(folder, now)?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(self.names.iter().cloned().collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, "Poolwatch server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let until = valid_for(&mut params, now, CERTIFICATE_DAYS);
        let certificate = params.signed_by(&key, &issuer)?.pem();
        write_secret(&folder.join(KEY), &key.serialize_pem())?;
        let names = self.names.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let text = format!("{VALID_UNTIL}{until}\n{NAMES}{names}\n{certificate}");
        // Last: its presence says that all the rest is there.
        fs::write(folder.join(CERTIFICATE), text)?;
        Ok(true)
    }
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

/// The names that a certificate says it is for; none of an earlier version.
fn names(certificate: &str) -> BTreeSet<String> {
    let line = certificate.lines().nth(1).and_then(|line| line.strip_prefix(NAMES));
    line.unwrap_or_default().split(' ').map(str::to_owned).collect()
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
        let own = |names: &[&str]| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            OwnAuthority::new(folder.path().to_owned(), names).unwrap()
        };
        let first_names = own(&["poolwatch.example.com"]);
        assert!(first_names.issue_when_due(start).unwrap());
        let (authority, first) = (read(AUTHORITY), read(CERTIFICATE));
        assert_eq!(valid_until(&first), Some("2028-01-01T12:00:00Z".parse().unwrap()));
        assert!(!first_names.issue_when_due(start + DAY * 300).unwrap());
        assert!(first_names.issue_when_due(start + DAY * 306).unwrap());
        let renewed = read(CERTIFICATE);
        assert_ne!(renewed, first);
        let other_names = own(&["POOLWATCH.example.com", "10.0.0.5"]);
        assert!(other_names.issue_when_due(start + DAY * 307).unwrap());
        assert!(!other_names.issue_when_due(start + DAY * 308).unwrap());
        assert_ne!(read(CERTIFICATE), renewed);
        assert_eq!(read(AUTHORITY), authority);
    }

    #[test]
    fn what_is_no_name_is_said_at_the_start() {
        for name in ["", "a b", "b\u{fc}cher"] {
            let error = OwnAuthority::new(PathBuf::new(), vec![name.into()]).unwrap_err();
            assert!(error.to_string().contains("no certificate can be for"), "{name}");
        }
    }
}
