//! Mail: subject, text and HTML of one alert from one view model.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Bound, Diagnosis},
    host::OsVersion,
    incident::IncidentChange,
    memory::Ceiling,
};

use crate::{RenderError, figures, steps::NextStep, words};

/// What people are told of an incident, once for each change.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentMail {
    /// What happened to the incident.
    pub told: IncidentChange,
    /// Name of the host on which it was found.
    pub host: String,
    /// Other hosts on which it goes on, a count.
    pub others: u64,
    /// Its Windows.
    pub os: Option<OsVersion>,
    /// Its group.
    pub group: Option<String>,
    /// The pool that it is about; none for commit.
    pub pool: Option<Pool>,
    /// The event that led to it, if one did.
    pub event: Option<MailEvent>,
    /// Pool in use.
    pub used: Option<Bytes>,
    /// Its limit.
    pub ceiling: Option<Ceiling>,
    /// The judgement.
    pub diagnosis: Diagnosis,
    /// Largest tags of the pool, the first five.
    pub tags: Vec<MailTag>,
    /// Processes with the most handles, the first five.
    pub processes: Vec<MailProcess>,
    /// What to do first, the first three.
    pub steps: Vec<NextStep>,
    /// Full address of the host's page.
    pub host_url: String,
    /// Full address of the incident's page.
    pub incident_url: String,
    /// Full address of the console.
    pub console_url: String,
}

/// An event in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailEvent {
    /// Its id: 2019, 2020 or 2004.
    pub id: u32,
    /// When it was written.
    pub time: Timestamp,
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

    /// Whom it is about, for the subject: `FS-02 and 40 more`.
    fn who(&self) -> String {
        match self.others {
            0 => self.host.clone(),
            others => format!("{} and {} more", self.host, figures::count(others)),
        }
    }

    /// What it is about, for the subject.
    fn what(&self) -> String {
        let Some(event) = self.event else {
            return format!("{}{}", self.news(), words::title(&self.diagnosis));
        };
        let what = self
            .pool
            .map_or_else(|| "commit exhausted".to_owned(), |pool| format!("{pool} pool empty"));
        let suspect = words::leading_suspect(&self.diagnosis);
        let suspect = suspect
            .map(|one| format!(", suspect {}", words::suspect_name(one)))
            .unwrap_or_default();
        format!("{what} (event {}){suspect}", event.id)
    }

    /// What is new, before what it is about.
    const fn news(&self) -> &'static str {
        match self.told {
            IncidentChange::Opened => "",
            IncidentChange::Worsened => "worse, ",
            IncidentChange::Named => "now with a suspect, ",
            IncidentChange::Regressed => "back again, ",
            IncidentChange::Resolved => "resolved, ",
        }
    }

    fn is_over(&self) -> bool {
        self.told == IncidentChange::Resolved
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

    /// The pool, and how full it is.
    fn use_in_words(&self) -> Option<(&'static str, String)> {
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
