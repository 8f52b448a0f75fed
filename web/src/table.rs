//! Tables whose filter, order and page are an address: what the lists of the console share.

use serde::{Deserialize, Serialize};

use crate::links::Address;

/// Rows per page.
pub const PER_PAGE: u32 = 100;

/// Which way a table is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

impl Order {
    /// Its value in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// What the rows of a table can be ordered by.
pub trait Sort: Copy + PartialEq {
    /// Its value in an address.
    fn as_str(self) -> &'static str;

    /// The way that is wanted first: names from A, numbers from the largest.
    fn first_order(self) -> Order;

    /// The order in words: `most handles first`.
    fn in_words(self, order: Order) -> String;
}

/// A column's head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<S> {
    /// What a click on it orders by.
    pub(crate) sort: Option<S>,
    /// Its text.
    pub(crate) head: &'static str,
    /// Its class.
    pub(crate) class: &'static str,
    /// What it means, where the text does not say so.
    pub(crate) title: &'static str,
}

impl<S> Column<S> {
    /// A column to order by.
    pub(crate) const fn by(sort: S, head: &'static str, class: &'static str) -> Self {
        Self { sort: Some(sort), head, class, title: "" }
    }

    /// A column that cannot be ordered by.
    pub(crate) const fn plain(head: &'static str, class: &'static str) -> Self {
        Self { sort: None, head, class, title: "" }
    }

    /// The same with an explanation.
    pub(crate) const fn meaning(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }
}

/// Filter, order and page of a table, as its address holds them.
pub trait TableQuery: Clone {
    /// What its rows can be ordered by.
    type Sort: Sort;

    /// How it is ordered when it is first shown.
    const FIRST: (Self::Sort, Order);

    /// The address of the table without parameters.
    fn path(&self) -> String;

    /// What it is ordered by, and which way.
    fn ordering(&self) -> (Self::Sort, Order);

    /// Its page as asked for, counted from 1.
    fn page(&self) -> u32;

    /// The same rows in another order, from the first page on.
    #[must_use]
    fn ordered(&self, sort: Self::Sort, order: Order) -> Self;

    /// Adds the parameters that choose rows.
    fn filters(&self, address: Address) -> Address;

    /// The address of this view.
    fn url(&self) -> String {
        self.to_page(self.page())
    }

    /// The address of another page of this view.
    fn to_page(&self, page: u32) -> String {
        self.address(self.path(), page)
    }

    /// The address of all rows of this view as a file.
    fn export(&self, format: &str) -> String {
        self.address(format!("{}.{format}", self.path()), 1)
    }

    /// The address behind a column's head: orders by it, or turns its order round.
    fn sorted(&self, sort: &Self::Sort) -> String {
        let (now, order) = self.ordering();
        let order = match (now == *sort, order) {
            (false, _) => sort.first_order(),
            (true, Order::Asc) => Order::Desc,
            (true, Order::Desc) => Order::Asc,
        };
        self.ordered(*sort, order).to_page(1)
    }

    /// Value of `aria-sort` of a column's head.
    fn aria(&self, sort: &Self::Sort) -> &'static str {
        let (now, order) = self.ordering();
        match (now == *sort, order) {
            (false, _) => "none",
            (true, Order::Asc) => "ascending",
            (true, Order::Desc) => "descending",
        }
    }

    /// The order in words.
    fn in_words(&self) -> String {
        let (sort, order) = self.ordering();
        sort.in_words(order)
    }

    /// Values of the parameters `sort` and `order`.
    fn ordering_values(&self) -> (&'static str, &'static str) {
        let (sort, order) = self.ordering();
        (sort.as_str(), order.as_str())
    }

    /// Whether rows are left out.
    fn is_filtered(&self) -> bool {
        let plain = self.path();
        self.filters(Address::new(plain.as_str())).finish() != plain
    }

    /// How many rows come before this page.
    fn skipped(&self) -> usize {
        (self.page().max(1) - 1) as usize * PER_PAGE as usize
    }

    /// First and last row of this page, counted from 1.
    fn range(&self, rows: usize) -> (u64, u64) {
        let first = self.skipped() as u64;
        (first + 1, first + rows as u64)
    }

    /// The address with all parameters that differ from the table as it is first shown.
    fn address(&self, path: String, page: u32) -> String {
        let (sort, order) = self.ordering();
        let ordered = self.ordering() == Self::FIRST;
        let unless = |is_standard: bool, text: &'static str| if is_standard { "" } else { text };
        self.filters(Address::new(path))
            .with("sort", unless(ordered, sort.as_str()))
            .with("order", unless(ordered, order.as_str()))
            .with("page", &if page > 1 { page.to_string() } else { String::new() })
            .finish()
    }
}

/// How many pages some rows take.
pub(crate) fn pages(rows: &u64) -> u32 {
    u32::try_from(rows.div_ceil(u64::from(PER_PAGE))).unwrap_or(u32::MAX).max(1)
}

/// `by name`, or `by name, last first`.
pub(crate) fn by(what: &str, order: Order) -> String {
    match order {
        Order::Asc => format!("by {what}"),
        Order::Desc => format!("by {what}, last first"),
    }
}

/// `most handles first`, or `least handles first`.
pub(crate) fn most(what: &str, order: Order) -> String {
    match order {
        Order::Desc => format!("most {what} first"),
        Order::Asc => format!("least {what} first"),
    }
}
