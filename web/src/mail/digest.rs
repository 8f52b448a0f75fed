//! The digest: what happened in a day or week, and what goes on.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::alerting::DigestEvery;

use super::plain;
use crate::{RenderError, figures};

/// What somebody is told of a day or week.
#[derive(Debug, Clone, PartialEq)]
pub struct DigestMail {
    /// Of which length.
    pub every: DigestEvery,
    /// Its first and last moment, in words, in the reader's time zone.
    pub period: (String, String),
    /// Incidents that began, or came back.
    pub began: Vec<DigestLine>,
    /// Incidents that go on, that began before.
    pub goes_on: Vec<DigestLine>,
    /// Incidents that ended.
    pub ended: Vec<DigestLine>,
    /// What rules about hosts and the server told of.
    pub alerts: Vec<DigestLine>,
    /// Hosts that report.
    pub reporting: u64,
    /// Hosts that are silent.
    pub silent: u64,
    /// Messages that could not be delivered.
    pub undelivered: u64,
    /// Full address of the console.
    pub console_url: String,
}

/// An incident or alert in a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestLine {
    /// What it is.
    pub title: String,
    /// On how many hosts, and how long is left.
    pub detail: String,
    /// Full address of its page.
    pub url: String,
    /// When it began or ended.
    pub at: Timestamp,
}

#[derive(Template)]
#[template(path = "mail/digest/body.txt")]
struct Text<'a> {
    mail: &'a DigestMail,
}

#[derive(Template)]
#[template(path = "mail/digest/body.html")]
struct Html<'a> {
    mail: &'a DigestMail,
}

impl DigestMail {
    /// The subject.
    #[must_use]
    pub fn subject(&self) -> String {
        let every = match self.every {
            DigestEvery::Day => "day",
            DigestEvery::Week => "week",
        };
        let counts = match (self.began.len() as u64, self.goes_on.len() as u64) {
            (0, 0) => "nothing to do".to_owned(),
            (began, 0) => format!("{} new", figures::counted(began, "incident", "incidents")),
            (0, goes_on) => {
                format!("{} open", figures::counted(goes_on, "incident", "incidents"))
            }
            (began, goes_on) => format!(
                "{} new, {} open before",
                figures::counted(began, "incident", "incidents"),
                figures::grouped(goes_on)
            ),
        };
        format!("[Poolwatch] NOTE The {every}: {counts}")
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

    /// Its parts that say anything, in order.
    fn parts(&self) -> Vec<(&'static str, &[DigestLine])> {
        let parts: [(&str, &[DigestLine]); 4] = [
            ("Began", &self.began),
            ("Goes on from before", &self.goes_on),
            ("Ended", &self.ended),
            ("Hosts and the server", &self.alerts),
        ];
        parts.into_iter().filter(|(_, lines)| !lines.is_empty()).collect()
    }

    fn headline(&self) -> String {
        match self.parts().is_empty() {
            true => "Nothing happened, and nothing is ongoing.".to_owned(),
            false => format!(
                "{} began, {} ended, {} still open.",
                figures::counted(self.began.len(), "incident", "incidents"),
                figures::grouped(self.ended.len() as u64),
                figures::grouped(self.goes_on.len() as u64),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(title: &str) -> DigestLine {
        DigestLine {
            title: title.into(),
            detail: "41 hosts; first full in about 6 h".into(),
            url: "https://poolwatch.test/incidents/17".into(),
            at: Timestamp::from_second(1_800_000_000).unwrap(),
        }
    }

    fn digest() -> DigestMail {
        DigestMail {
            every: DigestEvery::Day,
            period: ("2027-01-14 08:00".into(), "2027-01-15 08:00 Europe/Berlin".into()),
            began: vec![line("Nonpaged pool leak: foo.sys 5.1 (Fooo)")],
            goes_on: vec![],
            ended: vec![line("<b>x</b>")],
            alerts: vec![],
            reporting: 960,
            silent: 2,
            undelivered: 0,
            console_url: "https://poolwatch.test".into(),
        }
    }

    #[test]
    fn a_digest_says_what_began_what_ended_and_what_goes_on() {
        let mail = digest();
        assert_eq!(mail.subject(), "[Poolwatch] NOTE The day: 1 incident new");
        let text = mail.text().unwrap();
        for words in [
            "1 incident began, 1 ended, 0 still open.\n",
            "\n2027-01-14 08:00 to 2027-01-15 08:00 Europe/Berlin\n",
            "\nBegan\n- Nonpaged pool leak: foo.sys 5.1 (Fooo)\n  41 hosts; first full in about 6 h; \
             2027-01-15 08:00:00 UTC\n  https://poolwatch.test/incidents/17\n",
            "\nEnded\n- <b>x</b>\n",
            "\nHosts that report: 960; silent: 2\n",
        ] {
            assert!(text.contains(words), "{words:?} is not in\n{text}");
        }
        let html = mail.html().unwrap();
        assert!(html.contains("&#60;b&#62;x") && html.contains("41 hosts; first full"), "{html}");
        let quiet = DigestMail { began: vec![], ended: vec![], every: DigestEvery::Week, ..mail };
        assert_eq!(quiet.subject(), "[Poolwatch] NOTE The week: nothing to do");
        assert!(quiet.text().unwrap().starts_with("Nothing happened, and nothing is ongoing."));
    }
}
