//! TLS: the certificate that the options name, or one of an authority of our own.

mod own;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context;
use jiff::Timestamp;
use poolwatch_model::Clock;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

use crate::cli::{Tls, TlsOptions};
use own::OwnAuthority;

/// How often the files are read again: a certificate that was renewed is used without a restart.
const READ_EVERY: Duration = Duration::from_secs(3600);

/// The TLS of the server.
#[derive(Debug, Clone)]
pub struct ServerTls {
    current: Arc<RwLock<Arc<ServerConfig>>>,
    files: Arc<TlsFiles>,
}

/// Where certificate and key are, and whose they are.
#[derive(Debug)]
struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
    /// Our own authority, when it is the one that issues.
    own: Option<OwnAuthority>,
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
        let current = Arc::new(RwLock::new(files.read(now)?));
        Ok(Some(Self { current, files: Arc::new(files) }))
    }

    /// The certificate of our own authority, when it is the one that issues.
    #[must_use]
    pub fn authority(&self) -> Option<PathBuf> {
        self.files.own.as_ref().map(OwnAuthority::certificate)
    }

    /// The file of the server's certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.files.certificate.clone()
    }

    /// What receives the next connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }

    /// Reads the files again and again, and renews a certificate of our own in time, for ever.
    pub(crate) async fn keep_current(self, clock: Arc<dyn Clock>) {
        loop {
            tokio::time::sleep(READ_EVERY).await;
            match self.files.read(clock.now()) {
                Ok(config) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                }
                Err(error) => error!("Goes on with the certificate of before: {error:#}"),
            }
        }
    }
}

impl TlsFiles {
    fn read(&self, now: Timestamp) -> anyhow::Result<Arc<ServerConfig>> {
        if let Some(own) = &self.own
            && own.issue_when_due(now).context("making a certificate")?
        {
            info!(ca = %own.certificate().display(), "Made a certificate");
        }
        let (certificate, key) = (&self.certificate, &self.key);
        let reading = || format!("reading {} and {}", certificate.display(), key.display());
        let chain: Vec<CertificateDer> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .with_context(reading)?;
        let key = PrivateKeyDer::from_pem_file(key).with_context(reading)?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.with_context(reading)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
