//! The identity as its file has it: the host's key is protected where the system can do that.

use std::io;

use poolwatch_model::HostId;
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use super::{Enrolled, Identity, IdentitySummary, ReplayedBoot};
use crate::system_errors::passes;

#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    instance_id: Uuid,
    #[serde(default)]
    enrolled: Option<KeptEnrolment>,
    #[serde(default)]
    replay: Option<ReplayedBoot>,
}

#[derive(Serialize, Deserialize)]
struct KeptEnrolment {
    server_url: String,
    host_id: HostId,
    host_key: KeptKey,
}

/// The two forms tell themselves apart: a text, or an object.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum KeptKey {
    Plain(String),
    /// Protected by the data protection of Windows, for the machine.
    Protected {
        dpapi: Vec<u8>,
    },
}

impl Kept {
    /// The form to write.
    ///
    /// # Errors
    /// When the system does not protect the key. It is then not written at all.
    pub(super) fn protect(identity: &Identity) -> io::Result<Self> {
        let enrolled = identity.enrolled.as_ref().map(|enrolled| {
            Ok::<_, io::Error>(KeptEnrolment {
                server_url: enrolled.server_url.clone(),
                host_id: enrolled.host_id,
                host_key: protect(&enrolled.host_key)?,
            })
        });
        Ok(Self {
            instance_id: identity.instance_id,
            enrolled: enrolled.transpose()?,
            replay: identity.replay,
        })
    }

    /// The identity. A key that another machine protected is worth nothing here: the agent enrols
    /// again.
    ///
    /// # Errors
    /// When the system does not reveal the key now: that costs no enrolment.
    pub(super) fn reveal(self) -> io::Result<Identity> {
        self.reveal_by(reveal)
    }

    fn reveal_by(self, reveal: impl FnOnce(KeptKey) -> io::Result<String>) -> io::Result<Identity> {
        let Self { instance_id, enrolled, replay } = self;
        let enrolled = match enrolled {
            None => None,
            Some(KeptEnrolment { server_url, host_id, host_key }) => match reveal(host_key) {
                Ok(host_key) => Some(Enrolled { server_url, host_id, host_key }),
                Err(error) if passes(&error) => return Err(error),
                Err(error) => {
                    warn!(%error, "The host's key cannot be revealed on this machine");
                    None
                }
            },
        };
        Ok(Identity { instance_id, enrolled, replay })
    }

    pub(super) fn summary(self) -> IdentitySummary {
        IdentitySummary {
            instance_id: self.instance_id,
            enrolled: self.enrolled.map(|kept| (kept.server_url, kept.host_id)),
        }
    }
}

#[cfg(windows)]
fn protect(key: &str) -> io::Result<KeptKey> {
    Ok(KeptKey::Protected { dpapi: crate::windows::protect(key.as_bytes())? })
}

#[cfg(not(windows))]
#[expect(clippy::unnecessary_wraps, reason = "fails on Windows")]
fn protect(key: &str) -> io::Result<KeptKey> {
    Ok(KeptKey::Plain(key.to_owned()))
}

fn reveal(key: KeptKey) -> io::Result<String> {
    match key {
        KeptKey::Plain(key) => Ok(key),
        KeptKey::Protected { dpapi } => reveal_protected(&dpapi),
    }
}

#[cfg(windows)]
fn reveal_protected(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(crate::windows::reveal(bytes)?).map_err(io::Error::other)
}

#[cfg(not(windows))]
fn reveal_protected(_bytes: &[u8]) -> io::Result<String> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "it was protected on a Windows machine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_the_open_is_still_read() {
        let text = r#"{"instance_id":"00000000-0000-0000-0000-000000000001",
            "enrolled":{"server_url":"https://a","host_id":7,"host_key":"secret"}}"#;
        let identity = serde_json::from_str::<Kept>(text).unwrap().reveal().unwrap();
        assert_eq!(identity.enrolled.unwrap().host_key, "secret");
    }

    #[test]
    fn a_key_of_another_machine_costs_the_enrolment_and_not_the_identity() {
        let text = r#"{"instance_id":"00000000-0000-0000-0000-000000000001",
            "enrolled":{"server_url":"https://a","host_id":7,"host_key":{"dpapi":[1,2,3]}}}"#;
        let kept = || serde_json::from_str::<Kept>(text).unwrap();
        let identity = kept().reveal().unwrap();
        assert_eq!((identity.instance_id, identity.enrolled), (Uuid::from_u128(1), None));
        // The service that reveals it does not answer, or lacks memory: it is asked again.
        for code in [1450, 1722] {
            let failed = kept().reveal_by(|_| Err(io::Error::from_raw_os_error(code)));
            assert_eq!(failed.unwrap_err().raw_os_error(), Some(code));
        }
    }

    #[test]
    fn what_is_written_comes_back() {
        let identity = Identity {
            instance_id: Uuid::from_u128(1),
            enrolled: Some(Enrolled {
                server_url: "https://a".into(),
                host_id: HostId(7),
                host_key: "secret".into(),
            }),
            replay: None,
        };
        let text = serde_json::to_string(&Kept::protect(&identity).unwrap()).unwrap();
        assert_eq!(cfg!(windows), !text.contains("secret"));
        assert_eq!(serde_json::from_str::<Kept>(&text).unwrap().reveal().unwrap(), identity);
    }
}
