//! Mail: subject, text and HTML of one alert from one view model.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{
    Bytes, Pool, PoolTag, diagnosis::Diagnosis, host::OsVersion, memory::Ceiling,
};

use crate::{RenderError, figures, steps::NextStep, words};

/// A host's pool was found empty.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolEmptyMail {
    /// Name of the host.
    pub host: String,
    /// Its Windows.
    pub os: Option<OsVersion>,
    /// Its group.
    pub group: Option<String>,
    /// Which pool.
    pub pool: Pool,
    /// 2019 or 2020.
    pub event_id: u32,
    /// When the event was written.
    pub event_time: Timestamp,
    /// Pool in use.
    pub used: Option<Bytes>,
    /// Its limit.
    pub ceiling: Option<Ceiling>,
    /// The judgement, if there is one.
    pub diagnosis: Option<Diagnosis>,
    /// Largest tags of the pool, the first five.
    pub tags: Vec<MailTag>,
    /// Processes with the most handles, the first five.
    pub processes: Vec<MailProcess>,
    /// What to do first, the first three.
    pub steps: Vec<NextStep>,
    /// Full address of the host's page.
    pub host_url: String,
    /// Full address of the incident's page.
    pub incident_url: Option<String>,
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
#[template(path = "mail/pool_empty/subject.txt")]
struct Subject<'a> {
    mail: &'a PoolEmptyMail,
}

#[derive(Template)]
#[template(path = "mail/pool_empty/body.txt")]
struct Text<'a> {
    mail: &'a PoolEmptyMail,
}

#[derive(Template)]
#[template(path = "mail/pool_empty/body.html")]
struct Html<'a> {
    mail: &'a PoolEmptyMail,
}

impl PoolEmptyMail {
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

    fn headline(&self) -> String {
        self.diagnosis.as_ref().map_or_else(
            || format!("{} was found empty.", words::pool_title(self.pool)),
            words::headline,
        )
    }

    fn use_in_words(&self) -> Option<String> {
        let used = self.used?;
        Some(match self.ceiling {
            Some(ceiling) => format!(
                "{used} of {} ({}), {}",
                ceiling.bytes,
                figures::percent_text(used.share_of(ceiling.bytes)),
                words::ceiling_source(ceiling.source)
            ),
            None => format!("{used}; its limit is not known"),
        })
    }
}

/// Plain text for terminals and header lines: no control characters but line ends, no
/// no-break spaces.
fn plain(text: &str) -> String {
    let kept = text.chars().filter(|letter| *letter == '\n' || !letter.is_control());
    kept.map(|letter| if letter == '\u{a0}' { ' ' } else { letter }).collect()
}
