//! A diagnosis in one line, and what its suspects are called.

use poolwatch_analysis::confidence::{leading_suspect, named_trigger};
use poolwatch_model::diagnosis::{Bound, Diagnosis, Evidence, Suspect, SuspectKind, Verdict};

use super::pool_title;

/// The name of an incident: `Nonpaged pool empty: mybadapp.exe (Thre)`.
#[must_use]
pub fn title(diagnosis: &Diagnosis) -> String {
    let pool = diagnosis.pool.map_or("Pool", pool_title);
    let what = match diagnosis.verdict {
        Verdict::Exhausted => match diagnosis.headroom.map(|headroom| headroom.bound) {
            Some(Bound::Commit) => format!("No commit left for {}", lower(pool)),
            Some(Bound::ResidentAvailable) => format!("No memory left for {}", lower(pool)),
            _ => format!("{pool} exhausted"),
        },
        Verdict::Leak => format!("{pool} leak"),
        Verdict::HighUse => format!("{pool}: high use without growth"),
        Verdict::CommitExhaustion if is_ahead(diagnosis) => "Commit runs out".to_owned(),
        Verdict::CommitExhaustion => "Commit exhausted".to_owned(),
        Verdict::NoLeakShown => "No leak shown".to_owned(),
        Verdict::InsufficientEvidence => format!("{pool}: not enough evidence"),
    };
    match (leading_suspect(diagnosis), diagnosis.suspects.first()) {
        (Some(suspect), _) => {
            let driven = driven_by(diagnosis, suspect).map(|name| format!(", driven by {name}"));
            format!("{what}: {}{}", suspect_name(suspect), driven.unwrap_or_default())
        }
        (None, Some(hint)) => format!("{what}: {}", unknown_owner(hint)),
        (None, None) => what,
    }
}

/// What has run out where a pool is exhausted: `commit`, `nonpaged pool`.
#[must_use]
pub fn what_ran_out(diagnosis: &Diagnosis) -> String {
    match diagnosis.headroom.map(|headroom| headroom.bound) {
        Some(Bound::Commit) => "commit".to_owned(),
        Some(Bound::ResidentAvailable) => "physical memory".to_owned(),
        _ => lower(diagnosis.pool.map_or("Pool", pool_title)),
    }
}

/// A suspect with its version and tags: `mybadapp.exe (Thre)`, `foo.sys 5.1 (Fooo)`.
#[must_use]
pub fn suspect_name(suspect: &Suspect) -> String {
    let tags = tags_of(suspect);
    let name = suspect.name.as_ref().map(|name| match &suspect.version {
        Some(version) => format!("{name} {version}"),
        None => name.clone(),
    });
    match (name, suspect.kind, tags.is_empty()) {
        (Some(name), SuspectKind::Trigger, true) => format!("driven by {name}"),
        (Some(name), SuspectKind::Trigger, false) => format!("driven by {name} ({tags})"),
        (Some(name), _, true) => name,
        (Some(name), _, false) => format!("{name} ({tags})"),
        (None, SuspectKind::KernelReference, false) => format!("a kernel reference ({tags})"),
        (None, SuspectKind::KernelReference, true) => "a kernel reference".to_owned(),
        (None, _, _) => unknown_owner(suspect),
    }
}

/// The suspects beside the one that heads the page.
#[must_use]
pub fn other_suspects(diagnosis: &Diagnosis) -> Vec<&Suspect> {
    let leading = leading_suspect(diagnosis);
    let is_other = |one: &&Suspect| leading.is_none_or(|leading| !std::ptr::eq(leading, *one));
    diagnosis.suspects.iter().filter(is_other).collect()
}

/// What is said of a suspect whose name is not known, or too weak a hint to be told at the head.
fn unknown_owner(suspect: &Suspect) -> String {
    match tags_of(suspect) {
        tags if tags.is_empty() => "owner unknown".to_owned(),
        tags => format!("tag {tags}, owner unknown"),
    }
}

/// The first tags of a suspect.
pub(super) fn tags_of(suspect: &Suspect) -> String {
    let tags: Vec<String> = suspect.tags.iter().take(3).map(ToString::to_string).collect();
    tags.join(", ")
}

/// The program whose work drives what a suspect leaks, where another one is that suspect.
pub(super) fn driven_by<'a>(diagnosis: &'a Diagnosis, suspect: &Suspect) -> Option<&'a str> {
    let is_another = |trigger: &&Suspect| trigger.kind != suspect.kind;
    named_trigger(diagnosis).filter(is_another)?.name.as_deref()
}

/// Whether commit has not run out yet.
pub(super) fn is_ahead(diagnosis: &Diagnosis) -> bool {
    diagnosis.evidence.iter().any(|fact| matches!(fact, Evidence::CommitTrend { .. }))
}

/// A pool's name within a sentence.
pub(super) fn lower(pool: &str) -> String {
    pool.to_lowercase()
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{Pool, PoolTag};

    use super::*;

    fn suspected(verdict: Verdict, suspects: &[(SuspectKind, Option<&str>, f32)]) -> Diagnosis {
        let suspect = |(kind, name, confidence): &(_, Option<&str>, _)| Suspect {
            kind: *kind,
            name: name.map(Into::into),
            tags: vec![PoolTag::new(*b"Thre")],
            confidence: *confidence,
            ..Suspect::default()
        };
        let suspects = suspects.iter().map(suspect).collect();
        Diagnosis { verdict, pool: Some(Pool::Nonpaged), suspects, ..Diagnosis::default() }
    }

    #[test]
    fn an_incident_is_named_after_its_pool_and_suspect() {
        for (kind, name, title_words) in [
            (
                SuspectKind::Process,
                Some("mybadapp.exe"),
                "Nonpaged pool exhausted: mybadapp.exe (Thre)",
            ),
            (
                SuspectKind::KernelReference,
                None,
                "Nonpaged pool exhausted: a kernel reference (Thre)",
            ),
            (
                SuspectKind::Trigger,
                Some("git.exe"),
                "Nonpaged pool exhausted: driven by git.exe (Thre)",
            ),
            (SuspectKind::Unknown, None, "Nonpaged pool exhausted: tag Thre, owner unknown"),
        ] {
            let found = suspected(Verdict::Exhausted, &[(kind, name, 0.9)]);
            assert_eq!(title(&found), title_words);
        }
        let hint = (SuspectKind::Process, Some("charged.exe"), 0.35);
        let hinted = suspected(Verdict::Leak, &[hint]);
        assert_eq!(title(&hinted), "Nonpaged pool leak: tag Thre, owner unknown");
        assert_eq!(other_suspects(&hinted).len(), 1, "it is told, but not at the head");
        assert_eq!(title(&suspected(Verdict::Exhausted, &[])), "Nonpaged pool exhausted");
    }
}
