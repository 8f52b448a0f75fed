//! TLS: the certificate that the options name, or one of an authority of our own.

mod own;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, ensure};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::Clock;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::cli::{Tls, TlsOptions};
use own::OwnAuthority;

/// How often the files are looked at: a certificate that was renewed is used without a restart.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a certificate of our own is looked after.
const RENEW_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The TLS of the server.
#[derive(Debug, Clone)]
pub struct ServerTls {
    current: Arc<RwLock<CurrentTls>>,
    files: Arc<TlsFiles>,
}

/// What is used now, and what is known of the files.
#[derive(Debug)]
struct CurrentTls {
    config: Arc<ServerConfig>,
    expires: Timestamp,
    /// What the files held that were judged last.
    judged: FileSum,
    /// What they held at the last look: they are judged once two looks find the same, since key and
    /// certificate are not written at once.
    seen: FileSum,
    trouble: Option<String>,
}

/// SHA-256 of certificate and key.
type FileSum = [[u8; 32]; 2];

/// How the certificate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateState {
    /// When the one in use expires.
    pub expires: Timestamp,
    /// Why the files are not what is in use, in words.
    pub trouble: Option<String>,
}

/// Where certificate and key are, and whose they are.
#[derive(Debug)]
struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    /// Our own authority, when it is the one that issues.
    own: Option<OwnAuthority>,
}

/// What the files hold.
struct FileContent {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl ServerTls {
    /// The TLS that the options name; `None` for no TLS at all. A certificate of our own is for this
    /// machine and `names`.
    ///
    /// # Errors
    /// When a file cannot be read or made.
    pub fn open(
        options: &TlsOptions,
        data_dir: &Path,
        names: Vec<String>,
        now: Timestamp,
    ) -> anyhow::Result<Option<Self>> {
        let files = match (&options.tls_cert, &options.tls_key, options.tls) {
            (Some(certificate), Some(key), _) => {
                TlsFiles { certificate: certificate.clone(), key: key.clone(), own: None }
            }
            (_, _, Tls::Off) => return Ok(None),
            (_, _, Tls::SelfSigned) => {
                let folder = data_dir.join("tls");
                TlsFiles {
                    certificate: folder.join(own::CERTIFICATE),
                    key: folder.join(own::KEY),
                    own: Some(OwnAuthority::new(folder, names)?),
                }
            }
        };
        files.renew(now)?;
        let content = files.read()?;
        let (config, expires) = files.parse(&content)?;
        if expires <= now {
            error!(certificate = %files.certificate.display(), %expires, "{EXPIRED}");
        }
        let sum = content.sum();
        let current = CurrentTls { config, expires, judged: sum, seen: sum, trouble: None };
        Ok(Some(Self { current: Arc::new(RwLock::new(current)), files: Arc::new(files) }))
    }

    /// The certificate of our own authority, when it is the one that issues.
    #[must_use]
    pub fn authority(&self) -> Option<PathBuf> {
        self.files.own.as_ref().map(OwnAuthority::certificate)
    }

    /// How the certificate stands.
    #[must_use]
    pub fn state(&self) -> CertificateState {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        CertificateState { expires: current.expires, trouble: current.trouble.clone() }
    }

    /// What receives the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.config.clone().into()
    }

    /// Looks at the files again and again, and renews a certificate of our own in time, for ever.
    pub(crate) async fn keep_current(self, clock: Arc<dyn Clock>) {
        let mut renewed = clock.now();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = clock.now();
            if now.duration_since(renewed).abs() >= RENEW_EVERY {
                renewed = now;
                if let Err(error) = self.files.renew(now) {
                    error!("Could not renew the certificate: {error:#}");
                }
            }
            self.look(now);
        }
    }

    /// Looks at the files. Once they stay as they are for two looks, what they hold is used, unless it
    /// cannot be: then what is in use stays.
    pub fn look(&self, now: Timestamp) {
        let content = self.files.read();
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let sum = content.as_ref().map_or([[0; 32]; 2], FileContent::sum);
        let is_settled = std::mem::replace(&mut current.seen, sum) == sum;
        if !is_settled || sum == current.judged {
            return;
        }
        current.judged = sum;
        let usable =
            content.and_then(|content| self.files.parse(&content)).and_then(|(config, expires)| {
                ensure!(expires > now, "{EXPIRED} at {expires}");
                Ok((config, expires))
            });
        match usable {
            Ok((config, expires)) => {
                info!(%expires, "Uses the certificate that the file holds now");
                (current.config, current.expires, current.trouble) = (config, expires, None);
            }
            Err(error) => {
                error!("Goes on with the certificate of before: {error:#}");
                current.trouble = Some(format!("{error:#}"));
            }
        }
    }
}

/// What is said of a certificate that nobody accepts any more.
const EXPIRED: &str = "The certificate expired";

impl FileContent {
    fn sum(&self) -> FileSum {
        [Sha256::digest(&self.certificate).into(), Sha256::digest(&self.key).into()]
    }
}

impl TlsFiles {
    fn renew(&self, now: Timestamp) -> anyhow::Result<()> {
        if let Some(own) = &self.own
            && own.issue_when_due(now).context("making a certificate")?
        {
            info!(ca = %own.certificate().display(), "Made a certificate");
        }
        Ok(())
    }

    fn read(&self) -> anyhow::Result<FileContent> {
        let read = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
        Ok(FileContent { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    /// What connections are accepted by, and when its certificate expires.
    fn parse(&self, content: &FileContent) -> anyhow::Result<(Arc<ServerConfig>, Timestamp)> {
        let (certificate, key) = (&self.certificate, &self.key);
        let reading = || format!("reading {} and {}", certificate.display(), key.display());
        let chain: Vec<CertificateDer> = CertificateDer::pem_slice_iter(&content.certificate)
            .collect::<Result<_, _>>()
            .with_context(reading)?;
        let key = PrivateKeyDer::from_pem_slice(&content.key).with_context(reading)?;
        let expires = chain.first().and_then(expiry).with_context(reading)?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.with_context(reading)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok((Arc::new(config), expires))
    }
}

/// When a certificate expires.
fn expiry(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()
}

/// Says in words what keeps the certificate that the options name from being used, or will do soon.
///
/// # Errors
/// When it cannot be used at all.
pub fn inspect(options: &TlsOptions, now: Timestamp) -> anyhow::Result<Option<String>> {
    let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) else {
        return Ok(None);
    };
    let files = TlsFiles { certificate: certificate.clone(), key: key.clone(), own: None };
    let (_, expires) = files.parse(&files.read()?)?;
    Ok(expiry_words(expires, now))
}

/// Days before its end from which on a certificate is warned of.
const WARN_DAYS: i64 = 14;

/// What is said of a certificate that has expired or does so soon.
#[must_use]
pub fn expiry_words(expires: Timestamp, now: Timestamp) -> Option<String> {
    let left = expires.duration_since(now);
    match left.as_hours() / 24 {
        _ if left.is_negative() || left.is_zero() => Some(format!(
            "{EXPIRED} at {expires}: agents and browsers refuse the server. Put another one in its place."
        )),
        days if days < WARN_DAYS => {
            Some(format!("The certificate expires at {expires}. Put another one in its place."))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a certificate that expires in a year, and its key.
    fn write(folder: &Path, year: i32) -> String {
        let mut parameters = rcgen::CertificateParams::new(["poolwatch.test".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(year, 1, 15);
        let key = rcgen::KeyPair::generate().unwrap();
        fs::write(folder.join("server.pem"), parameters.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
        key.serialize_pem()
    }

    #[test]
    fn a_certificate_that_changes_is_used_and_one_that_cannot_be_is_not() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let place = |name| Some(folder.path().join(name));
        let options = TlsOptions {
            tls_cert: place("server.pem"),
            tls_key: place("server.key"),
            tls_name: vec![],
            tls: Tls::Off,
        };
        let now: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        let first_key = write(folder.path(), 2030);
        let tls = ServerTls::open(&options, folder.path(), vec![], now).unwrap().unwrap();
        let config = || tls.current.read().unwrap().config.clone();
        let year = || tls.state().expires.to_string()[..4].to_owned();
        let first = config();
        assert_eq!((year().as_str(), tls.state().trouble), ("2030", None));

        write(folder.path(), 2031);
        tls.look(now);
        assert!(Arc::ptr_eq(&config(), &first), "the key may follow");
        tls.look(now);
        assert_eq!(year(), "2031");
        let second = config();
        // The key of another, one that expired, and none at all: each is told, and changes nothing.
        let keep = |words: &str| {
            tls.look(now);
            tls.look(now);
            assert!(Arc::ptr_eq(&config(), &second), "{words}");
            let trouble = tls.state().trouble.unwrap();
            assert!(trouble.contains(words), "{trouble}");
        };
        fs::write(folder.path().join("server.key"), first_key).unwrap();
        keep("server.key");
        write(folder.path(), 2020);
        keep("expired at 2020");
        fs::remove_file(folder.path().join("server.pem")).unwrap();
        keep("server.pem");
        write(folder.path(), 2032);
        tls.look(now);
        tls.look(now);
        assert_eq!((year().as_str(), tls.state().trouble), ("2032", None));
    }

    #[test]
    fn a_certificate_is_warned_of_for_two_weeks() {
        let expires: Timestamp = "2027-01-15T00:00:00Z".parse().unwrap();
        let words = |at: &str| expiry_words(expires, at.parse().unwrap());
        assert_eq!(words("2026-12-31T00:00:00Z"), None);
        assert!(words("2027-01-02T00:00:00Z").unwrap().starts_with("The certificate expires at"));
        assert!(words("2027-01-15T00:00:00Z").unwrap().starts_with("The certificate expired at"));
    }
}
