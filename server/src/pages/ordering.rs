//! How rows of tables are ordered, and found by a text.

use std::cmp::{Ordering, Reverse};

use poolwatch_web::table::{Order, PER_PAGE, TableQuery};

/// The key to sort a column by: what is not known comes last, whichever way.
pub(super) fn key<K: Ord>(value: Option<K>, order: Order) -> Key<K> {
    match (value, order) {
        (None, _) => Key::Unknown,
        (Some(value), Order::Asc) => Key::Asc(value),
        (Some(value), Order::Desc) => Key::Desc(Reverse(value)),
    }
}

/// A value in the order that was asked for; one sort uses one of the first two.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<K> {
    Asc(K),
    Desc(Reverse<K>),
    Unknown,
}

/// A share with a total order.
pub(super) struct Share(pub(super) f64);

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Share {}

/// The rows of a query's page.
pub(super) fn page<'a, T>(rows: &'a [T], query: &impl TableQuery) -> impl Iterator<Item = &'a T> {
    rows.iter().skip(query.skipped()).take(PER_PAGE as usize)
}

/// Like `contains`, for a text in small letters, without making a copy of the whole.
pub(super) fn holds_ignoring_case(whole: &str, text: &str) -> bool {
    if !whole.is_ascii() {
        return whole.to_lowercase().contains(text);
    }
    let (whole, text) = (whole.as_bytes(), text.as_bytes());
    text.is_empty() || whole.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_without_regard_to_case() {
        for (whole, text, found) in [
            ("MyBadApp.exe", "badapp", true),
            ("a", "badapp", false),
            ("ÜBER.exe", "über", true),
            ("svchost.exe", "exe", true),
            ("", "", true),
        ] {
            assert_eq!(holds_ignoring_case(whole, text), found, "{whole}");
        }
    }

    #[test]
    fn what_is_not_known_comes_last_whichever_way() {
        for (order, sorted) in
            [(Order::Asc, [Some(1), Some(2), None]), (Order::Desc, [Some(2), Some(1), None])]
        {
            let mut values = [None, Some(1), Some(2)];
            values.sort_by_key(|value| key(*value, order));
            assert_eq!(values, sorted);
        }
    }
}
