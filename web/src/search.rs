//! Search over hosts, tags, programs, drivers and incidents (`GET /search?q=`).

use askama::Template;
use poolwatch_model::incident::Incident;
use serde::Serialize;

use crate::{
    HostLink, Shell,
    applications::ApplicationLine,
    assets,
    drivers::DriverLine,
    figures,
    hosts::{HOSTS_IN_SHORT, HostRow, HostsQuery},
    links,
    list::ListTable,
    tags::TagLine,
    words,
};

/// What a search found. With one exact host, send its page instead.
#[derive(Debug, Clone, Template)]
#[template(path = "search.html")]
pub struct SearchPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What was asked.
    pub text: String,
    /// Hosts, best first; cut at some dozens.
    pub hosts: Vec<HostRow>,
    /// All hosts that match.
    pub hosts_total: u64,
    /// Tags.
    pub tags: Found<TagLine>,
    /// Programs.
    pub applications: Found<ApplicationLine>,
    /// Drivers.
    pub drivers: Found<DriverLine>,
    /// Incidents, latest first, each with the host that is worst off, if any.
    pub incidents: Vec<(Incident, Option<HostLink>)>,
}

/// What an entry of the palette is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PaletteKind {
    /// An incident that is not resolved.
    Incident,
    /// A host.
    Host,
    /// A tag.
    Tag,
    /// A program.
    Program,
    /// A driver.
    Driver,
}

/// An entry of the palette.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaletteEntry {
    /// What it is.
    pub kind: PaletteKind,
    /// What it is called.
    pub name: String,
    /// What tells it from others of its name.
    pub detail: String,
    /// Its page.
    pub url: String,
}

/// What was found of one kind: the first of it, and how many there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<T> {
    /// The first of it.
    pub rows: Vec<T>,
    /// All of it.
    pub total: u64,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), total: 0 }
    }
}

impl<T> Found<T> {
    /// The first of what was found, shown by `show`.
    pub fn first<F>(all: &[F], count: usize, show: impl Fn(&F) -> T) -> Self {
        Self { rows: all.iter().take(count).map(show).collect(), total: all.len() as u64 }
    }
}

impl SearchPage {
    /// What was found, in words: `2 hosts, 1 tag`.
    fn headline(&self) -> String {
        let found = [
            (self.incidents.len() as u64, "incident", "incidents"),
            (self.hosts_total, "host", "hosts"),
            (self.tags.total, "tag", "tags"),
            (self.applications.total, "program", "programs"),
            (self.drivers.total, "driver", "drivers"),
        ];
        let told: Vec<String> = found
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many)| figures::counted(count, one, many))
            .collect();
        match &told[..] {
            [] => format!("Nothing matches “{}”.", self.text),
            [one] if one.starts_with("1 ") => format!("{one} matches “{}”.", self.text),
            [one] => format!("{one} match “{}”.", self.text),
            [first @ .., last] => {
                format!("{} and {last} match “{}”.", first.join(", "), self.text)
            }
        }
    }

    fn is_empty(&self) -> bool {
        let others = self.tags.total + self.applications.total + self.drivers.total;
        self.hosts.is_empty() && self.incidents.is_empty() && others == 0
    }

    fn hosts_table(&self) -> ListTable {
        HOSTS_IN_SHORT.table(&self.hosts, None::<&HostsQuery>, self.shell.now)
    }

    fn all(&self, list: &str) -> String {
        links::Address::new(list).with("q", &self.text).finish()
    }
}
