//! The fleet (`GET /`): is anything dying, of what, where?

use askama::Template;
use poolwatch_model::{Pool, PoolTag, diagnosis::Verdict, incident::IncidentState};
use serde::{Deserialize, Serialize};

use crate::{
    Shell, assets,
    drivers::DriverChangeRow,
    events::EventRow,
    figures,
    histogram::PressureHistogram,
    hosts::{HOSTS_IN_SHORT, HostRow, HostsQuery},
    incidents::IncidentRow,
    links::{self, Address},
    list::ListTable,
    shell::live_page,
    words::{self, Severity},
};

/// What `/` takes as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FleetQuery {
    /// How far growth and events look back.
    pub hours: FleetHours,
    /// Only this group; empty for all.
    pub group: String,
}

/// How far the fleet page looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FleetHours {
    /// 6 hours.
    #[serde(rename = "6")]
    Six,
    /// A day.
    #[default]
    #[serde(rename = "24")]
    Day,
    /// A week.
    #[serde(rename = "168")]
    Week,
}

/// Counts over the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FleetCounts {
    /// Hosts.
    pub hosts: u64,
    /// Hosts whose agent reports.
    pub reporting: u64,
    /// Hosts whose agent fell silent.
    pub silent: u64,
    /// Hosts with a pool under high pressure, see [`crate::level::Pressure`].
    pub high: u64,
    /// Events 2019 and 2020 in the last 24 h.
    pub pool_empty_24h: u64,
}

/// A tag that grows over the fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct GrowingTag {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Hosts on which it grows.
    pub hosts: u64,
    /// Growth over all of them, bytes per day.
    pub per_day: i64,
    /// What it is known to stand for.
    pub meaning: Option<String>,
}

/// The fleet at a glance.
#[derive(Debug, Clone, Template)]
#[template(path = "fleet.html", blocks = ["live"])]
pub struct FleetPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// How far back, and which group.
    pub query: FleetQuery,
    /// Groups to choose from.
    pub groups: Vec<String>,
    /// Counts.
    pub counts: FleetCounts,
    /// Open incidents, the worst first.
    pub causes: Vec<IncidentRow>,
    /// Pressure on nonpaged and on paged pool.
    pub pressure: [PressureHistogram; 2],
    /// Latest events, some ten.
    pub events: Vec<EventRow>,
    /// Tags that grow most, some ten.
    pub growing: Vec<GrowingTag>,
    /// Drivers that changed in seven days on any host, on most hosts first, some ten.
    pub changed: Vec<DriverChangeRow>,
    /// Hosts under most pressure, some ten.
    pub hosts: Vec<HostRow>,
}

live_page!(FleetPage);

impl FleetHours {
    const ALL: [Self; 3] = [Self::Six, Self::Day, Self::Week];

    /// Hours.
    #[must_use]
    pub const fn hours(self) -> u32 {
        match self {
            Self::Six => 6,
            Self::Day => 24,
            Self::Week => 168,
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Six => "6 h",
            Self::Day => "24 h",
            Self::Week => "7 days",
        }
    }
}

impl FleetQuery {
    /// The address of this view.
    #[must_use]
    pub fn url(&self) -> String {
        let hours = self.hours.hours().to_string();
        Address::new("/")
            .with("hours", if self.hours == FleetHours::Day { "" } else { &hours })
            .with("group", &self.group)
            .finish()
    }
}

impl FleetPage {
    /// The sentence that answers: is anything dying, of what?
    fn headline(&self) -> String {
        let open = || self.causes.iter().filter(|row| row.incident.state.is_active());
        let hosts = |severity| -> (usize, u64) {
            let of =
                open().filter(|row| words::severity(&row.incident.diagnosis.verdict) == severity);
            of.fold((0, 0), |(causes, hosts), row| (causes + 1, hosts + row.hosts))
        };
        if self.counts.hosts == 0 {
            return "No host reports yet.".to_owned();
        }
        let (exhausted, exhausted_hosts) = hosts(Severity::Critical);
        let (growing, growing_hosts) = hosts(Severity::Warning);
        let ran_out = || match (exhausted_hosts, self.first_exhausted()) {
            (1, Some((host, what))) => format!("{host} is out of {what}"),
            _ => {
                let hosts = figures::counted(exhausted_hosts, "host is", "hosts are");
                format!("{hosts} out of pool")
            }
        };
        let mut text = match (exhausted, growing) {
            (0, 0) if self.counts.high > 0 => format!(
                "No incident is open, but {} under high pool pressure.",
                figures::counted(self.counts.high, "host is", "hosts are")
            ),
            (0, 0) => "No host is short of pool.".to_owned(),
            (0, _) => format!(
                "{} of {}.",
                figures::counted(growing_hosts, "host leaks, because", "hosts leak, because"),
                causes(growing)
            ),
            (_, 0) => format!("{}, because of {}.", ran_out(), causes(exhausted)),
            (_, _) => format!(
                "{} and {}, because of {}.",
                ran_out(),
                figures::counted(growing_hosts, "more leaks", "more leak"),
                causes(exhausted + growing)
            ),
        };
        if let Some((host, left)) = self.first_to_be_full() {
            text.push_str(&format!(" {host} is full first, in {left}."));
        }
        if self.counts.silent > 0 {
            let silent = figures::counted(self.counts.silent, "host is", "hosts are");
            text.push_str(&format!(" {silent} silent."));
        }
        text
    }

    /// The worst host of the first cause that has exhausted a pool, and what has run out there.
    fn first_exhausted(&self) -> Option<(&str, String)> {
        let mut open = self.causes.iter().filter(|row| row.incident.state.is_active());
        let row = open.find(|row| row.incident.diagnosis.verdict == Verdict::Exhausted)?;
        Some((&row.worst.as_ref()?.host.name, words::what_ran_out(&row.incident.diagnosis)))
    }

    /// Which of the leaking hosts has the least time, and how much.
    fn first_to_be_full(&self) -> Option<(&str, String)> {
        let open = self.causes.iter().filter(|row| row.incident.state.is_active());
        let leaks = open.filter(|row| row.incident.diagnosis.verdict == Verdict::Leak);
        let left = leaks.filter_map(|row| {
            let left_s = row.incident.diagnosis.left_s()?;
            Some((left_s, &row.worst.as_ref()?.host.name))
        });
        let (left_s, host) = left.min()?;
        Some((host, figures::duration(left_s)))
    }

    fn is_empty(&self) -> bool {
        self.counts.hosts == 0
    }

    fn hosts_table(&self) -> ListTable {
        HOSTS_IN_SHORT.table(&self.hosts, None::<&HostsQuery>, self.shell.now)
    }

    /// The tags of the hosts that are shown.
    fn all_tags(&self) -> String {
        Address::new("/tags").with("group", &self.query.group).finish()
    }
}

fn causes(number: usize) -> String {
    const WORDS: [&str; 10] =
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let count = WORDS.get(number).map_or_else(|| number.to_string(), |&word| word.to_owned());
    format!("{count} {}", if number == 1 { "cause" } else { "causes" })
}
