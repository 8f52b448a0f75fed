//! The hosts that have most of something.

use poolwatch_model::HostId;

/// How many are kept.
pub const MOST: usize = 8;

/// The hosts that have most of something, those first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopK(Vec<(HostId, u64)>);

impl TopK {
    /// Counts a host that was not counted yet.
    pub fn offer(&mut self, host: HostId, value: u64) {
        if self.0.len() == MOST && self.0.last().is_some_and(|(_, least)| value <= *least) {
            return;
        }
        let place = self.0.partition_point(|(_, other)| *other >= value);
        self.0.truncate(MOST - 1);
        self.0.insert(place, (host, value));
    }

    /// What a further host has to exceed to be kept.
    #[must_use]
    pub fn floor(&self) -> u64 {
        self.0.get(MOST - 1).map_or(0, |(_, least)| *least)
    }

    /// The hosts, those with most first; of equal ones those counted first.
    #[must_use]
    pub fn list(&self) -> &[(HostId, u64)] {
        &self.0
    }

    /// The hosts, those with most first.
    #[must_use]
    pub fn into_list(self) -> Vec<(HostId, u64)> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_top_is_what_sorting_everything_gives(
            values in prop::collection::vec(0..20_u64, 0..40),
        ) {
            let mut top = TopK::default();
            let mut all: Vec<(HostId, u64)> = (0..).map(HostId).zip(values).collect();
            for (host, value) in &all {
                top.offer(*host, *value);
            }
            all.sort_by_key(|(_, value)| std::cmp::Reverse(*value));
            all.truncate(MOST);
            prop_assert_eq!(top.into_list(), all);
        }
    }
}
