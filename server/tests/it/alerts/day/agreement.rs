//! What is shown of an incident, read from its page and from the interface for scripts, and how a mail
//! stands against it.

use poolwatch_model::{
    diagnosis::Verdict,
    incident::{Incident, IncidentId},
    person::Role,
};
use poolwatch_store::outbox::MessageWords;
use poolwatch_web::{figures, words};
use serde_json::Value;

use crate::server::{Server, json};

/// What is shown of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    title: String,
    headline: String,
    verdict: String,
    /// `CRITICAL`, `WARNING` or `NOTE`, of what goes on.
    level: &'static str,
    is_over: bool,
    hosts: usize,
    suspect: Option<String>,
    left: Option<String>,
}

/// The text of an HTML page between two marks, after a third.
fn between(page: &str, after: &str, from: &str, to: &str) -> Option<String> {
    let (_, rest) = page.split_once(after)?;
    let (_, rest) = rest.split_once(from)?;
    let (text, _) = rest.split_once(to)?;
    let text = text.replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">");
    Some(text.replace("&#39;", "'").replace("&#34;", "\"").trim().to_owned())
}

fn plain(text: &str) -> String {
    text.replace('\u{a0}', " ")
}

impl Shown {
    /// Asks page and interface at this moment; they say the same.
    pub(super) async fn on_page_and_by_api(server: &Server, id: IncidentId) -> Self {
        let token = server.api_token(Role::Viewer).await;
        let get = async |path: String| {
            let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(&token);
            request.send().await.unwrap()
        };
        let page = get(format!("/incidents/{}", id.0)).await.text().await.unwrap();
        let answer: Value = json(get(format!("/api/v1/incidents/{}", id.0)).await).await;
        let incident: Incident = serde_json::from_value(answer["incident"].clone()).unwrap();
        let by_api = Self::by_api(&incident);
        assert_eq!(
            Self::on_page(&page, by_api.level, by_api.is_over),
            by_api,
            "page and interface"
        );
        by_api
    }

    fn on_page(page: &str, level: &'static str, is_over: bool) -> Self {
        let verdict = between(page, "class=\"crumb\"", "</span> ", "</span>").unwrap();
        let hosts = between(page, "<dt>Hosts</dt>", "<dd>", "</dd>").unwrap();
        let count: String = hosts.chars().take_while(char::is_ascii_digit).collect();
        Self {
            title: between(page, "<head>", "<title>", " · Poolwatch</title>").unwrap(),
            headline: between(page, "<h1 class=\"headline\"", ">", "</h1>").unwrap(),
            verdict,
            level,
            is_over,
            hosts: count.parse().unwrap_or(0),
            suspect: between(page, "<dt>Suspect</dt>", "<b class=\"suspect\">", "</b>"),
            left: between(page, "<dt>Left</dt>", "<b>", "</b>"),
        }
    }

    fn by_api(incident: &Incident) -> Self {
        let diagnosis = &incident.diagnosis;
        let level = match diagnosis.verdict {
            Verdict::Exhausted | Verdict::CommitExhaustion => "CRITICAL",
            Verdict::Leak => "WARNING",
            _ => "NOTE",
        };
        Self {
            title: words::title(diagnosis),
            headline: words::headline(diagnosis),
            verdict: words::verdict(&diagnosis.verdict).to_owned(),
            level,
            is_over: !incident.state.is_active(),
            hosts: incident.hosts.len(),
            suspect: words::leading_suspect(diagnosis).map(words::suspect_name),
            left: words::time_left(diagnosis).filter(|_| incident.state.is_active()),
        }
    }

    /// What of a mail is otherwise than what is shown.
    pub(super) fn contradictions(&self, mail: &MessageWords) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut expect = |what: &str, is_so: bool| {
            if !is_so {
                wrong.push(format!("{what}: {self:?}"));
            }
        };
        let MessageWords { subject, text, html, .. } = mail;
        let is_over = subject.contains("] RESOLVED ");
        expect("title", subject.contains(&plain(&self.title)));
        expect("headline", is_over || text.starts_with(&format!("{}\n", plain(&self.headline))));
        expect("over", !is_over || self.is_over);
        expect("level", is_over || subject.starts_with(&format!("[Poolwatch] {} ", self.level)));
        expect("verdict", is_over || html.contains(&format!("{}</strong>", self.verdict)));
        if let Some(suspect) = &self.suspect {
            expect("suspect", subject.contains(&plain(suspect)));
        }
        if self.hosts > 1 {
            expect("hosts", subject.contains(&format!(" {} hosts: ", self.hosts)));
            expect("hosts", text.contains(&format!("Hosts:  {}, ", self.hosts)));
        } else {
            expect("hosts", !subject.contains(" hosts: "));
        }
        let line = text.lines().find_map(|line| line.strip_prefix("Left:   "));
        let shown = self.left.as_deref().map(plain);
        expect("time left", line.map(str::to_owned) == shown.clone().filter(|_| !is_over));
        // The subject says in short what the line says in full.
        let short = subject.split_once("full in ").map(|(_, left)| left);
        expect(
            "time left in the subject",
            match (short, &shown) {
                (Some(short), Some(shown)) => shown.starts_with(short),
                (Some(_), None) => false,
                (None, Some(shown)) => is_over || shown.starts_with("about 0 s"),
                (None, None) => true,
            },
        );
        wrong
    }

    /// Whether it is worse than what people were told: more urgent, or with a suspect that they do not
    /// know.
    pub(super) fn is_worse_than(&self, told: &Self) -> bool {
        let rank =
            |level: &str| ["NOTE", "WARNING", "CRITICAL"].iter().position(|one| *one == level);
        !self.is_over
            && (rank(self.level) > rank(told.level)
                || (self.suspect.is_some() && self.suspect != told.suspect))
    }
}

#[test]
fn a_mail_that_says_something_else_is_found_out() {
    let shown = Shown {
        title: "Nonpaged pool leak: foo.sys 5.1 (Fooo)".into(),
        headline: "Nonpaged pool leaks.".into(),
        verdict: "leak".into(),
        level: "WARNING",
        is_over: false,
        hosts: 41,
        suspect: Some("foo.sys 5.1 (Fooo)".into()),
        left: Some("about 6 h (5 h to 8 h) until its limit is reached".into()),
    };
    let left = figures::duration(6 * 3600);
    let mail = MessageWords {
        subject: format!(
            "[Poolwatch] WARNING 41 hosts: Nonpaged pool leak: foo.sys 5.1 (Fooo); first full in \
             about {left}"
        ),
        text: "Nonpaged pool leaks.\n\nHosts:  41, worst off FS-02\n\
               Left:   about 6 h (5 h to 8 h) until its limit is reached\n"
            .into(),
        html: "<strong>! leak</strong>".into(),
        chart: None,
    };
    assert_eq!(shown.contradictions(&mail), Vec::<String>::new());
    for (from, to, what) in [
        ("Nonpaged pool leak", "Paged pool leak", "title"),
        ("WARNING", "CRITICAL", "level"),
        ("41 hosts", "40 hosts", "hosts"),
        ("foo.sys", "bar.sys", "suspect"),
        ("about 6 h", "about 7 h", "time left in the subject"),
        ("about 6 h (5", "about 7 h (5", "time left"),
        ("! leak", "! high use", "verdict"),
    ] {
        let change = |text: &str| text.replace(from, to);
        let (subject, text) = (change(&mail.subject), change(&mail.text));
        let altered = MessageWords { subject, text, html: change(&mail.html), chart: None };
        let found = shown.contradictions(&altered);
        let is_found = found.iter().any(|one| one.starts_with(&format!("{what}:")));
        assert!(is_found, "{what}: {found:?}");
    }
}
