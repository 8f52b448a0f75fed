//! One view of a list: filter, order and page, as its address holds them.

use std::fmt;

use super::{Column, Filter, List, Order, PER_PAGE, column::ColumnSort};
use crate::links::Address;

/// What of a list is asked for.
#[derive(Debug, Clone)]
pub struct ListQuery<R: 'static, F> {
    /// Which rows.
    pub filter: F,
    list: &'static List<R>,
    path: String,
    sort: &'static str,
    order: Order,
    page: u32,
    /// Keys of the columns that were chosen; none for the usual ones.
    columns: Vec<&'static str>,
}

/// An order that can be chosen.
pub(crate) struct OrderChoice {
    /// Value of the parameter `sort`.
    pub(crate) key: &'static str,
    /// `most handles first`.
    pub(crate) words: String,
    pub(crate) is_chosen: bool,
}

/// An address asks for what a list does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadParameter {
    name: &'static str,
    allowed: Vec<&'static str>,
}

impl fmt::Display for BadParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, allowed } = self;
        match &allowed[..] {
            [] => write!(f, "The parameter {name} is a number, 1 for the first page."),
            all => write!(f, "The parameter {name} is one of: {}.", all.join(", ")),
        }
    }
}

impl std::error::Error for BadParameter {}

impl<R, F: Filter> ListQuery<R, F> {
    /// The list at an address as it is first shown, of the rows that `filter` means.
    pub fn new(list: &'static List<R>, path: impl Into<String>, filter: F) -> Self {
        let (sort, order) = (list.first, list.first_order());
        Self { filter, list, path: path.into(), sort, order, page: 1, columns: Vec::new() }
    }

    /// What the parameters of an address ask for. Those that the list does not know, columns that it
    /// does not have any more, and what has no value count for nothing.
    ///
    /// # Errors
    /// A value is none of those that its parameter can have.
    pub fn read(
        list: &'static List<R>,
        path: impl Into<String>,
        parameters: &[(String, String)],
    ) -> Result<Self, BadParameter> {
        let mut query = Self::new(list, path, F::default());
        let mut asked_order = None;
        for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
            match name.as_str() {
                "sort" => {
                    let found = list.sorts().find(|sort| sort.key == value);
                    let keys = || list.sorts().map(|sort| sort.key).collect();
                    let bad = || BadParameter { name: "sort", allowed: keys() };
                    let sort = found.ok_or_else(bad)?;
                    (query.sort, query.order) = (sort.key, sort.wording.first_order());
                }
                "order" => {
                    let mut orders = [Order::Asc, Order::Desc].into_iter();
                    let bad = || BadParameter { name: "order", allowed: vec!["asc", "desc"] };
                    let order = orders.find(|one| one.as_str() == value);
                    asked_order = Some(order.ok_or_else(bad)?);
                }
                "page" => {
                    let bad = |_| BadParameter { name: "page", allowed: vec![] };
                    query.page = value.parse::<u32>().map_err(bad)?.max(1);
                }
                "columns" => value.split('.').for_each(|key| query.choose_column(key)),
                name => query.set(name, value)?,
            }
        }
        query.order = asked_order.unwrap_or(query.order);
        Ok(query)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), BadParameter> {
        let mut parameters = self.filter.parameters();
        let Some(parameter) = parameters.iter_mut().find(|one| one.name == name) else {
            return Ok(());
        };
        if parameter.value.set(value) {
            return Ok(());
        }
        let allowed = parameter.value.choices().into_iter().map(|(value, _)| value).collect();
        Err(BadParameter { name: parameter.name, allowed })
    }

    fn choose_column(&mut self, key: &str) {
        let found = self.list.columns.iter().find(|column| column.has_key(key));
        if let Some(column) = found.filter(|column| !self.columns.contains(&column.key())) {
            self.columns.push(column.key());
        }
    }

    /// The same for other rows, from the first page on.
    #[must_use]
    pub fn with(&self, filter: F) -> Self
    where
        Self: Clone,
    {
        Self { filter, page: 1, ..self.clone() }
    }

    /// The list.
    pub const fn list(&self) -> &'static List<R> {
        self.list
    }

    /// The address of the list without parameters.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its page, counted from 1.
    pub const fn page(&self) -> u32 {
        self.page
    }

    /// The address of this view.
    pub fn url(&self) -> String {
        self.to_page(self.page)
    }

    /// Whether its columns were chosen.
    pub const fn has_chosen_columns(&self) -> bool {
        !self.columns.is_empty()
    }

    /// The address of this view with the usual columns.
    pub fn with_usual_columns(&self) -> String {
        self.address(Address::new(&self.path), (self.sort, self.order), self.page).finish()
    }

    /// Whether a column is shown: it was chosen, names the rows, or nothing was chosen.
    pub(super) fn shows(&self, column: &Column<R>) -> bool {
        let is_chosen = || self.columns.contains(&column.key());
        column.names_row || self.columns.is_empty() || is_chosen()
    }

    /// Value of the parameter `columns`.
    pub(super) fn columns_value(&self) -> String {
        self.columns.join(".")
    }

    /// The address of another page of this view.
    pub fn to_page(&self, page: u32) -> String {
        self.table_address((self.sort, self.order), page)
    }

    /// The address of all rows of this view as a file.
    pub fn export(&self, format: &str) -> String {
        let path = format!("{}{}.{format}", self.path, self.list.file_path);
        let address = self.address(Address::new(path), (self.sort, self.order), 1);
        address.finish()
    }

    /// The address behind a column's head: orders by it, or turns its order round.
    pub(super) fn sorted_by(&self, sort: &ColumnSort<R>) -> String {
        let order = match sort.key == self.sort {
            true => self.order.turned(),
            false => sort.wording.first_order(),
        };
        self.table_address((sort.key, order), 1)
    }

    /// Value of `aria-sort` of a column's head.
    pub(super) fn aria_sort(&self, sort: &ColumnSort<R>) -> &'static str {
        match (sort.key == self.sort, self.order) {
            (false, _) => "none",
            (true, Order::Asc) => "ascending",
            (true, Order::Desc) => "descending",
        }
    }

    /// The order in words; empty where rows have an order of their own.
    pub fn in_words(&self) -> String {
        let sort = self.column().and_then(|column| column.sort.as_ref());
        sort.map_or_else(String::new, |sort| sort.wording.in_words(self.order))
    }

    /// The orders to choose from.
    pub(crate) fn orders(&self) -> Vec<OrderChoice> {
        let choice = |sort: &ColumnSort<R>| OrderChoice {
            key: sort.key,
            words: sort.wording.in_words(sort.wording.first_order()),
            is_chosen: sort.key == self.sort,
        };
        self.list.sorts().map(choice).collect()
    }

    /// Values of the parameters `sort` and `order`.
    pub fn ordering_values(&self) -> (&'static str, &'static str) {
        (self.sort, self.order.as_str())
    }

    /// Whether rows are left out.
    pub fn is_filtered(&self) -> bool {
        self.filter.is_narrowed()
    }

    /// How many rows come before this page.
    pub const fn skipped(&self) -> usize {
        (self.page as usize - 1).saturating_mul(PER_PAGE)
    }

    /// The rows of this page, of all that were found.
    pub fn rows_of_page<'a, T>(&self, found: &'a [T]) -> impl Iterator<Item = &'a T> {
        found.iter().skip(self.skipped()).take(PER_PAGE)
    }

    /// Sorts what was found as this view wants it; `row` makes a row of it.
    pub fn sort<T>(&self, found: &mut [T], row: impl Fn(&T) -> R) {
        if let Some(column) = self.column() {
            found.sort_by_cached_key(|one| self.sort_key(column, &row(one)));
        }
    }

    /// Sorts rows as this view wants them.
    pub fn sort_rows(&self, rows: &mut [R]) {
        if let Some(column) = self.column() {
            rows.sort_by_cached_key(|row| self.sort_key(column, row));
        }
    }

    fn sort_key(&self, column: &Column<R>, row: &R) -> impl Ord + use<R, F> {
        (self.order.key(column.sort_key_of(row)), (self.list.tie)(row))
    }

    fn column(&self) -> Option<&'static Column<R>> {
        let is_it = |sort: &ColumnSort<R>| sort.key == self.sort;
        self.list.columns.iter().find(|column| column.sort.as_ref().is_some_and(is_it))
    }

    fn table_address(&self, ordering: (&'static str, Order), page: u32) -> String {
        let address = self.address(Address::new(&self.path), ordering, page);
        address.with("columns", &self.columns_value()).finish()
    }

    /// The address with all parameters that differ from the list as it is first shown; files have
    /// all columns.
    fn address(&self, address: Address, ordering: (&'static str, Order), page: u32) -> Address {
        let (sort, order) = ordering;
        let is_first = ordering == (self.list.first, self.list.first_order());
        let mut filter = self.filter.clone();
        let parameters = filter.parameters();
        let filtered = parameters
            .iter()
            .fold(address, |address, one| address.with(one.name, one.value.in_address()));
        filtered
            .with("sort", if is_first { "" } else { sort })
            .with("order", if is_first { "" } else { order.as_str() })
            .with("page", &if page > 1 { page.to_string() } else { String::new() })
    }
}

impl<R> List<R> {
    fn sorts(&self) -> impl Iterator<Item = &'static ColumnSort<R>> {
        self.columns.iter().filter_map(|column| column.sort.as_ref())
    }

    fn first_order(&self) -> Order {
        let first = self.sorts().find(|sort| sort.key == self.first);
        first.map_or(Order::Desc, |sort| sort.wording.first_order())
    }
}
