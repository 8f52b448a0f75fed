//! A column: its head, what it shows of a row, how it sorts, and what it is in a file.

use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId};

use super::{Cell, ColumnValue, Order, SortKey};
use crate::{figures, level::PoolLevel, mark::IncidentMark};

/// A column of a list of `R`.
pub struct Column<R> {
    /// Its text; empty when it is in files alone.
    pub(super) head: &'static str,
    /// What it means, where the text does not say so.
    pub(super) title: &'static str,
    /// Class of its head and its cells.
    pub(super) class: &'static str,
    /// Whether its cells name the rows.
    pub(super) names_row: bool,
    /// How the list is ordered by it.
    pub(super) sort: Option<ColumnSort<R>>,
    /// Its name in files.
    pub(super) file: Option<&'static str>,
    /// What stands in its cells where nothing is known; a dash if empty.
    or_else: &'static str,
    shows: Shows<R>,
}

/// What a column shows of a row.
enum Shows<R> {
    Text(fn(&R) -> Option<&str>),
    Count(fn(&R) -> Option<u64>),
    CountChange(fn(&R) -> Option<i64>),
    Size(fn(&R) -> Option<Bytes>),
    SizeChange(fn(&R) -> Option<i64>),
    Share(fn(&R) -> Option<f64>),
    Since(fn(&R) -> Option<Timestamp>),
    When(fn(&R) -> Option<Timestamp>),
    Level(fn(&R) -> Option<PoolLevel>),
    Cut(fn(&R) -> Option<String>),
    Incident(fn(&R) -> Option<IncidentMark>),
    Former(fn(&R) -> HostId, fn(&R) -> Option<Timestamp>),
    Page(PageName<R>),
    Cell(fn(&R) -> ColumnValue, fn(&R, Timestamp) -> Cell),
}

/// The name of a row, which leads to its page.
struct PageName<R> {
    /// In files and to order by.
    value: fn(&R) -> &str,
    /// In the table.
    text: fn(&R) -> &str,
    url: fn(&R) -> String,
    /// Adds what stands beside it.
    beside: fn(&R, Cell) -> Cell,
}

/// How a list is ordered by a column.
pub(super) struct ColumnSort<R> {
    /// Its value in an address.
    pub(super) key: &'static str,
    /// The order in words.
    pub(super) wording: SortWording,
    by: Option<fn(&R) -> Option<SortKey>>,
}

/// How an order is called. Names are wanted from A first, numbers from the largest.
#[derive(Debug, Clone, Copy)]
pub enum SortWording {
    /// `by name`.
    By(&'static str),
    /// `most handles first`.
    Most(&'static str),
    /// As it is called descending, which is wanted first, and ascending.
    Called(&'static str, &'static str),
}

impl SortWording {
    /// The way that is wanted first.
    pub(super) const fn first_order(self) -> Order {
        if matches!(self, Self::By(_)) { Order::Asc } else { Order::Desc }
    }

    /// What it is ordered by.
    const fn subject(self) -> &'static str {
        match self {
            Self::By(what) | Self::Most(what) | Self::Called(what, _) => what,
        }
    }

    /// The order in words.
    pub(super) fn in_words(self, order: Order) -> String {
        match (self, order) {
            (Self::By(what), Order::Asc) => format!("by {what}"),
            (Self::By(what), Order::Desc) => format!("by {what}, last first"),
            (Self::Most(what), Order::Desc) => format!("most {what} first"),
            (Self::Most(what), Order::Asc) => format!("least {what} first"),
            (Self::Called(text, _), Order::Desc) | (Self::Called(_, text), Order::Asc) => {
                text.to_owned()
            }
        }
    }
}

impl<R> Column<R> {
    const fn new(head: &'static str, class: &'static str, shows: Shows<R>) -> Self {
        Self {
            head,
            title: "",
            class,
            names_row: false,
            sort: None,
            file: None,
            or_else: "",
            shows,
        }
    }

    /// Texts.
    pub(crate) const fn text(head: &'static str, value: fn(&R) -> Option<&str>) -> Self {
        Self::new(head, "", Shows::Text(value))
    }

    /// Counts.
    pub(crate) const fn count(head: &'static str, value: fn(&R) -> Option<u64>) -> Self {
        Self::new(head, "num", Shows::Count(value))
    }

    /// By how much counts changed.
    pub(crate) const fn count_change(head: &'static str, value: fn(&R) -> Option<i64>) -> Self {
        Self::new(head, "num", Shows::CountChange(value))
    }

    /// Amounts of memory.
    pub(crate) const fn size(head: &'static str, value: fn(&R) -> Option<Bytes>) -> Self {
        Self::new(head, "num", Shows::Size(value))
    }

    /// By how many bytes something changed.
    pub(crate) const fn size_change(head: &'static str, value: fn(&R) -> Option<i64>) -> Self {
        Self::new(head, "num", Shows::SizeChange(value))
    }

    /// Shares of one.
    pub(crate) const fn share(head: &'static str, value: fn(&R) -> Option<f64>) -> Self {
        Self::new(head, "num", Shows::Share(value))
    }

    /// How long something has lasted; the longest is the largest.
    pub(crate) const fn since(head: &'static str, value: fn(&R) -> Option<Timestamp>) -> Self {
        Self::new(head, "num", Shows::Since(value))
    }

    /// When something happened.
    pub(crate) const fn when(head: &'static str, value: fn(&R) -> Option<Timestamp>) -> Self {
        Self::new(head, "time", Shows::When(value))
    }

    /// How full a pool is, as a bar and a share.
    pub(crate) const fn level(head: &'static str, value: fn(&R) -> Option<PoolLevel>) -> Self {
        Self::new(head, "", Shows::Level(value))
    }

    /// Texts that are cut where they do not fit, and whole when the pointer rests on them.
    pub(crate) const fn cut(head: &'static str, value: fn(&R) -> Option<String>) -> Self {
        Self::new(head, "", Shows::Cut(value))
    }

    /// What tags stand for.
    pub(crate) const fn tag_meaning(value: fn(&R) -> Option<String>) -> Self {
        Self { or_else: "not known", ..Self::cut("Meaning", value).file("meaning") }
    }

    /// The names of the rows, each the way to its page; orders and files know it by `key`.
    pub(crate) const fn page(
        head: &'static str,
        key: &'static str,
        name: fn(&R) -> &str,
        url: fn(&R) -> String,
    ) -> Self {
        let beside: fn(&R, Cell) -> Cell = |_, cell| cell;
        let shows = Shows::Page(PageName { value: name, text: name, url, beside });
        let named = Self { names_row: true, ..Self::new(head, "", shows) };
        named.sort(key, SortWording::By("name")).file(key)
    }

    /// The same with something beside the name.
    pub(crate) const fn beside(mut self, add: fn(&R, Cell) -> Cell) -> Self {
        if let Shows::Page(name) = &mut self.shows {
            name.beside = add;
        }
        self
    }

    /// Hosts by their short names, known to orders and files by their names in full.
    pub(crate) const fn host(
        full_name: fn(&R) -> &str,
        name: fn(&R) -> &str,
        url: fn(&R) -> String,
    ) -> Self {
        let mut column = Self::page("Host", "host", full_name, url);
        if let Shows::Page(page) = &mut column.shows {
            page.text = name;
        }
        column
    }

    /// The ways to hosts beside themselves as they were a day ago.
    pub(crate) const fn former_self(host: fn(&R) -> HostId) -> Self {
        Self::new("Compare", "opt", Shows::Former(host, |_| None))
    }

    /// The same, as they were at a time of the row.
    pub(crate) const fn former_self_at(
        host: fn(&R) -> HostId,
        at: fn(&R) -> Option<Timestamp>,
    ) -> Self {
        Self::new("Compare", "opt", Shows::Former(host, at))
    }

    /// Groups of hosts.
    pub(crate) const fn group(value: fn(&R) -> Option<&str>) -> Self {
        Self::text("Group", value).sort("group", SortWording::By("group")).file("group")
    }

    /// Anything else: the value, and the cell at a time that relative times are told from.
    pub(crate) const fn cell(
        head: &'static str,
        value: fn(&R) -> ColumnValue,
        cell: fn(&R, Timestamp) -> Cell,
    ) -> Self {
        Self::new(head, "", Shows::Cell(value, cell))
    }

    /// What is only looked at.
    pub(crate) const fn shown(head: &'static str, cell: fn(&R, Timestamp) -> Cell) -> Self {
        Self::cell(head, |_| ColumnValue::Unknown, cell)
    }

    /// What names the rows.
    pub(crate) const fn name(
        head: &'static str,
        value: fn(&R) -> ColumnValue,
        cell: fn(&R, Timestamp) -> Cell,
    ) -> Self {
        Self { names_row: true, ..Self::cell(head, value, cell) }
    }

    /// What only files tell.
    pub(crate) const fn in_files(name: &'static str, value: fn(&R) -> ColumnValue) -> Self {
        Self::cell("", value, |_, _| Cell::default()).file(name)
    }

    /// The open incident of what a row is about; in files alone without a head.
    pub(crate) const fn incident(head: &'static str, mark: fn(&R) -> Option<IncidentMark>) -> Self {
        Self::new(head, "", Shows::Incident(mark)).file("open_incident")
    }

    /// The same with an explanation.
    pub(crate) const fn meaning(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    /// The same with other classes.
    pub(crate) const fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    /// The same, to order by.
    pub(crate) const fn sort(mut self, key: &'static str, wording: SortWording) -> Self {
        self.sort = Some(ColumnSort { key, wording, by: None });
        self
    }

    /// The same, to order by something else than what it shows.
    pub(crate) const fn sort_by(
        mut self,
        key: &'static str,
        wording: SortWording,
        by: fn(&R) -> Option<SortKey>,
    ) -> Self {
        self.sort = Some(ColumnSort { key, wording, by: Some(by) });
        self
    }

    /// The same, in files under this name.
    pub(crate) const fn file(mut self, name: &'static str) -> Self {
        self.file = Some(name);
        self
    }

    /// What an address knows it by.
    pub(super) fn key(&self) -> &'static str {
        self.sort.as_ref().map(|sort| sort.key).or(self.file).unwrap_or(self.head)
    }

    /// Whether a table can show it, and an address knows it by this.
    pub(super) fn has_key(&self, key: &str) -> bool {
        !self.head.is_empty() && self.key() == key
    }

    /// What tells it from the other columns of its list: its head, or more where several have it.
    pub(super) fn label(&self, columns: &[Self]) -> String {
        if columns.iter().filter(|column| column.head == self.head).count() < 2 {
            return self.head.to_owned();
        }
        let told = match &self.sort {
            Some(sort) => sort.wording.subject(),
            None => self.title,
        };
        let mut letters = told.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    pub(super) fn cell_of(&self, row: &R, now: Timestamp) -> Cell {
        let figure = match self.shows {
            Shows::Text(text) => return text(row).map_or_else(Cell::unknown, Cell::text),
            Shows::Cell(_, cell) => return cell(row, now),
            Shows::Cut(text) => return self.cut_cell(text(row)),
            Shows::Level(level) => return level(row).map_or_else(Cell::default, Cell::level),
            Shows::Page(PageName { text, url, beside, .. }) => {
                return beside(row, Cell::default().row_link(url(row), text(row)));
            }
            Shows::Former(host, at) => return Cell::former_self(host(row), at(row)),
            Shows::Incident(mark) => return Cell::default().mark(mark(row)),
            Shows::When(at) => figures::when(at(row), &now),
            Shows::Count(count) => figures::count(count(row)),
            Shows::CountChange(change) => figures::count_change(change(row)),
            Shows::Size(size) => figures::size(size(row)),
            Shows::SizeChange(change) => figures::size_change(change(row)),
            Shows::Share(share) => figures::percent(share(row)),
            Shows::Since(at) => figures::since(at(row), &now),
        };
        Cell::figure(figure)
    }

    fn cut_cell(&self, text: Option<String>) -> Cell {
        match (text, self.or_else) {
            (Some(text), _) => Cell::cut(text),
            (None, "") => Cell::unknown(),
            (None, word) => Cell::default().dim(word).classed("cut"),
        }
    }

    pub(super) fn sort_key_of(&self, row: &R) -> Option<SortKey> {
        match (self.sort.as_ref().and_then(|sort| sort.by), &self.shows) {
            (Some(by), _) => by(row),
            (None, Shows::Since(at)) => at(row).map(|at| SortKey::Number(-at.as_microsecond())),
            (None, _) => self.value_of(row).sort_key(),
        }
    }

    pub(super) fn value_of(&self, row: &R) -> ColumnValue {
        match self.shows {
            Shows::Text(text) => text(row).into(),
            Shows::Count(count) => count(row).into(),
            Shows::Size(size) => size(row).into(),
            Shows::CountChange(change) | Shows::SizeChange(change) => change(row).into(),
            Shows::Share(share) => share(row).into(),
            Shows::Since(at) | Shows::When(at) => at(row).into(),
            Shows::Level(level) => level(row).and_then(|level| level.share()).into(),
            Shows::Cut(text) => text(row).into(),
            Shows::Former(..) => ColumnValue::Unknown,
            Shows::Incident(mark) => mark(row).map(|mark| mark.id.0).into(),
            Shows::Page(PageName { value, .. }) => value(row).into(),
            Shows::Cell(value, _) => value(row),
        }
    }
}
