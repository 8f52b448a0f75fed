//! Lists of the console: columns, filters and order as data. One definition gives a list its table,
//! an address for each view of it, and its files.

mod cell;
mod column;
mod export;
mod filter;
mod order;
mod query;
mod saved_view;
mod table;
mod value;

pub use cell::{Cell, Piece};
pub use column::{Column, SortWording};
pub use export::{FileColumns, FileRow};
pub(crate) use filter::choices;
pub use filter::{Choice, Filter, Parameter, ParameterValue};
pub use order::{Order, SortKey};
pub use query::{BadParameter, ListQuery};
pub use saved_view::SavedViewLink;
pub(crate) use table::ListTable;
pub use table::ListView;
pub use value::{ColumnValue, inert};

/// Rows per page.
pub const PER_PAGE: usize = 100;

/// A list of rows of one kind.
pub struct List<R: 'static> {
    /// What its rows are: `host`, `hosts`.
    pub(crate) nouns: [&'static str; 2],
    /// Class of its table.
    pub(crate) class: &'static str,
    /// Its columns, in the order of the page.
    pub(crate) columns: &'static [Column<R>],
    /// Key of the column that it is ordered by when it is first shown; empty when its rows come in
    /// an order of their own.
    pub(crate) first: &'static str,
    /// Decides between rows that are equal in what they are ordered by.
    pub(crate) tie: fn(&R) -> SortKey,
    /// Class of a row.
    pub(crate) row_class: fn(&R) -> &'static str,
    /// Name of its files, without their ending.
    pub(crate) file_name: &'static str,
    /// What the addresses of its files have behind that of its page, before their ending.
    pub(crate) file_path: &'static str,
    /// Names of the columns in its files, in their order, with spaces between.
    pub(crate) file_columns: &'static str,
}

impl<R> List<R> {
    /// The name of its files, without their ending.
    #[must_use]
    pub const fn file_name(&self) -> &'static str {
        self.file_name
    }
}

impl<R> std::fmt::Debug for List<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("List").field(&self.nouns[1]).finish()
    }
}

/// For lists whose rows all look alike.
pub(crate) const fn plain_row<R>(_: &R) -> &'static str {
    ""
}
