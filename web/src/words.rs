//! Typed judgements in English. Everything that the analysis says as an enum gets its sentence
//! here, and nowhere else.

mod diagnosis;
mod event;
mod evidence;
mod picture;
pub mod rules;
mod steps;
mod tags;
mod titles;

use std::borrow::Borrow;

use poolwatch_analysis::confidence::{NAMED, NEARLY_CERTAIN, REMEDY};
use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{SuspectKind, Verdict},
    host::{HostFacts, OsVersion},
    host_group::GroupRule,
    incident::IncidentState,
    memory::CeilingSource,
    person::Role,
    series::Break,
};

pub use diagnosis::{facts, headline, time_left};
pub use event::{collector_status, event_meaning};
pub use evidence::{attribute, change, evidence, evidence_time, owner_source};
pub use picture::{odds_ratio, p_value, reason, trigger};
pub use poolwatch_analysis::confidence::{is_hint, leading_suspect};
pub use steps::{HealthyVersion, find_driver, next_steps, step, steps_by_suspect};
pub use tags::{certainty, found_in_code, tag_source};
pub use titles::{other_suspects, suspect_name, title, what_ran_out};

/// What a role is called.
#[must_use]
pub fn role(role: impl Borrow<Role>) -> &'static str {
    match role.borrow() {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "administrator",
    }
}

/// What a role may do.
#[must_use]
pub fn role_explained(role: impl Borrow<Role>) -> &'static str {
    match role.borrow() {
        Role::Viewer => "sees everything but the settings",
        Role::Operator => "also works on incidents, tags and evidence",
        Role::Admin => "also sets everything, people and tokens among it",
    }
}

/// What a token of a role may do.
#[must_use]
pub fn token_scope(role: impl Borrow<Role>) -> &'static str {
    match role.borrow() {
        Role::Viewer => "read",
        Role::Operator => "operate",
        Role::Admin => "administer",
    }
}

/// How bad a verdict is. Shown as a glyph and a word, never as a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing to do.
    Calm,
    /// Worth watching.
    Watch,
    /// Will fail if nothing is done.
    Warning,
    /// Fails now, or has failed.
    Critical,
}

impl Severity {
    /// Its glyph.
    #[must_use]
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Calm => "○",
            Self::Watch => "●",
            Self::Warning => "◆",
            Self::Critical => "▲",
        }
    }

    /// Its class in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Watch => "watch",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How bad a verdict is.
#[must_use]
pub const fn severity(verdict: &Verdict) -> Severity {
    match verdict {
        Verdict::Exhausted | Verdict::CommitExhaustion => Severity::Critical,
        Verdict::Leak => Severity::Warning,
        Verdict::HighUse | Verdict::InsufficientEvidence => Severity::Watch,
        Verdict::NoLeakShown => Severity::Calm,
    }
}

/// A verdict in a word or two.
#[must_use]
pub const fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Exhausted => "exhausted",
        Verdict::Leak => "leak",
        Verdict::HighUse => "high use",
        Verdict::CommitExhaustion => "commit exhausted",
        Verdict::NoLeakShown => "no leak shown",
        Verdict::InsufficientEvidence => "undecided",
    }
}

/// A kind of suspect.
#[must_use]
pub const fn suspect_kind(kind: &SuspectKind) -> &'static str {
    match kind {
        SuspectKind::Process => "process",
        SuspectKind::Driver => "driver",
        SuspectKind::Component => "part of Windows",
        SuspectKind::KernelReference => "kernel reference",
        SuspectKind::Trigger => "trigger, not the culprit",
        SuspectKind::Unknown => "unknown owner",
    }
}

/// How sure a suspicion is.
#[must_use]
pub fn confidence(confidence: impl Borrow<f32>) -> &'static str {
    match *confidence.borrow() {
        c if c >= NEARLY_CERTAIN => "almost certainly",
        c if c >= REMEDY => "very likely",
        c if c >= NAMED => "likely",
        _ => "possibly",
    }
}

/// Where a limit is known from.
#[must_use]
pub const fn ceiling_source(source: CeilingSource) -> &'static str {
    match source {
        CeilingSource::Documented => "the documented ceiling; allocation fails earlier",
        CeilingSource::Measured => "a limit measured on this host",
    }
}

/// Why a line in a chart breaks.
#[must_use]
pub const fn series_break(why: &Break) -> &'static str {
    match why {
        Break::Reboot { .. } => "restart",
        Break::Gap => "nothing received",
    }
}

/// How an incident stands.
#[must_use]
pub const fn incident_state(state: &IncidentState) -> &'static str {
    match state {
        IncidentState::Open => "open",
        IncidentState::Growing => "growing",
        IncidentState::Worsening => "worsening",
        IncidentState::Quiet => "quiet",
        IncidentState::Regressed => "back again",
        IncidentState::ResetByReboot => "reset by reboot",
        IncidentState::Resolved => "resolved",
    }
}

/// What was done to an incident when it came into a state, after who did it.
#[must_use]
pub const fn incident_became(state: &IncidentState) -> &'static str {
    match state {
        IncidentState::Open | IncidentState::Growing => "found it",
        IncidentState::Worsening => "found it worse",
        IncidentState::Quiet => "saw no growth any more",
        IncidentState::ResetByReboot => "saw a restart, which resolves nothing",
        IncidentState::Resolved => "resolved it",
        IncidentState::Regressed => "found it again",
    }
}

/// What a state of an incident means.
#[must_use]
pub const fn incident_state_explained(state: &IncidentState) -> &'static str {
    match state {
        IncidentState::Open => "Ongoing, or seen recently.",
        IncidentState::Growing => "What it takes grows.",
        IncidentState::Worsening => "It grows faster, takes more hosts, or a pool runs out soon.",
        IncidentState::Quiet => {
            "No growth for a while, but what was taken has not been given back."
        }
        IncidentState::Regressed => "It was over, and is back.",
        IncidentState::ResetByReboot => {
            "The host restarted: the symptom is gone, the cause is not. It resolves when a longer run than the one that failed shows no growth."
        }
        IncidentState::Resolved => "Over: not seen again.",
    }
}

/// A name, or what stands where there is none.
#[must_use]
pub fn or_unnamed(name: &str) -> &str {
    if name.trim().is_empty() { "(no name)" } else { name }
}

/// A pool at the start of a sentence.
#[must_use]
pub fn pool_title(pool: impl Borrow<Pool>) -> &'static str {
    match pool.borrow() {
        Pool::Paged => "Paged pool",
        Pool::Nonpaged => "Nonpaged pool",
    }
}

/// The kernel objects that a tag is named after: `thread` for `Thre`.
#[must_use]
pub fn objects_of(tag: PoolTag) -> Option<&'static str> {
    Some(match &tag.unprotected().bytes() {
        b"Thre" => "thread",
        b"Proc" => "process",
        b"File" => "file",
        b"Even" => "event",
        b"Muta" => "mutant",
        b"Sema" => "semaphore",
        b"Toke" => "token",
        b"Key " => "registry key",
        b"Sect" => "section",
        b"Time" => "timer",
        b"ALPC" => "ALPC port",
        b"EtwR" => "ETW registration",
        b"Desk" => "desktop",
        b"Job " => "job",
        b"Symb" => "symbolic link",
        _ => return None,
    })
}

/// A Windows version for narrow columns: `Server 2022 x64`.
#[must_use]
pub fn os_short(os: &OsVersion) -> String {
    let product = os.product.trim();
    format!("{} {}", product.strip_prefix("Windows ").unwrap_or(product), os.arch)
}

/// What a rule of a group asks of a host, in words.
#[must_use]
pub fn group_rule(rule: &GroupRule) -> String {
    let asked: Vec<String> =
        rule.conditions().map(|(name, text)| format!("{name} {text}")).collect();
    asked.join(", ")
}

/// The group that a host is shown in: its organisational unit from the top down, else its site.
#[must_use]
pub fn group(facts: &HostFacts) -> Option<String> {
    facts.ou_path().or_else(|| facts.site.clone())
}

#[cfg(test)]
mod tests {
    use poolwatch_model::BootId;

    use super::*;

    #[test]
    fn every_judgement_has_its_own_word() {
        let verdicts = [
            Verdict::Exhausted,
            Verdict::Leak,
            Verdict::HighUse,
            Verdict::CommitExhaustion,
            Verdict::NoLeakShown,
            Verdict::InsufficientEvidence,
        ];
        let kinds = [
            SuspectKind::Process,
            SuspectKind::Driver,
            SuspectKind::Component,
            SuspectKind::KernelReference,
            SuspectKind::Trigger,
            SuspectKind::Unknown,
        ];
        let states = IncidentState::ALL;
        let breaks = [Break::Reboot { boot: BootId(uuid::Uuid::nil()) }, Break::Gap];
        let sources = [CeilingSource::Documented, CeilingSource::Measured];
        let words: Vec<&str> = (verdicts.iter().map(verdict))
            .chain(kinds.iter().map(suspect_kind))
            .chain(states.iter().map(incident_state))
            .chain(states.iter().map(incident_state_explained))
            .chain(breaks.iter().map(series_break))
            .chain(sources.into_iter().map(ceiling_source))
            .collect();
        let mut distinct = words.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), words.len());
        assert!(words.iter().all(|word| !word.is_empty()));
    }

    #[test]
    fn severities_differ_in_shape_as_well_as_in_colour() {
        let all = [Severity::Calm, Severity::Watch, Severity::Warning, Severity::Critical];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(one.glyph(), other.glyph());
                assert_ne!(one.class(), other.class());
            }
        }
    }

    #[test]
    fn a_host_is_grouped_by_its_unit_and_else_by_its_site() {
        let facts = |ou: Option<&str>, site: Option<&str>| HostFacts {
            ou: ou.map(Into::into),
            site: site.map(Into::into),
            ..HostFacts::default()
        };
        for (ou, site, shown) in [
            (Some("OU=Files,OU=Berlin,DC=corp,DC=example"), Some("B1"), Some("Berlin/Files")),
            (Some("CN=Computers,DC=corp"), Some("B1"), Some("B1")),
            (None, None, None),
        ] {
            assert_eq!(group(&facts(ou, site)).as_deref(), shown);
        }
    }

    #[test]
    fn protected_tags_name_the_same_objects() {
        assert_eq!(objects_of(PoolTag::new(*b"Thr\xe5")), Some("thread"));
        assert_eq!(objects_of(PoolTag::new(*b"thre")), None, "case matters");
    }
}
