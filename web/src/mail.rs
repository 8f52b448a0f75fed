//! Mail: subject, text and HTML of one message from one view model.

mod chart;
mod digest;
mod rule_alert;

use askama::Template;
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Bound, Diagnosis},
    host::OsVersion,
    incident::{IncidentChange, NoticeEvent},
    memory::Ceiling,
};

pub use chart::PoolChart;
pub use digest::{DigestLine, DigestMail};
pub use rule_alert::{RuleAlertHost, RuleAlertMail};

use crate::{
    RenderError, figures,
    steps::NextStep,
    words::{self, Severity},
};

/// What people are told of an incident, once for each change.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentMail {
    /// What happened to the incident.
    pub change: IncidentChange,
    /// Name of the host that is worst off.
    pub host: String,
    /// Hosts on which it goes on, or went on, a count.
    pub hosts: u64,
    /// Its Windows.
    pub os: Option<OsVersion>,
    /// Its group.
    pub group: Option<String>,
    /// The pool that it is about; none for commit.
    pub pool: Option<Pool>,
    /// The event that led to it, if one did.
    pub event: Option<NoticeEvent>,
    /// Pool in use.
    pub used: Option<Bytes>,
    /// Its limit.
    pub ceiling: Option<Ceiling>,
    /// Commit in use, and its limit.
    pub commit: Option<(Bytes, Bytes)>,
    /// The record of the incident.
    pub diagnosis: Diagnosis,
    /// Largest tags of the pool, the first five.
    pub tags: Vec<MailTag>,
    /// Processes with the most handles, the first five.
    pub processes: Vec<MailProcess>,
    /// What to do first, the first three.
    pub steps: Vec<NextStep>,
    /// How the pool went on the worst host; the mail brings it as a picture.
    pub chart: Option<PoolChart>,
    /// Full address of the host's page.
    pub host_url: String,
    /// Full address of the incident's page.
    pub incident_url: String,
    /// Full address of the console.
    pub console_url: String,
}

/// A tag in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTag {
    /// The tag.
    pub tag: PoolTag,
    /// Bytes outstanding.
    pub bytes: Bytes,
    /// Allocations minus frees.
    pub outstanding: u64,
    /// What it stands for.
    pub meaning: Option<String>,
}

/// A process in a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailProcess {
    /// Image name.
    pub image: String,
    /// Process id.
    pub pid: u32,
    /// Open handles.
    pub handles: u32,
    /// Services that live in it.
    pub services: Vec<String>,
}

#[derive(Template)]
#[template(path = "mail/incident/subject.txt")]
struct Subject<'a> {
    mail: &'a IncidentMail,
}

#[derive(Template)]
#[template(path = "mail/incident/body.txt")]
struct Text<'a> {
    mail: &'a IncidentMail,
}

#[derive(Template)]
#[template(path = "mail/incident/body.html")]
struct Html<'a> {
    mail: &'a IncidentMail,
}

impl IncidentMail {
    /// The subject: one line, whatever the host calls itself.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn subject(&self) -> Result<String, RenderError> {
        Ok(plain(&Subject { mail: self }.render()?.replace(['\r', '\n'], " ")).trim().to_owned())
    }

    /// The body as plain text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn text(&self) -> Result<String, RenderError> {
        Ok(plain(&Text { mail: self }.render()?))
    }

    /// The body as HTML.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn html(&self) -> Result<String, RenderError> {
        Html { mail: self }.render()
    }

    /// Whom it is about, for the subject: `FS-02`, or `41 hosts`.
    fn who(&self) -> String {
        match self.hosts {
            0 | 1 => self.host.clone(),
            hosts => format!("{} hosts", figures::count(hosts)),
        }
    }

    /// How bad it is, for the subject.
    fn level(&self) -> &'static str {
        match words::severity(&self.diagnosis.verdict) {
            _ if self.is_over() => "RESOLVED",
            Severity::Critical => "CRITICAL",
            Severity::Warning => "WARNING",
            Severity::Watch | Severity::Calm => "NOTE",
        }
    }

    /// What it is about, for the subject.
    fn what(&self) -> String {
        let event = self.event.map(|event| format!(" (event {})", event.id)).unwrap_or_default();
        format!("{}{}{event}{}", self.news(), words::title(&self.diagnosis), self.end())
    }

    /// When a pool runs out, for the subject.
    fn end(&self) -> String {
        let left_s = self.diagnosis.left_s().filter(|left_s| *left_s > 0 && !self.is_over());
        let first = if self.hosts > 1 { "first full" } else { "full" };
        left_s
            .map(|left_s| format!("; {first} in about {}", figures::duration(left_s)))
            .unwrap_or_default()
    }

    /// What is new, before what it is about.
    const fn news(&self) -> &'static str {
        match self.change {
            IncidentChange::Opened | IncidentChange::Resolved => "",
            IncidentChange::Worsened => "worse, ",
            IncidentChange::Named => "now with a suspect, ",
            IncidentChange::Regressed => "back again, ",
        }
    }

    fn is_over(&self) -> bool {
        self.change == IncidentChange::Resolved
    }

    fn headline(&self) -> String {
        if self.is_over() {
            return format!("Resolved: {}.", words::title(&self.diagnosis));
        }
        words::headline(&self.diagnosis)
    }

    fn time_left(&self) -> Option<String> {
        words::time_left(&self.diagnosis).filter(|_| !self.is_over())
    }

    /// The pool, or commit where that is what it is about, and how full it is.
    fn use_in_words(&self) -> Option<(&'static str, String)> {
        if self.pool.is_none() {
            let (used, limit) = self.commit?;
            let share = figures::percent_text(used.share_of(limit));
            return Some(("Commit", format!("{used} of {limit} ({share})")));
        }
        let used = self.used?;
        let full = match self.ceiling {
            Some(ceiling) => format!(
                "{used} of {} ({}), {}",
                ceiling.bytes,
                figures::percent_text(used.share_of(ceiling.bytes)),
                words::ceiling_source(ceiling.source)
            ),
            None => match self.diagnosis.headroom.map(|headroom| headroom.bound) {
                Some(Bound::Commit) => format!("{used}; its bound is commit"),
                Some(Bound::ResidentAvailable) => format!("{used}; its bound is physical memory"),
                _ => format!("{used}; its limit is not known"),
            },
        };
        Some((words::pool_title(self.pool?), full))
    }
}

/// Plain text for terminals and header lines: no control characters but line ends, no
/// no-break spaces.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(|letter| *letter == '\n' || !letter.is_control());
    kept.map(|letter| if letter == '\u{a0}' { ' ' } else { letter }).collect()
}
