//! Values of rows, exact: what lists are ordered by and what files tell.

use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId};
use serde::Serialize;

use super::SortKey;
use crate::visible::show_unseen;

/// What a column knows of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ColumnValue {
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

/// Shares are ordered to the billionth.
const SHARE: f64 = 1e9;

impl ColumnValue {
    /// What to order by; texts without regard to capital letters.
    pub(crate) fn sort_key(self) -> Option<SortKey> {
        Some(match self {
            Self::Unknown => return None,
            Self::Count(count) => count.into(),
            Self::Number(number) => SortKey::Number(number),
            Self::Share(share) => SortKey::Number((share * SHARE) as i64),
            Self::Time(at) => SortKey::Number(at.as_microsecond()),
            Self::Text(text) => SortKey::ignoring_case(&text),
        })
    }

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

/// What makes a formula of what follows: also in the wide forms that East Asian keyboards type.
const BEGINS_FORMULA: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'];

/// A text that no spreadsheet takes for a formula, and that hides nothing.
#[must_use]
pub fn inert(text: &str) -> String {
    let mark = if text.starts_with(BEGINS_FORMULA) { "'" } else { "" };
    format!("{mark}{}", show_unseen(text))
}

macro_rules! column_values {
    ($($from:ty: $value:ident => $to:expr;)*) => {$(
        impl From<$from> for ColumnValue {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )*};
}

column_values! {
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

impl<T: Into<Self>> From<Option<T>> for ColumnValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
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
            ("\n=1", "'\n=1"),
            ("＝cmd", "'＝cmd"),
            ("\u{200B}=1", "⟨U+200B⟩=1"),
            ("evil\u{202E}exe.fdp", "evil⟨U+202E⟩exe.fdp"),
            ("FS-02", "FS-02"),
        ] {
            assert_eq!(ColumnValue::from(name).inert(), ColumnValue::from(cell));
        }
        assert_eq!(
            ColumnValue::from(-1_i64).inert(),
            ColumnValue::Number(-1),
            "a number stays one"
        );
    }
}
