//! Rows of a list as files tell them: exact numbers, times in ISO 8601.

use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId};
use serde::{Serialize, Serializer};

use super::{Column, List};

/// A value in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum FileValue {
    /// What is not known.
    Unknown,
    /// A count or an amount of bytes.
    Count(u64),
    /// A change, or a number that a program gave.
    Number(i64),
    /// A share of one.
    Share(f64),
    /// A time.
    Time(Timestamp),
    /// A text.
    Text(String),
}

impl FileValue {
    /// The same for spreadsheets. Hosts choose names of themselves, of programs and of drivers: one
    /// that begins as a formula is shown as text.
    #[must_use]
    pub fn inert(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(inert(&text)),
            other => other,
        }
    }
}

/// A text that no spreadsheet takes for a formula.
#[must_use]
pub fn inert(text: &str) -> String {
    let mark = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("{mark}{text}")
}

macro_rules! file_values {
    ($($from:ty: $value:ident => $to:expr;)*) => {$(
        impl From<$from> for FileValue {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )*};
}

file_values! {
    u64: count => Self::Count(count);
    u32: count => Self::Count(count.into());
    i64: number => Self::Number(number);
    f64: share => Self::Share(share);
    Bytes: bytes => Self::Count(bytes.0);
    HostId: id => Self::Number(id.0.into());
    Timestamp: at => Self::Time(at);
    String: text => Self::Text(text);
    &str: text => Self::Text(text.to_owned());
}

impl<T: Into<Self>> From<Option<T>> for FileValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

/// A row as an object: names and values in the order of the file.
pub struct FileRow<'a, R: 'static>(&'a [&'static Column<R>], R);

impl<R> Serialize for FileRow<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(columns, row) = self;
        serializer.collect_map(columns.iter().map(|one| (one.file, one.file_value_of(row))))
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
        let named = |name: &&str| {
            let column = self.columns.iter().find(|column| column.file == Some(name));
            column.expect("every name in a file stands for a column")
        };
        FileColumns(self.file_columns.iter().map(named).collect())
    }
}

impl<R> FileColumns<R> {
    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|column| column.file)
    }

    /// A row's values.
    pub fn values(&self, row: &R) -> impl Iterator<Item = FileValue> {
        self.0.iter().map(|column| column.file_value_of(row))
    }

    /// A row as an object.
    #[must_use]
    pub fn object(&self, row: R) -> FileRow<'_, R> {
        FileRow(&self.0, row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_formula() {
        for (name, cell) in [
            ("=HYPERLINK(\"http://evil\")", "'=HYPERLINK(\"http://evil\")"),
            ("@cmd", "'@cmd"),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("FS-02", "FS-02"),
        ] {
            assert_eq!(FileValue::from(name).inert(), FileValue::from(cell));
        }
        assert_eq!(FileValue::from(-1_i64).inert(), FileValue::Number(-1), "a number stays one");
    }
}
