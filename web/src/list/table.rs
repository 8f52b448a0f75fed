//! A list as a page shows it: a form that filters it, a table, and the way to its other pages.

use askama::{Template, filters::HtmlSafe};
use jiff::Timestamp;

use super::{Cell, Column, Filter, List, ListQuery, PER_PAGE, SavedViewLink};

/// One page of a list.
#[derive(Debug, Clone)]
pub struct ListView<R: 'static, F> {
    /// What was asked for.
    pub query: ListQuery<R, F>,
    /// Groups to choose from.
    pub groups: Vec<String>,
    /// Rows of the whole list.
    pub all: u64,
    /// Rows that match, on all pages.
    pub total: u64,
    /// The rows of this page.
    pub rows: Vec<R>,
    /// Views of it that who looks keeps; none for who can keep none.
    pub views: Option<Vec<SavedViewLink>>,
}

/// Classes by which a column gives way on narrow screens: not where it was chosen.
const GIVES_WAY: [&str; 3] = ["opt", "extra", "roomy"];

/// A table, ready to be written.
#[derive(Template)]
#[template(path = "parts/list_table.html")]
pub(crate) struct ListTable {
    class: &'static str,
    caption: String,
    heads: Vec<Head>,
    rows: Vec<TableRow>,
}

impl HtmlSafe for ListTable {}

struct Head {
    class: String,
    title: &'static str,
    text: &'static str,
    /// What a click on it leads to, and how it is sorted now.
    sort: Option<(String, &'static str)>,
}

struct TableRow {
    class: &'static str,
    cells: Vec<TableCell>,
}

struct TableCell {
    names_row: bool,
    class: String,
    cell: Cell,
}

/// A column that can be chosen.
pub(crate) struct ColumnChoice {
    pub(crate) key: &'static str,
    pub(crate) label: String,
    pub(crate) is_shown: bool,
}

/// A field of the form.
pub(crate) struct FormField {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) placeholder: &'static str,
    pub(crate) value: String,
    /// Values to choose from and what they are called; none for free text.
    pub(crate) choices: Vec<(String, String)>,
    /// Whether it is folded away.
    pub(crate) is_extra: bool,
}

impl<R, F: Filter> ListView<R, F> {
    /// A page of a query whose rows are `total` on all pages.
    pub fn new(query: ListQuery<R, F>, rows: Vec<R>, total: u64) -> Self {
        Self { query, groups: Vec::new(), all: total, total, rows, views: None }
    }

    /// The table, without a caption where a heading stands above it.
    pub(crate) fn table(&self, now: &Timestamp) -> ListTable {
        self.query.list().table(&self.rows, Some(&self.query), *now)
    }

    /// The fields of the form.
    pub(crate) fn form_fields(&self) -> Vec<FormField> {
        let mut filter = self.query.filter.clone();
        let parameters = filter.parameters();
        let shown = parameters.iter().filter(|one| !one.label.is_empty());
        shown
            .map(|one| FormField {
                name: one.name,
                label: one.label,
                placeholder: one.placeholder,
                is_extra: one.is_extra,
                value: one.value.chosen().to_owned(),
                choices: if one.is_group {
                    let groups = self.groups.iter().map(|group| (group.clone(), group.clone()));
                    [(String::new(), "all groups".to_owned())].into_iter().chain(groups).collect()
                } else {
                    let choices = one.value.choices().into_iter();
                    choices.map(|(value, label)| (value.to_owned(), label.to_owned())).collect()
                },
            })
            .collect()
    }

    /// The fields that are folded away; whether one of them is filled in.
    pub(crate) fn extra_fields(&self) -> Option<(Vec<FormField>, bool)> {
        let extra: Vec<FormField> =
            self.form_fields().into_iter().filter(|field| field.is_extra).collect();
        let is_filled = extra.iter().any(|field| !field.value.is_empty());
        (!extra.is_empty()).then_some((extra, is_filled))
    }

    /// Parameters without a field, which the form hands on: names and values.
    pub(crate) fn hidden_fields(&self) -> Vec<(&'static str, String)> {
        let mut filter = self.query.filter.clone();
        let parameters = filter.parameters();
        let hidden = parameters.iter().filter(|one| one.label.is_empty());
        hidden
            .map(|one| (one.name, one.value.in_address().to_owned()))
            .chain([("columns", self.query.columns_value())])
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }

    /// The address of this view, from its first page on.
    pub(crate) fn view_url(&self) -> String {
        self.query.to_page(1)
    }

    /// Whether it is a saved view that is shown.
    pub(crate) fn shows(&self, view: &SavedViewLink) -> bool {
        view.url == self.view_url()
    }

    /// The saved view that is shown.
    pub(crate) fn current_view(&self) -> Option<&SavedViewLink> {
        self.views.iter().flatten().find(|view| self.shows(view))
    }

    /// Names and values that a form hands on to keep the filter.
    pub(crate) fn form_values(&self) -> Vec<(&'static str, String)> {
        let mut filter = self.query.filter.clone();
        let parameters = filter.parameters();
        let values = parameters.iter().map(|one| (one.name, one.value.in_address().to_owned()));
        values.filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The columns to choose from.
    pub(crate) fn column_choices(&self) -> Vec<ColumnChoice> {
        let columns = self.query.list().columns;
        let shown = columns.iter().filter(|column| !column.head.is_empty() && !column.names_row);
        shown
            .map(|column| ColumnChoice {
                key: column.key(),
                label: column.label(columns),
                is_shown: self.query.shows(column),
            })
            .collect()
    }

    /// What its rows are: `host`, `hosts`.
    pub(crate) const fn nouns(&self) -> [&'static str; 2] {
        self.query.list().nouns
    }

    /// Whether its rows can be had as files.
    pub(crate) const fn has_files(&self) -> bool {
        !self.query.list().file_columns.is_empty()
    }

    /// First and last row of this page, counted from 1.
    pub(crate) fn range(&self) -> (u64, u64) {
        let first = self.query.skipped() as u64;
        (first + 1, first + self.rows.len() as u64)
    }

    /// How many pages its rows take.
    pub(crate) fn pages(&self) -> u32 {
        u32::try_from(self.total.div_ceil(PER_PAGE as u64)).unwrap_or(u32::MAX).max(1)
    }
}

impl<R> List<R> {
    /// Rows as a table. Its heads are links where it is asked for by a query.
    pub(crate) fn table<F: Filter>(
        &self,
        rows: &[R],
        query: Option<&ListQuery<R, F>>,
        now: Timestamp,
    ) -> ListTable {
        let is_shown = |column: &&Column<R>| {
            !column.head.is_empty() && query.is_none_or(|query| query.shows(column))
        };
        let columns = || self.columns.iter().filter(is_shown);
        let are_chosen = query.is_some_and(ListQuery::has_chosen_columns);
        let class = |column: &Column<R>| {
            let classes = column.class.split_whitespace();
            let kept: Vec<&str> =
                classes.filter(|class| !are_chosen || !GIVES_WAY.contains(class)).collect();
            kept.join(" ")
        };
        let head = |column: &Column<R>| Head {
            class: class(column),
            title: column.title,
            text: column.head,
            sort: query
                .zip(column.sort.as_ref())
                .map(|(query, sort)| (query.sorted_by(sort), query.aria_sort(sort))),
        };
        let cell = |column: &Column<R>, row: &R| {
            let cell = column.cell_of(row, now);
            let class = [&*class(column), &cell.class].join(" ").trim().to_owned();
            TableCell { names_row: column.names_row, class, cell }
        };
        ListTable {
            class: self.class,
            caption: query.map_or_else(String::new, |query| self.caption(&query.in_words())),
            heads: columns().map(head).collect(),
            rows: rows
                .iter()
                .map(|row| TableRow {
                    class: (self.row_class)(row),
                    cells: columns().map(|column| cell(column, row)).collect(),
                })
                .collect(),
        }
    }

    /// `Hosts, most handles first`.
    fn caption(&self, order: &str) -> String {
        let (first, rest) = self.nouns[1].split_at(1);
        let noun = format!("{}{rest}", first.to_uppercase());
        if order.is_empty() { noun } else { format!("{noun}, {order}") }
    }
}
