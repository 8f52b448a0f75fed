//! How the agent is, for whoever asks: the settings that hold, what was sent last, what waits, and what
//! is missing. The service tells it to everybody on the host, so no secret is in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId, snapshot::CollectorFault, text::printable};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    identity::IdentitySummary,
    machine::Status,
    proxy,
    settings::{Effective, SETTINGS, Settings, Source},
    spool::SpoolSummary,
};

/// How uploads fare.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UploadHealth {
    /// When the server took something last.
    pub last_upload: Option<Timestamp>,
    /// Why the latest attempt failed; `None` when it did not.
    pub last_failure: Option<String>,
    /// Whether it fails until somebody mends it.
    pub is_lasting: bool,
}

/// A setting with its value, as far as that may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownSetting {
    /// Its value; `(set)` for a secret.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: Source,
}

/// What waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingStatus {
    /// Segments of the spool.
    pub segments: usize,
    /// Bytes of all.
    pub bytes: u64,
    /// Frames that were dropped unsent.
    pub dropped_frames: u64,
}

/// How the agent is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Its version.
    pub version: String,
    /// Whether the running service told this; else who asked looked by itself.
    #[serde(default)]
    pub by_service: bool,
    /// Its settings by name.
    pub settings: BTreeMap<String, ShownSetting>,
    /// Values that were passed over, and why.
    pub problems: Vec<String>,
    /// What keeps it from measuring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Its instance; `None` where it may not be read.
    pub instance_id: Option<Uuid>,
    /// The host's number at the server.
    pub host_id: Option<HostId>,
    /// The server that it is enrolled at.
    pub enrolled_at: Option<String>,
    /// What the list of services says of it.
    pub service: Option<String>,
    /// What cannot be measured, and why.
    pub faults: Option<Vec<CollectorFault>>,
    /// What waits to be sent.
    pub spool: Option<WaitingStatus>,
    /// How uploads fare; only the running agent knows.
    #[serde(default)]
    pub uploads: Option<UploadHealth>,
    /// The proxy to the server, without a password; `None` when there is none.
    #[serde(default)]
    pub proxy: Option<String>,
    /// Whose certificates are trusted, in words.
    #[serde(default)]
    pub trusts: String,
}

impl AgentStatus {
    /// What settings alone tell, with nothing known of the rest.
    #[must_use]
    pub fn of_settings(settings: &Settings) -> Self {
        let shown = |each: &Effective| {
            let secret = each.setting.secret;
            let value = each.value.as_ref();
            let value = value.map(|value| if secret { "(set)".to_owned() } else { value.clone() });
            (each.setting.name.to_owned(), ShownSetting { value, source: each.source })
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            by_service: false,
            settings: settings.effective().iter().map(shown).collect(),
            problems: settings.problems.clone(),
            trouble: None,
            instance_id: None,
            host_id: None,
            enrolled_at: None,
            service: None,
            faults: None,
            spool: None,
            uploads: None,
            proxy: settings.server_url().and_then(|url| proxy::shown_proxy(url, settings.proxy())),
            trusts: match settings.ca_file() {
                Some(file) if file.is_file() => {
                    format!("only the authorities in {}", file.display())
                }
                Some(file) => {
                    format!("only the authorities in {}, which is not there", file.display())
                }
                None => "the authorities that this system trusts".to_owned(),
            },
        }
    }

    /// Adds who the agent is.
    pub fn add_identity(&mut self, identity: &IdentitySummary) {
        self.instance_id = Some(identity.instance_id);
        if let Some((server_url, host_id)) = &identity.enrolled {
            self.enrolled_at = Some(server_url.clone());
            self.host_id = Some(*host_id);
        }
    }

    /// Adds what waits.
    pub fn add_spool(&mut self, spool: &SpoolSummary) {
        let SpoolSummary { segments, bytes, dropped } = *spool;
        self.spool = Some(WaitingStatus { segments, bytes, dropped_frames: dropped });
    }

    /// The status in lines for people. What was told by others holds no control characters.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for setting in SETTINGS {
            let Some(ShownSetting { value, source }) = self.settings.get(setting.name) else {
                continue;
            };
            let value = value.as_deref().unwrap_or("-");
            lines.push(format!("{:<22} {source:<14} {value}", setting.name));
        }
        lines.extend(self.problems.iter().map(|problem| format!("Passed over: {problem}")));
        lines.extend(self.trouble.iter().map(|trouble| format!("Waits: {trouble}")));
        lines.push(String::new());
        lines.push(match (&self.instance_id, &self.enrolled_at, self.host_id) {
            (_, Some(server_url), Some(host_id)) => {
                format!("Enrolled at {server_url} as host {host_id}")
            }
            (Some(instance_id), ..) => format!("Not enrolled; instance {instance_id}"),
            (None, ..) => "Never started, or the spool may not be read by you".to_owned(),
        });
        lines.extend(self.service.as_ref().map(|state| format!("Service: {state}")));
        if let Some(uploads) = &self.uploads {
            lines.push(match uploads.last_upload {
                Some(at) => format!("Last upload: {at:.0}"),
                None => "Nothing was uploaded since the agent started".to_owned(),
            });
            lines.extend(uploads.last_failure.as_ref().map(|why| format!("Uploads fail: {why}")));
        }
        lines.push(match &self.proxy {
            Some(proxy) => format!("Proxy: {proxy}"),
            None => "Proxy: none".to_owned(),
        });
        lines.push(format!("Certificates: trusts {}", self.trusts));
        for fault in self.faults.iter().flatten() {
            lines.push(format!("No {}: {}", fault.collector, Status::failure(fault.status)));
        }
        if let Some(spool) = &self.spool {
            let size = Bytes(spool.bytes);
            lines.push(format!("Spool: {size}, {} frames dropped unsent", spool.dropped_frames));
        }
        if !self.by_service {
            lines
                .push("The service did not answer: this is what can be seen without it".to_owned());
        }
        lines.iter().map(|line| format!("{}\n", printable(line))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Layer;

    fn settings() -> Settings {
        let said = [
            ("server_url", "https://pool.example.net"),
            ("enroll_token", "hush-hush"),
            ("proxy", "http://user:hush-hush@proxy.example.net:3128"),
        ];
        let values = said.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        Settings::resolve(vec![Layer::new(Source::Policy, values)])
    }

    #[test]
    fn no_secret_is_told_and_all_of_it_comes_back() {
        let mut status = AgentStatus::of_settings(&settings());
        status.uploads = Some(UploadHealth {
            last_upload: Timestamp::from_second(1_780_000_000).ok(),
            last_failure: Some("refused\u{1b}[2J".to_owned()),
            is_lasting: true,
        });
        let json = serde_json::to_string(&status).unwrap();
        assert!(!json.contains("hush") && json.contains("proxy.example.net:3128"), "{json}");
        let back: AgentStatus = serde_json::from_str(&json).unwrap();
        assert_eq!(back, status);
        let text = back.text();
        assert!(text.contains("Last upload: 2026-05-28T20:26:40Z"), "{text}");
        assert!(text.contains("Proxy: http://proxy.example.net:3128"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains("hush"), "{text}");
    }

    #[test]
    fn an_answer_of_an_older_service_is_read() {
        let json = serde_json::to_value(AgentStatus::of_settings(&settings())).unwrap();
        let serde_json::Value::Object(mut json) = json else { panic!() };
        for new in ["by_service", "uploads", "proxy", "trusts"] {
            json.remove(new);
        }
        assert!(serde_json::from_value::<AgentStatus>(json.into()).is_ok());
    }
}
