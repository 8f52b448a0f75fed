//! In which order the rows of a list come.

use std::cmp::Reverse;

/// Which way a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

    pub(super) const fn turned(self) -> Self {
        match self {
            Self::Asc => Self::Desc,
            Self::Desc => Self::Asc,
        }
    }

    /// What to sort by, so that what is not known comes last whichever way.
    pub(super) fn key(self, value: Option<SortKey>) -> impl Ord {
        let (ascending, descending) = match self {
            Self::Asc => (value, None),
            Self::Desc => (None, value),
        };
        let is_unknown = ascending.is_none() && descending.is_none();
        (is_unknown, ascending, Reverse(descending))
    }
}

/// What a row is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// One after the other.
    Several(Vec<Self>),
}

impl SortKey {
    /// A text without regard to capital letters.
    #[must_use]
    pub fn ignoring_case(text: &str) -> Self {
        Self::Text(text.to_lowercase())
    }
}

impl From<u64> for SortKey {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_comes_last_whichever_way() {
        for (order, sorted) in
            [(Order::Asc, [Some(1), Some(2), None]), (Order::Desc, [Some(2), Some(1), None])]
        {
            let mut values = [None, Some(1), Some(2)];
            values.sort_by_key(|value| order.key(value.map(SortKey::Number)));
            assert_eq!(values, sorted);
        }
    }
}
