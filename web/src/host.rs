//! One host (`GET /hosts/{id}`): how long has it got, who does it?

mod drawn;
mod installed;
mod lists;
mod pools;
mod tables;

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag, Presence,
    diagnosis::{Diagnosis, Evidence},
    host::HostFacts,
    incident::Incident,
    memory::Memory,
    process::ObjectTypeUse,
    snapshot::{AgentCost, CollectorFault},
};
use serde::{Deserialize, Serialize};

pub use drawn::{DRAWN, DrawnFigure, DrawnFigures, DrawnUnit, SeriesChart, SeriesLine};
pub use installed::{InstalledView, LoadedDriverRow};
pub use lists::{
    HOST_DRIVERS, HOST_PROCESSES, HOST_TAGS, HOST_TIMELINE, HOST_TYPES, HostDriver, HostListChoice,
    HostListFilter, HostListPage, HostSection, TimelineChoice, TimelineRow, TypeRow,
};
pub use pools::{Limit, Limits, Mark, MarkKind, PoolValues, PoolsChart, Projection};
pub use tables::{
    ProcessOrder, ProcessRow, ProcessTable, TagMeaning, TagOrder, TagRow, TagTableView,
};

use crate::{
    Shell, assets,
    events::EventRow,
    evidence::ImportedFile,
    figures,
    hosts::HostSource,
    level::PoolLevel,
    links::{self, Address, HostLink},
    list::Choice,
    shell::live_page,
    steps::Steps,
    words,
};

/// Commands that fit into a line beside what they do, letters.
const SHORT_COMMANDS: usize = 72;

/// What `/hosts/{id}` takes as parameters; `/hosts/{id}/pools.json` takes `hours`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostQuery {
    /// Order of the tags.
    pub tags: TagOrder,
    /// Order of the processes.
    pub processes: ProcessOrder,
    /// How far the charts look back.
    pub hours: ChartHours,
    /// A tag to be marked.
    pub tag: Option<PoolTag>,
    /// A process to be marked.
    pub pid: Option<u32>,
    /// What is drawn over time beside the pools.
    pub draw: DrawnFigures,
}

/// How far the charts look back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ChartHours {
    /// An hour.
    #[serde(rename = "1")]
    One,
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
    /// Thirty days.
    #[serde(rename = "720")]
    Month,
    /// Ninety days.
    #[serde(rename = "2160")]
    Quarter,
    /// A year.
    #[serde(rename = "8760")]
    Year,
    /// Two years.
    #[serde(rename = "17520")]
    TwoYears,
}

/// Who a host is and how it is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostHead {
    /// Which host.
    pub id: HostId,
    /// Its short name.
    pub name: String,
    /// Other hosts of the same name.
    pub namesakes: Vec<HostLink>,
    /// Other hosts of the same machine identity: clones of one image, or one machine twice.
    pub clones: Vec<HostLink>,
    /// The name that it had before, and when it changed.
    pub renamed: Option<(String, Timestamp)>,
    /// Its labels, by alphabet.
    pub labels: Vec<String>,
    /// Groups by rules that it belongs to.
    pub groups: Vec<String>,
    /// What people say of it.
    pub note: String,
    /// What it tells about itself.
    pub facts: HostFacts,
    /// Where its data come from.
    pub source: HostSource,
    /// Whether it can be heard.
    pub presence: Presence,
    /// When it started.
    pub booted: Option<Timestamp>,
    /// When data last came; of imported evidence, when they were taken.
    pub last_seen: Option<Timestamp>,
    /// Whether it has more tags or names than one host may add to what all share.
    pub is_capped: bool,
    /// Whether what is stored of its facts cannot be read.
    pub is_damaged: bool,
    /// Bytes that its agent sent in the last 24 h.
    pub sent_24h: Option<Bytes>,
}

/// One host.
#[derive(Debug, Clone, Template)]
#[template(path = "host.html", blocks = ["live"])]
pub struct HostPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// Order of tags and range of charts.
    pub query: HostQuery,
    /// Who it is.
    pub host: HostHead,
    /// Whether who looks may decide about it.
    pub may_decide: bool,
    /// Whether who looks may change its labels.
    pub may_label: bool,
    /// The judgement of the latest snapshot, or of the open incident.
    pub diagnosis: Option<Diagnosis>,
    /// Its worst incident that is not resolved.
    pub incident: Option<Incident>,
    /// What to do next.
    pub steps: Steps,
    /// Use of nonpaged pool.
    pub nonpaged: PoolLevel,
    /// Use of paged pool.
    pub paged: PoolLevel,
    /// Change of both in 24 h, bytes: nonpaged, paged.
    pub growth_24h: [Option<i64>; 2],
    /// System-wide figures.
    pub memory: Memory,
    /// Whether there is a history to draw.
    pub has_history: bool,
    /// Pool tags.
    pub tags: Option<TagTableView>,
    /// Processes.
    pub processes: Option<ProcessTable>,
    /// Kernel object types with the most handles or objects, some twelve.
    pub object_types: Vec<ObjectTypeUse>,
    /// Latest events, some ten.
    pub events: Vec<EventRow>,
    /// What its Server service could not allocate in the last 24 h.
    pub pool_failures: Option<PoolFailuresView>,
    /// Collectors that gave nothing in the latest snapshot.
    pub faults: Vec<CollectorFault>,
    /// What the agent costs.
    pub cost: Option<AgentCost>,
    /// What is installed on it, where it was told.
    pub installed: Option<InstalledView>,
    /// Evidence that was imported for it, latest first.
    pub evidence: Vec<ImportedFile>,
}

/// What the Server service of a host could not allocate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolFailuresView {
    /// From nonpaged pool.
    pub nonpaged: u64,
    /// From paged pool.
    pub paged: u64,
    /// When the last were told.
    pub last: Timestamp,
}

live_page!(HostPage);

impl ChartHours {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::One,
        Self::Six,
        Self::Day,
        Self::Week,
        Self::Month,
        Self::Quarter,
        Self::Year,
        Self::TwoYears,
    ];

    /// The range of so many hours, as an address has it.
    #[must_use]
    pub fn from_hours(text: &str) -> Option<Self> {
        let hours: u32 = text.parse().ok()?;
        Self::ALL.into_iter().find(|one| one.hours() == hours)
    }

    /// Hours.
    #[must_use]
    pub const fn hours(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Six => 6,
            Self::Day => 24,
            Self::Week => 168,
            Self::Month => 720,
            Self::Quarter => 2_160,
            Self::Year => 8_760,
            Self::TwoYears => 17_520,
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::One => "1 h",
            Self::Six => "6 h",
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
            Self::Quarter => "90 d",
            Self::Year => "1 y",
            Self::TwoYears => "2 y",
        }
    }
}

impl HostQuery {
    /// The address of this view of a host.
    #[must_use]
    pub fn url(&self, host: HostId) -> String {
        let hours = self.hours.hours().to_string();
        let or_empty = |is_usual: bool, word| if is_usual { "" } else { word };
        Address::new(links::host(host))
            .with("tags", or_empty(self.tags == TagOrder::Bytes, self.tags.as_str()))
            .with(
                "processes",
                or_empty(self.processes == ProcessOrder::Handles, self.processes.as_str()),
            )
            .with("hours", or_empty(self.hours == ChartHours::Day, &hours))
            .with("tag", &self.tag.map_or_else(String::new, |tag| tag.to_string()))
            .with("pid", &self.pid.map_or_else(String::new, |pid| pid.to_string()))
            .with("draw", &self.draw.to_string())
            .finish()
    }
}

impl HostPage {
    fn headline(&self) -> String {
        match (&self.diagnosis, self.host.presence) {
            (Some(diagnosis), _) => words::headline(diagnosis),
            (None, Presence::Waiting) => {
                "This host is enrolled and has sent nothing yet.".to_owned()
            }
            (None, Presence::Silent) => {
                "This host fell silent; its last data name no cause.".to_owned()
            }
            (None, _) => "Nothing was judged yet on this host.".to_owned(),
        }
    }

    fn level(&self, pool: &Pool) -> &PoolLevel {
        match pool {
            Pool::Nonpaged => &self.nonpaged,
            Pool::Paged => &self.paged,
        }
    }

    fn growth(&self, pool: &Pool) -> Option<i64> {
        match pool {
            Pool::Nonpaged => self.growth_24h[0],
            Pool::Paged => self.growth_24h[1],
        }
    }

    fn tags_url(&self, tags: &TagOrder) -> String {
        HostQuery { tags: *tags, ..self.query.clone() }.url(self.host.id)
    }

    fn processes_url(&self, processes: &ProcessOrder) -> String {
        HostQuery { processes: *processes, ..self.query.clone() }.url(self.host.id)
    }

    fn hours_url(&self, hours: &ChartHours) -> String {
        HostQuery { hours: *hours, ..self.query.clone() }.url(self.host.id)
    }

    fn drawn(&self) -> lists::Drawn<'_> {
        lists::Drawn { host: self.host.id, query: &self.query }
    }

    /// The address that draws a figure beside the pools.
    fn draw_url(&self, figure: &str) -> String {
        let draw = DrawnFigures::read(figure);
        HostQuery { draw, ..self.query.clone() }.url(self.host.id) + "#drawn"
    }

    fn pools_url(&self) -> String {
        let hours = self.query.hours.hours().to_string();
        Address::new(format!("{}/pools.json", links::host(self.host.id)))
            .with("hours", &hours)
            .finish()
    }

    /// The address that compares this host with a healthy one, or with itself so long ago.
    /// The groups that it can be set beside: its place in the directory, and those by rules.
    fn compare_groups(&self) -> Vec<String> {
        words::group(&self.host.facts).into_iter().chain(self.host.groups.clone()).collect()
    }

    /// The commands of the first step, where they fit into a line.
    fn first_commands(&self) -> Option<String> {
        let commands = self.steps.all().next()?.commands.join("; ");
        (!commands.is_empty() && commands.chars().count() <= SHORT_COMMANDS).then_some(commands)
    }

    /// Where the facts on this page lead.
    #[expect(clippy::unnecessary_wraps, reason = "as the template of facts takes it")]
    fn on(&self) -> Option<HostId> {
        Some(self.host.id)
    }

    fn facts(&self) -> Vec<&Evidence> {
        self.diagnosis.as_ref().map(words::facts).unwrap_or_default()
    }

    fn commit_share(&self) -> Option<f64> {
        Some(self.memory.committed?.share_of(self.memory.commit_limit?))
    }
}
