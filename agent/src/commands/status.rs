//! `status`: the settings that hold, and what waits to be sent.

use std::io::Write;

use clap::Args;
use poolwatch_agent::{
    identity::IdentityFile,
    settings::{Effective, Settings},
    spool::Spool,
};
use poolwatch_model::Bytes;
use serde_json::json;

#[derive(Debug, Args)]
pub(super) struct Status {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn execute(self, settings: &Settings) -> anyhow::Result<()> {
        let folder = settings.spool_dir();
        let identity = IdentityFile::inspect(&folder);
        let enrolled = identity.as_ref().and_then(|identity| identity.enrolled.as_ref());
        let spool = Spool::inspect(&folder).ok();
        let mut out = std::io::stdout().lock();
        if self.json {
            let values: serde_json::Map<_, _> = settings
                .effective()
                .iter()
                .map(|each| {
                    let said = json!({ "value": shown(each), "source": each.source });
                    (each.setting.name.to_owned(), said)
                })
                .collect();
            let status = json!({
                "version": env!("CARGO_PKG_VERSION"),
                "settings": values,
                "problems": settings.problems,
                "instance_id": identity.as_ref().map(|identity| identity.instance_id),
                "host_id": enrolled.map(|(_, host_id)| host_id),
                "enrolled_at": enrolled.map(|(server_url, _)| server_url),
                "spool": spool.map(|spool| json!({
                    "segments": spool.segments,
                    "bytes": spool.bytes,
                    "dropped_frames": spool.dropped,
                })),
            });
            serde_json::to_writer_pretty(&mut out, &status)?;
            writeln!(out)?;
            return Ok(());
        }
        for each in settings.effective() {
            let value = shown(each).unwrap_or_else(|| "-".to_owned());
            writeln!(out, "{:<14} {:<14} {value}", each.setting.name, each.source)?;
        }
        for problem in &settings.problems {
            writeln!(out, "Passed over: {problem}")?;
        }
        writeln!(out)?;
        match (&identity, enrolled) {
            (Some(_), Some((server_url, host_id))) => {
                writeln!(out, "Enrolled at {server_url} as host {host_id}")?;
            }
            (Some(identity), None) => {
                writeln!(out, "Not enrolled; instance {}", identity.instance_id)?;
            }
            (None, _) => writeln!(out, "Never started, or the spool may not be read by you")?,
        }
        if let Some(spool) = spool {
            let size = Bytes(spool.bytes);
            writeln!(out, "Spool: {size}, {} frames dropped unsent", spool.dropped)?;
        }
        Ok(())
    }
}

/// A value as it may be shown.
fn shown(effective: &Effective) -> Option<String> {
    let secret = effective.setting.secret;
    effective.value.as_ref().map(|value| if secret { "(set)".to_owned() } else { value.clone() })
}
