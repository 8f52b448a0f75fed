//! All tags, processes, object types and drivers of a host, and its timeline: a list each, below its
//! page (`GET /hosts/{id}/tags`, and so on).

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId, Pool, PoolTag, process::ObjectTypeUse};

use super::{ChartHours, DrawnFigure, DrawnFigures, HostQuery, ProcessRow, TagRow};
use crate::{
    HostLink, Shell, assets,
    drivers::tag_names,
    figures, links,
    list::{
        Cell, Choice, Column, Filter, List, ListView, Parameter, Piece, SortKey,
        SortWording::{By, Called, Most},
        choices,
    },
    pool_choice::PoolChoice,
    sparkline::Sparkline,
    words,
};

choices! {
    /// The pages of a host.
    HostSection {
        /// The host in short.
        Overview = "", "Overview";
        /// All tags.
        Tags = "tags", "Tags";
        /// All processes.
        Processes = "processes", "Processes";
        /// All kernel object types.
        Types = "types", "Object types";
        /// All drivers.
        Drivers = "drivers", "Drivers";
        /// What happened on it.
        Timeline = "timeline", "Timeline";
    }
}

impl HostSection {
    /// Its address.
    #[must_use]
    pub fn url(&self, host: &HostId) -> String {
        let host = *host;
        let found = Self::ALL.iter().find(|(one, ..)| one == self);
        match found.map_or("", |(_, path, _)| path) {
            "" => links::host(host),
            path => format!("{}/{path}", links::host(host)),
        }
    }

    /// What it is called.
    pub(crate) fn label(&self) -> &'static str {
        Self::ALL.iter().find(|(one, ..)| one == self).map_or("", |(_, _, label)| label)
    }
}

/// What a list of a host is filtered by beside a text.
pub trait HostListChoice: Choice + Default {
    /// Its parameter in an address, and what its field is called; empty where there is none.
    const PARAMETER: (&'static str, &'static str) = ("", "");
}

impl HostListChoice for () {}

impl HostListChoice for PoolChoice {
    const PARAMETER: (&'static str, &'static str) = ("pool", "Pool");
}

choices! {
    /// What a timeline shows.
    TimelineChoice {
        /// All.
        All = "all", "everything";
        /// Events of its logs.
        Events = "events", "events";
        /// Restarts.
        Restarts = "restarts", "restarts";
        /// Changes of drivers.
        Drivers = "drivers", "changes of drivers";
        /// Incidents.
        Incidents = "incidents", "incidents";
    }
}

impl HostListChoice for TimelineChoice {
    const PARAMETER: (&'static str, &'static str) = ("show", "What is shown");
}

/// Which rows of a host's list are asked for, and what is drawn beside them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostListFilter<C> {
    /// Part of what a row says.
    pub q: String,
    /// Which of them.
    pub choice: C,
    /// What is drawn, as [`DrawnFigures`] hold it.
    pub draw: String,
    /// How far the chart looks back, hours.
    pub hours: String,
}

impl<C: HostListChoice> Filter for HostListFilter<C> {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        let mut parameters = vec![Parameter::text("q", "Filter by text", "Name", &mut self.q)];
        let (name, label) = C::PARAMETER;
        if !name.is_empty() {
            parameters.push(Parameter::choice(name, label, &mut self.choice));
        }
        parameters.push(Parameter::of_links("draw", &mut self.draw));
        parameters.push(Parameter::of_links("hours", &mut self.hours));
        parameters
    }

    fn is_narrowed(&self) -> bool {
        !self.q.is_empty() || self.choice != C::default()
    }
}

/// A list of a host.
#[derive(Debug, Template)]
#[template(path = "host_list.html")]
pub struct HostListPage<R: 'static, F: Filter> {
    /// What surrounds the page.
    pub shell: Shell,
    /// The host.
    pub host: HostLink,
    /// Which of its pages.
    pub section: HostSection,
    /// When its data were taken, where they are of one moment.
    pub at: Option<Timestamp>,
    /// What is drawn, and how far back.
    pub query: HostQuery,
    /// The rows.
    pub list: ListView<R, F>,
}

impl<R, F: Filter> HostListPage<R, F> {
    fn headline(&self) -> String {
        let list = &self.list;
        let [one, many] = list.nouns();
        let total = figures::counted(list.total, one, many);
        match (list.all, list.query.filter.is_narrowed(), list.query.in_words()) {
            (0, ..) => format!("No {many} are known of {}.", self.host.name),
            (all, true, _) => format!("{total} of {} match.", figures::grouped(all)),
            (_, _, order) if order.is_empty() => format!("{total} of {}.", self.host.name),
            (_, _, order) => format!("{total} of {}, {order}.", self.host.name),
        }
    }

    fn drawn(&self) -> Drawn<'_> {
        Drawn { host: self.host.id, query: &self.query }
    }
}

/// The chart of what was chosen, at the foot of a host's pages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn<'a> {
    /// The host.
    pub(crate) host: HostId,
    /// What is drawn.
    pub(crate) query: &'a HostQuery,
}

impl Drawn<'_> {
    /// Where its data are.
    pub(crate) fn data(&self) -> String {
        format!("{}/series.json", links::host(self.host))
    }

    /// The address of the data of what is drawn.
    pub(crate) fn data_of_figures(&self) -> String {
        links::Address::new(self.data()).with("draw", &self.query.draw.to_string()).finish()
    }

    /// Ranges to choose from: hours, what they are called, and whether they are shown.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u32, &'static str, bool)> {
        let shown = self.query.hours;
        ChartHours::ALL.into_iter().map(move |one| (one.hours(), one.label(), one == shown))
    }
}

/// The cell that shows how a figure went, and leads to its chart.
fn draw_cell(host: HostId, figure: DrawnFigure, name: String, line: Option<Sparkline>) -> Cell {
    let drawn = DrawnFigures::one(figure);
    let query = HostQuery { draw: drawn.clone(), ..HostQuery::default() };
    let url = query.url(host) + "#drawn";
    Cell::default().and(Piece::Draw { figure: drawn.to_string(), url, name, line })
}

fn not_empty(line: &Sparkline) -> Option<Sparkline> {
    line.values.iter().any(Option::is_some).then(|| line.clone())
}

type TagColumn = Column<TagRow>;

/// The tags of a host.
pub static HOST_TAGS: List<TagRow> = List {
    nouns: ["tag", "tags"],
    class: "listed tags",
    columns: &[
        TagColumn::name(
            "Tag",
            |row| row.tag.to_string().into(),
            |row, _| {
                let cell = Cell::default().row_code(links::tag(&row.tag), &row.tag);
                if row.suspect { cell.span("chip", "", "suspect") } else { cell }
            },
        )
        .sort("tag", By("tag"))
        .file("tag"),
        TagColumn::text("Pool", |row| Some(row.pool.as_str())).class("dim").file("pool"),
        TagColumn::size("Bytes", |row| Some(row.bytes)).sort("bytes", Most("bytes")).file("bytes"),
        TagColumn::count("Outstanding", |row| Some(row.outstanding))
            .sort("outstanding", Most("outstanding allocations"))
            .file("outstanding"),
        TagColumn::size("Each", |row| row.average().map(Bytes))
            .meaning("bytes per outstanding allocation")
            .class("num opt")
            .sort("each", Most("bytes each")),
        TagColumn::size_change("24 h", |row| row.change)
            .sort("change", Most("growth"))
            .file("change_24h_bytes"),
        TagColumn::shown("Trend", |row, _| tag_chart(row)),
        TagColumn::tag_meaning(|row| Some(row.meaning.as_ref()?.text.clone())),
        TagColumn::in_files("owner", |row| {
            row.meaning.as_ref().and_then(|meaning| meaning.owner.as_deref()).into()
        }),
        TagColumn::in_files("allocations", |row| row.counted.map(|(allocs, _)| allocs).into()),
        TagColumn::in_files("frees", |row| row.counted.map(|(_, frees)| frees).into()),
    ],
    first: "bytes",
    tie: |row| {
        SortKey::Several(vec![
            SortKey::ignoring_case(&row.tag.to_string()),
            u64::from(row.pool == Pool::Paged).into(),
        ])
    },
    row_class: |row| row.class(),
    file_name: "tags",
    file_path: "",
    file_columns: "tag pool bytes outstanding allocations frees change_24h_bytes meaning owner",
};

/// The chart of a tag as the cell that leads there.
pub(crate) fn tag_chart(row: &TagRow) -> Cell {
    let figure = DrawnFigure::TagBytes(row.tag, row.pool);
    let name = figure.name(None);
    draw_cell(row.host, figure, name, not_empty(&row.trend))
}

type ProcessColumn = Column<ProcessRow>;

/// The processes of a host.
pub static HOST_PROCESSES: List<ProcessRow> = List {
    nouns: ["process", "processes"],
    class: "listed processes",
    columns: &[
        ProcessColumn::page(
            "Process",
            "image",
            |row| &row.process.image,
            |row| links::application(&row.process.image),
        )
        .beside(|row, cell| {
            let cell = if row.suspect { cell.span("chip", "", "suspect") } else { cell };
            cell.dim(row.services())
        }),
        ProcessColumn::cell(
            "Pid",
            |row| row.process.key.pid.into(),
            |row, _| Cell::text(row.process.key.pid.to_string()),
        )
        .class("num dim")
        .sort("pid", Called("latest pid first", "by pid"))
        .file("pid"),
        ProcessColumn::count("Handles", ProcessRow::handles)
            .sort("handles", Most("handles"))
            .file("handles"),
        ProcessColumn::count_change("24 h", |row| row.change).class("num opt"),
        ProcessColumn::shown("Trend", |row, _| process_chart(row)),
        ProcessColumn::count("Threads", ProcessRow::threads)
            .sort("threads", Most("threads"))
            .file("threads"),
        ProcessColumn::size("Private", |row| row.process.private_bytes.map(Bytes))
            .sort("private", Most("private bytes"))
            .file("private_bytes"),
        ProcessColumn::size("Quota np", |row| row.process.nonpaged_quota.map(Bytes))
            .meaning("nonpaged pool charged to the process's quota: a weak hint")
            .class("num opt")
            .sort("nonpaged_quota", Most("nonpaged quota"))
            .file("nonpaged_quota_bytes"),
        ProcessColumn::size("Quota pg", |row| row.process.paged_quota.map(Bytes))
            .meaning("paged pool charged to the process's quota: a weak hint")
            .class("num opt")
            .sort("paged_quota", Most("paged quota"))
            .file("paged_quota_bytes"),
        ProcessColumn::count("Operations", ProcessRow::operations)
            .meaning(
                "reads, writes and others since the snapshot before, of the most active processes",
            )
            .class("num opt")
            .sort("operations", Most("operations"))
            .file("operations"),
        ProcessColumn::in_files("services", |row| row.services().into()),
    ],
    first: "handles",
    tie: |row| SortKey::from(u64::from(row.process.key.pid)),
    row_class: |row| row.class(),
    file_name: "processes",
    file_path: "",
    file_columns: "image pid services handles threads private_bytes nonpaged_quota_bytes \
        paged_quota_bytes operations",
};

/// The chart of a process's handles as the cell that leads there.
pub(crate) fn process_chart(row: &ProcessRow) -> Cell {
    let figure = DrawnFigure::ProcessHandles(row.process.key);
    let name = figure.name(Some(&row.process.image));
    draw_cell(row.host, figure, name, not_empty(&row.trend))
}

/// A kernel object type of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRow {
    /// The host.
    pub host: HostId,
    /// The type.
    pub used: ObjectTypeUse,
}

type TypeColumn = Column<TypeRow>;

/// The kernel object types of a host.
pub static HOST_TYPES: List<TypeRow> = List {
    nouns: ["object type", "object types"],
    class: "listed",
    columns: &[
        TypeColumn::name(
            "Type",
            |row| row.used.name.as_str().into(),
            |row, _| Cell::text(words::or_unnamed(&row.used.name)),
        )
        .sort("name", By("name"))
        .file("type"),
        TypeColumn::count("Objects", |row| Some(row.used.objects.into()))
            .sort("objects", Most("objects"))
            .file("objects"),
        TypeColumn::count("Peak", |row| Some(row.used.peak_objects.into()))
            .meaning("most objects at once")
            .class("num dim opt")
            .file("peak_objects"),
        TypeColumn::count("Handles", |row| Some(row.used.handles.into()))
            .sort("handles", Most("handles"))
            .file("handles"),
        TypeColumn::count("Peak", |row| Some(row.used.peak_handles.into()))
            .meaning("most handles at once")
            .class("num dim opt")
            .file("peak_handles"),
        TypeColumn::shown("Chart", |row, _| type_chart(&row.host, &row.used.name)),
    ],
    first: "objects",
    tie: |row| SortKey::ignoring_case(&row.used.name),
    row_class: crate::list::plain_row,
    file_name: "object-types",
    file_path: "",
    file_columns: "type objects peak_objects handles peak_handles",
};

/// The chart of an object type as the cell that leads there.
pub(crate) fn type_chart(host: &HostId, name: &str) -> Cell {
    let figure = DrawnFigure::TypeObjects(name.to_owned());
    let called = figure.name(None);
    draw_cell(*host, figure, called, None)
}

/// A driver that is loaded on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDriver {
    /// The host.
    pub host: HostId,
    /// File name.
    pub name: String,
    /// Path of the file.
    pub path: Option<String>,
    /// File version.
    pub version: Option<String>,
    /// Company that the file names.
    pub company: Option<String>,
    /// Who signed it, by its own signature, which is not verified.
    pub signer: Option<String>,
    /// When it was linked, by its header.
    pub linked: Option<Timestamp>,
    /// Whether its file was scanned for tags.
    pub is_scanned: bool,
    /// Tags that its code uses as an owner does, the likeliest first.
    pub tags: Vec<PoolTag>,
    /// Further tags that its code holds.
    pub other_tags: u64,
}

type DriverColumn = Column<HostDriver>;

/// The drivers of a host.
pub static HOST_DRIVERS: List<HostDriver> = List {
    nouns: ["driver", "drivers"],
    class: "listed",
    columns: &[
        DriverColumn::page("Driver", "name", |row| &row.name, |row| links::driver(&row.name)),
        DriverColumn::text("Version", |row| row.version.as_deref()).file("version"),
        DriverColumn::text("Company", |row| row.company.as_deref())
            .class("wide opt")
            .sort("company", By("company"))
            .file("company"),
        DriverColumn::text("Signed by, unverified", |row| row.signer.as_deref())
            .meaning(
                "whom the certificate in its file names; files signed by a catalogue have none",
            )
            .class("wide opt")
            .sort("signer", By("signer"))
            .file("signer"),
        DriverColumn::cell(
            "Tags in its code",
            |row| tag_names(&row.tags).into(),
            |row, _| {
                let tags = row.tags.iter();
                let mut cell =
                    tags.fold(Cell::default(), |cell, tag| cell.code(links::tag(tag), tag));
                match (row.other_tags, row.is_scanned) {
                    (0, true) if row.tags.is_empty() => cell = cell.dim("none"),
                    (0, true) => {}
                    (more, true) => {
                        cell = cell.dim(format!("{} less likely", figures::grouped(more)));
                    }
                    (_, false) => cell = cell.dim("not scanned"),
                }
                cell
            },
        )
        .meaning("by a scan of its file: those that it uses as an owner does")
        .class("wide")
        .sort_by("tags", Most("tags"), |row| Some(SortKey::from(row.tags.len() as u64)))
        .file("tags"),
        DriverColumn::shown("Chart", |row, _| driver_chart(row)),
        DriverColumn::when("Linked", |row| row.linked)
            .class("num time opt")
            .sort("linked", Called("latest first", "oldest first"))
            .file("linked_at"),
        DriverColumn::in_files("path", |row| row.path.as_deref().into()),
    ],
    first: "tags",
    tie: |row| SortKey::ignoring_case(&row.name),
    row_class: crate::list::plain_row,
    file_name: "drivers",
    file_path: "",
    file_columns: "name path version company signer linked_at tags",
};

/// All tags of a driver in one chart.
fn driver_chart(row: &HostDriver) -> Cell {
    if row.tags.is_empty() {
        return Cell::default();
    }
    let of_tag = |tag: &PoolTag| Pool::ALL.map(|pool| DrawnFigure::TagBytes(*tag, pool));
    let figures = row.tags.iter().flat_map(of_tag).take(super::drawn::DRAWN).collect();
    let draw = DrawnFigures(figures);
    let figure = draw.to_string();
    let url = HostQuery { draw, ..HostQuery::default() }.url(row.host) + "#drawn";
    let name = format!("the tags of {}", row.name);
    Cell::default().and(Piece::Draw { figure, url, name, line: None })
}

/// Something that happened on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineRow {
    /// The host.
    pub host: HostId,
    /// When.
    pub at: Timestamp,
    /// Of which kind.
    pub kind: TimelineChoice,
    /// What.
    pub text: String,
    /// The page that tells more.
    pub url: Option<String>,
}

impl TimelineRow {
    fn glyph(&self) -> &'static str {
        match self.kind {
            TimelineChoice::All | TimelineChoice::Events => "⚑",
            TimelineChoice::Restarts => "⟳",
            TimelineChoice::Drivers => "◆",
            TimelineChoice::Incidents => "▲",
        }
    }

    fn kind_in_words(&self) -> &'static str {
        match self.kind {
            TimelineChoice::All | TimelineChoice::Events => "event",
            TimelineChoice::Restarts => "restart",
            TimelineChoice::Drivers => "driver",
            TimelineChoice::Incidents => "incident",
        }
    }
}

type TimelineColumn = Column<TimelineRow>;

/// What happened on a host.
pub static HOST_TIMELINE: List<TimelineRow> = List {
    nouns: ["entry", "entries"],
    class: "listed",
    columns: &[
        TimelineColumn::when("Time", |row| Some(row.at))
            .sort("time", Called("latest first", "oldest first"))
            .file("time"),
        TimelineColumn::cell(
            "Kind",
            |row| row.kind_in_words().into(),
            |row, _| Cell::text(format!("{} {}", row.glyph(), row.kind_in_words())),
        )
        .class("dim")
        .file("kind"),
        TimelineColumn::name(
            "What",
            |row| row.text.as_str().into(),
            |row, _| match &row.url {
                Some(url) => Cell::default().row_link(url.clone(), row.text.as_str()),
                None => Cell::text(row.text.as_str()),
            },
        )
        .class("wide")
        .file("what"),
        TimelineColumn::former_self_at(|row| row.host, |row| Some(row.at)),
    ],
    first: "time",
    tie: |row| SortKey::ignoring_case(&row.text),
    row_class: crate::list::plain_row,
    file_name: "timeline",
    file_path: "",
    file_columns: "time kind what",
};
