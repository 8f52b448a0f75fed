//! Events and collector failures in words.

use std::borrow::Borrow;

use poolwatch_model::event::{Event, EventKind};

use super::{Severity, pool_title};

/// What an event means, and how bad that is.
#[must_use]
pub fn event_meaning(event: &Event) -> (Severity, String) {
    match event.kind() {
        EventKind::PoolEmpty(pool) => (Severity::Critical, format!("{} empty", pool_title(pool))),
        EventKind::PoolLimit(pool) => {
            (Severity::Warning, format!("{} limit of the Server service reached", pool_title(pool)))
        }
        EventKind::CommitExhausted => (Severity::Warning, commit_exhausted(event)),
        EventKind::RegistryFlushFailed => {
            (Severity::Warning, "Registry could not be written, often for lack of pool".to_owned())
        }
        EventKind::Restart => (Severity::Calm, restart(event.event_id).to_owned()),
        EventKind::Other => (Severity::Calm, other(event.event_id).to_owned()),
    }
}

/// Why a collector gave nothing: the status it met, in words and as the number.
#[must_use]
pub fn collector_status(status: impl Borrow<u32>) -> String {
    let status = *status.borrow();
    let words = match status {
        0xC000_009A => "Windows had no resources left (pool)",
        0xC000_0017 | 8 => "no memory was left",
        1450 => "no system resources were left",
        10055 => "no socket buffers were left",
        0xC000_0022 | 5 => "access was denied",
        0xC000_0004 => "the data outgrew every buffer offered",
        0xC000_0002 | 0xC000_0003 | 0xC000_00BB | 50 => "this Windows does not offer it",
        0xC000_0008 | 6 => "the handle was no longer valid",
        0xC000_0061 | 1314 => "a privilege is missing",
        1717 | 1722 | 1753 => "the service behind it did not answer",
        1460 | 0x0000_0102 | 0xC000_00B5 => "it took too long",
        _ => "it failed",
    };
    // NTSTATUS values read in hexadecimal, Windows errors in decimal.
    if status > 0xFFFF {
        format!("{words} (0x{status:08X})")
    } else {
        format!("{words} (error {status})")
    }
}

fn commit_exhausted(event: &Event) -> String {
    let mut text = "Commit exhausted".to_owned();
    let Some(seen) = &event.exhaustion else { return text };
    if let (Some(committed), Some(limit)) = (seen.committed, seen.commit_limit) {
        text.push_str(&format!(": {committed} of {limit}"));
    }
    if let Some(largest) = seen.top_processes.first() {
        text.push_str(&format!("; largest {} (pid {})", largest.image, largest.pid));
    }
    text
}

fn restart(event_id: u32) -> &'static str {
    match event_id {
        41 => "Restarted without a clean shutdown",
        1074 => "Shutdown or restart requested",
        6008 => "The previous shutdown was unexpected",
        _ => "Windows started",
    }
}

fn other(event_id: u32) -> &'static str {
    match event_id {
        2000 | 2001 | 2011 | 2016 | 2021 | 2022 => "Trouble of the Server service",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use poolwatch_model::{
        Bytes,
        event::{ExhaustionProcess, MemoryExhaustion},
    };

    use super::*;

    fn event(provider: &str, event_id: u32) -> Event {
        Event {
            channel: "System".into(),
            record_id: 1,
            time: Timestamp::UNIX_EPOCH,
            provider: provider.into(),
            event_id,
            level: None,
            computer: None,
            data: vec![],
            exhaustion: None,
        }
    }

    #[test]
    fn every_kind_of_event_has_its_words() {
        for (provider, event_id, severity, words) in [
            ("Srv", 2019, Severity::Critical, "Nonpaged pool empty"),
            ("srv", 2020, Severity::Critical, "Paged pool empty"),
            ("Srv", 2017, Severity::Warning, "Nonpaged pool limit of the Server service reached"),
            (
                "Microsoft-Windows-Resource-Exhaustion-Detector",
                2004,
                Severity::Warning,
                "Commit exhausted",
            ),
            (
                "Application Popup",
                333,
                Severity::Warning,
                "Registry could not be written, often for lack of pool",
            ),
            (
                "Microsoft-Windows-Kernel-Power",
                41,
                Severity::Calm,
                "Restarted without a clean shutdown",
            ),
            ("EventLog", 6005, Severity::Calm, "Windows started"),
            ("Srv", 2021, Severity::Calm, "Trouble of the Server service"),
            ("Elsewhere", 2019, Severity::Calm, ""),
        ] {
            assert_eq!(event_meaning(&event(provider, event_id)), (severity, words.to_owned()));
        }
    }

    #[test]
    fn exhausted_commit_tells_its_figures() {
        let mut event = event("Microsoft-Windows-Resource-Exhaustion-Detector", 2004);
        event.exhaustion = Some(MemoryExhaustion {
            committed: Some(Bytes(15 << 30)),
            commit_limit: Some(Bytes(16 << 30)),
            top_processes: vec![ExhaustionProcess {
                image: "explorer.exe".into(),
                pid: 42,
                created: None,
                commit: Bytes(9 << 30),
                handles: 1_200,
            }],
            ..MemoryExhaustion::default()
        });
        assert_eq!(
            event_meaning(&event).1,
            "Commit exhausted: 15 GB of 16 GB; largest explorer.exe (pid 42)"
        );
    }

    #[test]
    fn a_status_is_told_in_words_and_as_tools_print_it() {
        for (status, words) in [
            (0xC000_009A, "Windows had no resources left (pool) (0xC000009A)"),
            (1450, "no system resources were left (error 1450)"),
            (10055, "no socket buffers were left (error 10055)"),
            (0xC000_0001, "it failed (0xC0000001)"),
        ] {
            assert_eq!(collector_status(status), words);
        }
    }
}
