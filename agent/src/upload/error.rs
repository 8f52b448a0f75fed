//! Why the server did not take something.

use std::time::Duration;

/// Why the server did not take something.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Nothing can be sent before something here is set right.
    #[error("nothing can be sent: {0}")]
    Setup(String),
    /// It was not reached, or did not answer.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It does not know the key (401).
    #[error("the server does not know this host's key")]
    KeyUnknown,
    /// It does not take the enrolment token (401 of an enrolment).
    #[error("the server does not take the enrolment token: {0}")]
    TokenRefused(String),
    /// It wants the host to wait (403 of a host that is not approved yet, 429, 503, other 5xx).
    #[error("the server says to wait: {reason}")]
    Wait {
        /// Why.
        reason: String,
        /// How long.
        retry_after: Option<Duration>,
    },
    /// It does not speak this version of the protocol (415).
    #[error("the server speaks versions {0:?} of the protocol only; it needs an update")]
    Version(Vec<u16>),
    /// It cannot take this content (400, 413, 422).
    #[error("the server refused the content: {0}")]
    Content(String),
    /// It answered something else than a Poolwatch server does.
    #[error("this is not how a Poolwatch server answers: {0}")]
    Strange(String),
}

impl UploadError {
    /// The error with what to do about it, where the server did not say that itself.
    #[must_use]
    pub fn with_advice(&self) -> String {
        let advice = match self {
            Self::Unreachable(reason) if reason.contains("UnknownIssuer") => {
                "set ca_file to a copy of that server's ca.pem"
            }
            Self::Unreachable(reason) if reason.contains("NotValidForName") => {
                "use an address that its certificate names, or add this one by its option --tls-name"
            }
            Self::Unreachable(reason) if reason.contains("Expired") => {
                "renew its certificate, and look at the clocks of both"
            }
            Self::Unreachable(_) => "look at server_url, proxy, and the firewalls between",
            _ => return self.to_string(),
        };
        format!("{self}; {advice}")
    }

    /// How long the server asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Wait { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether it stays so until somebody mends it: an answer that is a no, or a set-up that cannot work.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Setup(_) | Self::KeyUnknown | Self::TokenRefused(_) | Self::Version(_) => true,
            Self::Unreachable(reason) => reason.contains("invalid peer certificate"),
            Self::Wait { .. } | Self::Content(_) | Self::Strange(_) => false,
        }
    }

    /// Whether the content is at fault, so that sending it again is useless.
    #[must_use]
    pub fn is_about_content(&self) -> bool {
        matches!(self, Self::Content(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_reached_comes_with_what_to_do() {
        for (reason, advice) in [
            ("invalid peer certificate: UnknownIssuer", "ca.pem"),
            (
                "invalid peer certificate: certificate not valid for name; NotValidForName",
                "--tls-name",
            ),
            ("tcp connect error", "server_url"),
        ] {
            let words = UploadError::Unreachable(reason.into()).with_advice();
            assert!(words.contains(reason) && words.contains(advice), "{words}");
        }
        let [unknown_issuer, away] =
            ["invalid peer certificate: UnknownIssuer", "tcp connect error"]
                .map(|reason| UploadError::Unreachable(reason.into()).is_lasting());
        assert!(unknown_issuer && !away);
        let refused = UploadError::TokenRefused("It has expired.".into());
        assert!(refused.is_lasting());
        assert_eq!(refused.with_advice(), refused.to_string());
    }
}
