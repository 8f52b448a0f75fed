//! One tag over the fleet (`GET /tags/{tag}`).

use askama::Template;
use jiff::Timestamp;
use poolwatch_analysis::catalogue::{Certainty, KnownLeak, LeakKind, Source};
use poolwatch_model::{Bytes, Pool, PoolTag, incident::IncidentState};

use crate::{
    HostLink, Shell, assets, figures,
    histogram::SizeHistogram,
    host::ChartHours,
    incidents::IncidentRow,
    links,
    list::{
        Cell, Column, Filter, List, ListQuery, ListView, Parameter, SortKey, SortWording::Most,
        plain_row,
    },
    mark::IncidentMark,
    pool_choice::PoolChoice,
    shell::live_page,
    words,
};

/// One tag over the fleet.
#[derive(Debug, Clone, Template)]
#[template(path = "tag.html", blocks = ["live"])]
pub struct TagPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The tag.
    pub tag: PoolTag,
    /// What it stands for.
    pub told: Option<TagTold>,
    /// The pools that it uses, the one with most first.
    pub pools: Vec<TagInPool>,
    /// The pool whose hosts are shown.
    pub pool: Pool,
    /// How its bytes are spread over hosts.
    pub spread: SizeHistogram,
    /// Hosts that use it in this pool.
    pub list: ListView<TagHostRow, TagHostsFilter>,
    /// Open incidents that are about it.
    pub incidents: Vec<IncidentRow>,
    /// Drivers that may own it, the likeliest first.
    pub owners: Vec<OwnerRow>,
    /// Leaks of it that are publicly known.
    pub leaks: Vec<LeakRow>,
    /// What somebody wrote of it here.
    pub note: Option<TagNoteRow>,
    /// Whether who looks may write.
    pub may_write: bool,
}

live_page!(TagPage);

/// What `/tags/{tag}`, `/tags/{tag}/hosts.csv` and `.json` take as parameters.
pub type TagHostsQuery = ListQuery<TagHostRow, TagHostsFilter>;

/// Which hosts of a tag are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagHostsFilter {
    /// Which pool's hosts to show; without one that in which the tag uses more.
    pub pool: PoolChoice,
    /// How far the chart looks back, hours; a week unless told.
    pub hours: String,
}

impl Filter for TagHostsFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::of_links("pool", &mut self.pool),
            Parameter::of_links("hours", &mut self.hours),
        ]
    }
}

impl TagHostsFilter {
    /// How far the chart looks back.
    #[must_use]
    pub fn hours(&self) -> ChartHours {
        ChartHours::from_hours(&self.hours).unwrap_or(ChartHours::Week)
    }
}

/// What somebody wrote of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagNoteRow {
    /// What it counts.
    pub meaning: String,
    /// The driver or part of Windows that owns it.
    pub owner: Option<String>,
    /// Who wrote that.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a tag stands for, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagTold {
    /// In words.
    pub meaning: String,
    /// The driver or part of Windows that owns it.
    pub owner: Option<String>,
    /// Who says so.
    pub source: Source,
    /// How sure that is.
    pub certainty: Certainty,
    /// The kernel object type that it counts.
    pub object_type: Option<&'static str>,
    /// Whether it is a cache, which grows after a start and then holds.
    pub cache: bool,
    /// Whether many drivers use it.
    pub shared: bool,
}

/// A tag's use of one pool over the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagInPool {
    /// Which pool.
    pub pool: Pool,
    /// Hosts that use it.
    pub hosts: u64,
    /// Bytes, all hosts together.
    pub sum: Bytes,
    /// Bytes that half of the hosts do not exceed.
    pub median: Bytes,
    /// Bytes that 95 % of the hosts do not exceed.
    pub p95: Bytes,
    /// The host that uses most.
    pub worst: Option<(HostLink, Bytes)>,
    /// Growth in 24 h, all hosts together of which a day is known.
    pub growth: Option<i64>,
    /// Hosts on which it grew by 10 MB or more in 24 h.
    pub grows_on: Option<u64>,
}

/// One host's use of the tag.
#[derive(Debug, Clone, PartialEq)]
pub struct TagHostRow {
    /// Who it is.
    pub host: HostLink,
    /// Its name in full.
    pub full_name: String,
    /// The tag.
    pub tag: PoolTag,
    /// The pool.
    pub pool: Pool,
    /// Its group.
    pub group: Option<String>,
    /// Bytes.
    pub bytes: Bytes,
    /// The same as a share of the host's pool.
    pub share: Option<f64>,
    /// Outstanding allocations.
    pub outstanding: u64,
    /// Growth in an hour, in 24 h and in seven days.
    pub growth: [Option<i64>; 3],
    /// An open incident of the host that is about the tag.
    pub incident: Option<IncidentMark>,
}

/// A driver that may own the tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// File name.
    pub name: String,
    /// Who says so.
    pub because: Vec<String>,
    /// Hosts that have it loaded.
    pub hosts: u64,
    /// Versions of it in the fleet.
    pub versions: u64,
}

/// A leak that is publicly known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakRow {
    /// The leak.
    pub leak: &'static KnownLeak,
    /// Hosts that have its driver loaded or run its program.
    pub seen_on: u64,
}

type TagHostColumn = Column<TagHostRow>;

/// The hosts of a tag.
pub static TAG_HOSTS: List<TagHostRow> = List {
    nouns: ["host", "hosts"],
    class: "listed",
    columns: &[
        TagHostColumn::host(|row| &row.full_name, |row| &row.host.name, |row| row.host.url())
            .beside(|row, cell| cell.mark(row.incident)),
        TagHostColumn::group(|row| row.group.as_deref()),
        TagHostColumn::size("Bytes", |row| Some(row.bytes))
            .sort("bytes", Most("bytes"))
            .file("bytes"),
        TagHostColumn::share("Of the pool", |row| row.share)
            .sort("share", Most("share of the pool"))
            .file("share_of_pool"),
        TagHostColumn::count("Outstanding", |row| Some(row.outstanding))
            .sort("outstanding", Most("outstanding allocations"))
            .file("outstanding"),
        TagHostColumn::shown("Each", |row, _| {
            let average = row.bytes.0.checked_div(row.outstanding);
            Cell::figure(figures::size(average)).classed("dim")
        })
        .class("num")
        .meaning("bytes per outstanding allocation"),
        TagHostColumn::size_change("1 h", |row| row.growth[0])
            .meaning("growth in an hour")
            .sort("hour", Most("growth in an hour"))
            .file("change_1h_bytes"),
        TagHostColumn::size_change("24 h", |row| row.growth[1])
            .meaning("growth in 24 h")
            .sort("day", Most("growth in 24 h"))
            .file("change_24h_bytes"),
        TagHostColumn::size_change("7 days", |row| row.growth[2])
            .meaning("growth in seven days")
            .sort("week", Most("growth in seven days"))
            .file("change_7d_bytes"),
        TagHostColumn::former_self(|row| row.host.id),
        TagHostColumn::in_files("id", |row| row.host.id.into()),
        TagHostColumn::in_files("tag", |row| row.tag.to_string().into()),
        TagHostColumn::in_files("pool", |row| row.pool.as_str().into()),
        TagHostColumn::incident("", |row| row.incident),
    ],
    first: "bytes",
    tie: |row| SortKey::ignoring_case(&row.full_name),
    row_class: plain_row,
    file_name: "tag-hosts",
    file_path: "/hosts",
    file_columns: "id host group tag pool bytes share_of_pool outstanding change_1h_bytes change_24h_bytes \
        change_7d_bytes open_incident",
};

impl LeakRow {
    fn seen(&self) -> String {
        let verb = match self.leak.kind {
            LeakKind::Driver => "loaded on",
            LeakKind::Program => "running on",
        };
        match self.seen_on {
            0 => "not seen in this fleet".to_owned(),
            hosts => format!("{verb} {}", figures::counted(hosts, "host", "hosts")),
        }
    }
}

impl TagPage {
    /// The address of the same tag's hosts by their use of a pool.
    fn in_pool(&self, pool: &Pool) -> String {
        let hours = self.list.query.filter.hours.clone();
        self.list.query.with(TagHostsFilter { pool: (*pool).into(), hours }).url()
    }

    /// The address of the page with another range of its chart.
    fn hours_url(&self, hours: &ChartHours) -> String {
        let filter =
            TagHostsFilter { hours: hours.hours().to_string(), ..self.list.query.filter.clone() };
        self.list.query.with(filter).url() + "#history"
    }

    /// Where the data of its chart are.
    fn history_url(&self) -> String {
        let filter = &self.list.query.filter;
        let hours = filter.hours().hours().to_string();
        links::Address::new(format!("{}/history.json", links::tag(&self.tag)))
            .with("pool", self.pool.as_str())
            .with("hours", &hours)
            .finish()
    }

    /// The sentence that answers: how much of what, where, and does it grow?
    fn headline(&self) -> String {
        let tag = self.tag;
        let Some(most) = self.pools.first() else {
            return format!("No host uses {tag} now.");
        };
        let on = match &most.worst {
            Some((host, _)) if most.hosts == 1 => format!("on {}", host.name),
            Some((host, bytes)) => format!(
                "on {}, most on {} with {bytes}",
                figures::counted(most.hosts, "host", "hosts"),
                host.name
            ),
            None => format!("on {}", figures::counted(most.hosts, "host", "hosts")),
        };
        let growth = match most.grows_on {
            Some(0) => " It grew by 10 MB or more in 24 h on none.".to_owned(),
            Some(hosts) => format!(
                " It grew by 10 MB or more in 24 h on {}.",
                figures::counted(hosts, "host", "hosts")
            ),
            None => String::new(),
        };
        format!("{tag} uses {} of {} pool {on}.{growth}", most.sum, most.pool)
    }
}
