//! All tags of the fleet (`GET /tags`), common offenders first.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{Bytes, Pool, PoolTag, driver_scan::FileHash};

use crate::{
    HostLink, Shell, assets, figures,
    host::TagMeaning,
    links,
    list::{
        Cell, Column, Filter, List, ListQuery, ListView, Parameter, SortKey,
        SortWording::{By, Most},
        choices, plain_row,
    },
    mark::IncidentMark,
    pool_choice::PoolChoice,
    shell::live_page,
};

/// All tags that match a query, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "tags.html", blocks = ["live"])]
pub struct TagsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The tags.
    pub list: ListView<TagLine, TagsFilter>,
    /// The fleet, or the chosen group, in short.
    pub summary: TagsSummary,
    /// What people say of tags here; none in parts that are asked for again.
    pub said: Option<TagsSaid>,
}

live_page!(TagsPage);

/// What `/tags`, `/tags.csv` and `/tags.json` take as parameters.
pub type TagsQuery = ListQuery<TagLine, TagsFilter>;

/// Which tags are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TagsFilter {
    /// Part of a tag, of its meaning or of its owner.
    pub q: String,
    /// Only hosts of this group; empty for all.
    pub group: String,
    /// Only this pool.
    pub pool: PoolChoice,
    /// Only tags that are known, or not.
    pub known: KnownChoice,
}

impl Filter for TagsFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::text("q", "Filter by text", "Tag, owner, meaning", &mut self.q),
            Parameter::group(&mut self.group),
            Parameter::choice("pool", "Pool", &mut self.pool),
            Parameter::choice("known", "Known or not", &mut self.known),
        ]
    }
}

choices! {
    /// Which tags to show, by whether it is known what they stand for.
    KnownChoice {
        /// All.
        All = "all", "known or not";
        /// Those of which it is known.
        Known = "known", "known tags";
        /// Those of which it is not.
        Unknown = "unknown", "unknown tags";
    }
}

/// One tag's use of one pool over the fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct TagLine {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Hosts that use it.
    pub hosts: u64,
    /// Hosts on which it grew by 10 MB or more in 24 h; `None` when of no host a day is known.
    pub grows_on: Option<u64>,
    /// Growth in 24 h, all hosts together of which a day is known.
    pub growth: Option<i64>,
    /// Bytes, all hosts together.
    pub sum: Bytes,
    /// Bytes that half of the hosts do not exceed.
    pub median: Bytes,
    /// Bytes that 95 % of the hosts do not exceed.
    pub p95: Bytes,
    /// The host that uses most.
    pub worst: Option<(HostLink, Bytes)>,
    /// What it stands for.
    pub meaning: Option<TagMeaning>,
    /// An open incident that is about it.
    pub incident: Option<IncidentMark>,
}

/// What the page says of the fleet before its table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TagsSummary {
    /// Tags and pools in use.
    pub total: u64,
    /// Those that grow on some host.
    pub growing: u64,
    /// The one that grows most.
    pub fastest: Option<TagLine>,
    /// The one that uses most.
    pub largest: Option<TagLine>,
}

/// What people say of tags here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagsSaid {
    /// Tags with a note.
    pub notes: u64,
    /// Entries of the imported pooltag.txt.
    pub entries: u64,
    /// Who imported it, and when.
    pub imported: Option<(String, Timestamp)>,
    /// Whether who looks may import one.
    pub may_import: bool,
    /// Lists that are on hosts and may be taken in.
    pub offered: Vec<OfferedList>,
}

/// A pooltag.txt that is on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedList {
    /// The file.
    pub file: FileHash,
    /// A host that has it.
    pub host: HostLink,
    /// Its path there.
    pub path: String,
    /// Its entries.
    pub entries: u64,
    /// When it came.
    pub at: Timestamp,
}

type TagColumn = Column<TagLine>;

/// All tags.
pub static TAGS: List<TagLine> = List {
    nouns: ["tag", "tags"],
    class: "listed",
    columns: &[
        TagColumn::name(
            "Tag",
            |row| row.tag.to_string().into(),
            |row, _| Cell::default().row_code(links::tag(&row.tag), &row.tag).mark(row.incident),
        )
        .sort("tag", By("tag"))
        .file("tag"),
        TagColumn::cell(
            "Pool",
            |row| row.pool.as_str().into(),
            |row, _| Cell::text(row.pool.as_str()).classed("dim"),
        )
        .file("pool"),
        // A tag without a day of history does not come after those that are known not to grow.
        TagColumn::count("Grows on", |row| row.grows_on)
            .meaning("hosts on which it grew by 10 MB or more in 24 h")
            .sort_by("grows", Most("hosts with growth"), |row| {
                Some(row.grows_on.unwrap_or(0).into())
            })
            .file("grows_on_hosts"),
        TagColumn::size_change("24 h", |row| row.growth)
            .meaning("growth in 24 h, all hosts together")
            .sort("growth", Most("growth"))
            .file("change_24h_bytes"),
        TagColumn::count("Hosts", |row| Some(row.hosts)).sort("hosts", Most("hosts")).file("hosts"),
        TagColumn::size("Sum", |row| Some(row.sum)).sort("sum", Most("bytes")).file("sum_bytes"),
        TagColumn::size("Median", |row| Some(row.median))
            .class("num opt")
            .meaning("half of the hosts use no more")
            .sort("median", Most("bytes on half of the hosts"))
            .file("median_bytes"),
        TagColumn::size("p95", |row| Some(row.p95))
            .class("num opt")
            .meaning("95 % of the hosts use no more")
            .sort("p95", Most("bytes on 95 % of the hosts"))
            .file("p95_bytes"),
        TagColumn::cell(
            "Most on one host",
            |row| row.worst.as_ref().map(|(_, bytes)| *bytes).into(),
            |row, _| match &row.worst {
                Some((host, bytes)) => Cell::amount_on(figures::size(bytes), Some(host)),
                None => Cell::unknown(),
            },
        )
        .sort("worst", Most("bytes on one host"))
        .file("most_bytes"),
        TagColumn::cell(
            "Owner",
            |row| row.owner().into(),
            |row, _| Cell::text(row.owner().unwrap_or_default()),
        )
        .sort("owner", By("owner"))
        .file("owner"),
        TagColumn::tag_meaning(|row| Some(row.meaning.as_ref()?.text.clone())),
        TagColumn::in_files("most_host", |row| {
            row.worst.as_ref().map(|(host, _)| host.name.as_str()).into()
        }),
        TagColumn::incident("", |row| row.incident),
    ],
    first: "grows",
    tie: |row| {
        let largest_first = SortKey::Number(-i64::try_from(row.sum.0).unwrap_or(i64::MAX));
        let name = SortKey::Text(row.tag.to_string());
        SortKey::Several(vec![largest_first, name, SortKey::from(row.pool as u64)])
    },
    row_class: plain_row,
    file_name: "tags",
    file_path: "",
    file_columns: "tag pool hosts grows_on_hosts change_24h_bytes sum_bytes median_bytes p95_bytes \
        most_host most_bytes owner meaning open_incident",
};

impl KnownChoice {
    /// Whether a tag is shown.
    #[must_use]
    pub const fn shows(self, is_known: bool) -> bool {
        match self {
            Self::All => true,
            Self::Known => is_known,
            Self::Unknown => !is_known,
        }
    }
}

impl TagLine {
    fn owner(&self) -> Option<&str> {
        self.meaning.as_ref()?.owner.as_deref()
    }
}

impl TagsPage {
    fn headline(&self) -> String {
        let of = match self.list.query.filter.group.as_str() {
            "" => String::new(),
            group => format!(" in {group}"),
        };
        match &self.summary {
            TagsSummary { fastest: None, largest: None, .. } => {
                format!("No host{of} has sent its pool tags yet.")
            }
            TagsSummary { fastest: Some(line), growing, .. } => {
                let by = line.growth.map_or_else(String::new, |bytes| {
                    format!(", by {} in 24 h", Bytes(bytes.unsigned_abs()))
                });
                format!(
                    "{}{of}; {} grows most, on {}{by}.",
                    figures::counted(*growing, "tag grows", "tags grow"),
                    line.tag,
                    figures::counted(line.grows_on, "host", "hosts"),
                )
            }
            TagsSummary { largest: Some(line), total, .. } => {
                // Without a day of history there is no saying what grew in it.
                let growth = match line.growth {
                    Some(_) => "No tag grew by 10 MB or more in 24 h on any host".to_owned(),
                    None => figures::counted(*total, "tag is in use", "tags are in use"),
                };
                format!(
                    "{growth}{of}; {} uses most: {} on {}.",
                    line.tag,
                    line.sum,
                    figures::counted(line.hosts, "host", "hosts"),
                )
            }
        }
    }
}
