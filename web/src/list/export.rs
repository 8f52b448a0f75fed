//! Rows of a list as files tell them: exact numbers, times in ISO 8601.

use serde::{Serialize, Serializer};

use super::{Column, ColumnValue, List};

/// A row as an object: names and values in the order of the file.
pub struct FileRow<'a, R: 'static>(&'a [&'static Column<R>], R);

impl<R> Serialize for FileRow<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(columns, row) = self;
        serializer.collect_map(columns.iter().map(|one| (one.file, one.value_of(row))))
    }
}

/// The columns of a list's files.
pub struct FileColumns<R: 'static>(Vec<&'static Column<R>>);

impl<R> List<R> {
    /// The columns of its files.
    ///
    /// # Panics
    /// When a name stands for no column, which a test of every list excludes.
    #[must_use]
    pub fn in_files(&self) -> FileColumns<R> {
        let named = |name: &str| {
            let column = self.columns.iter().find(|column| column.file == Some(name));
            column.expect("every name in a file stands for a column")
        };
        FileColumns(self.file_columns.split_whitespace().map(named).collect())
    }
}

impl<R> FileColumns<R> {
    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|column| column.file)
    }

    /// A row's values.
    pub fn values(&self, row: &R) -> impl Iterator<Item = ColumnValue> {
        self.0.iter().map(|column| column.value_of(row))
    }

    /// A row as an object.
    #[must_use]
    pub fn object(&self, row: R) -> FileRow<'_, R> {
        FileRow(&self.0, row)
    }
}
