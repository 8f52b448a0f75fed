//! Filter, order and page of the tags table, as its address holds them.

use poolwatch_model::Pool;
use serde::{Deserialize, Serialize};

use crate::{
    links::Address,
    table::{Order, Sort, TableQuery, by, most},
};

/// What `/tags`, `/tags.csv` and `/tags.json` take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagsQuery {
    /// Part of a tag, of its meaning or of its owner.
    pub q: String,
    /// Only hosts of this group; empty for all.
    pub group: String,
    /// Only this pool.
    pub pool: PoolChoice,
    /// Only tags that are known, or not.
    pub known: KnownChoice,
    /// What to order by.
    pub sort: TagSort,
    /// Which way.
    pub order: Order,
    /// Page, counted from 1.
    pub page: u32,
}

impl Default for TagsQuery {
    fn default() -> Self {
        Self {
            q: String::new(),
            group: String::new(),
            pool: PoolChoice::Both,
            known: KnownChoice::All,
            sort: Self::FIRST.0,
            order: Self::FIRST.1,
            page: 1,
        }
    }
}

/// Which pools to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolChoice {
    /// Both.
    #[default]
    #[serde(alias = "")]
    Both,
    /// Nonpaged pool.
    Nonpaged,
    /// Paged pool.
    Paged,
}

impl PoolChoice {
    pub(crate) const ALL: [Self; 3] = [Self::Both, Self::Nonpaged, Self::Paged];

    /// Whether a pool is shown.
    #[must_use]
    pub fn shows(self, pool: Pool) -> bool {
        self.pool().is_none_or(|chosen| chosen == pool)
    }

    /// The one pool that is shown.
    #[must_use]
    pub const fn pool(self) -> Option<Pool> {
        match self {
            Self::Both => None,
            Self::Nonpaged => Some(Pool::Nonpaged),
            Self::Paged => Some(Pool::Paged),
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "",
            Self::Nonpaged => "nonpaged",
            Self::Paged => "paged",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Both => "both pools",
            Self::Nonpaged => "nonpaged",
            Self::Paged => "paged",
        }
    }
}

/// Which tags to show, by whether it is known what they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KnownChoice {
    /// All.
    #[default]
    #[serde(alias = "")]
    All,
    /// Those of which it is known.
    Known,
    /// Those of which it is not.
    Unknown,
}

impl KnownChoice {
    pub(crate) const ALL: [Self; 3] = [Self::All, Self::Known, Self::Unknown];

    /// Whether a tag is shown.
    #[must_use]
    pub fn shows(self, is_known: bool) -> bool {
        match self {
            Self::All => true,
            Self::Known => is_known,
            Self::Unknown => !is_known,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Known => "known",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::All => "known or not",
            Self::Known => "known tags",
            Self::Unknown => "unknown tags",
        }
    }
}

/// What tags are ordered by. Unknown values come last, whichever way; of equal ones the largest
/// sum comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagSort {
    /// The tag.
    Tag,
    /// Hosts on which it grows.
    Grows,
    /// Growth in 24 h.
    Growth,
    /// Hosts that use it.
    Hosts,
    /// Bytes, all hosts together.
    Sum,
    /// The median of hosts.
    Median,
    /// The 95th percentile of hosts.
    P95,
    /// Bytes of the host that uses most.
    Worst,
    /// Whose it is.
    Owner,
}

impl Sort for TagSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Grows => "grows",
            Self::Growth => "growth",
            Self::Hosts => "hosts",
            Self::Sum => "sum",
            Self::Median => "median",
            Self::P95 => "p95",
            Self::Worst => "worst",
            Self::Owner => "owner",
        }
    }

    fn first_order(self) -> Order {
        match self {
            Self::Tag | Self::Owner => Order::Asc,
            _ => Order::Desc,
        }
    }

    fn in_words(self, order: Order) -> String {
        let what = match self {
            Self::Tag => return by("tag", order),
            Self::Owner => return by("owner", order),
            Self::Grows => "hosts with growth",
            Self::Growth => "growth",
            Self::Hosts => "hosts",
            Self::Sum => "bytes",
            Self::Median => "bytes on half of the hosts",
            Self::P95 => "bytes on 95 % of the hosts",
            Self::Worst => "bytes on one host",
        };
        most(what, order)
    }
}

impl TableQuery for TagsQuery {
    type Sort = TagSort;

    const FIRST: (TagSort, Order) = (TagSort::Grows, Order::Desc);

    fn path(&self) -> String {
        "/tags".to_owned()
    }

    fn ordering(&self) -> (TagSort, Order) {
        (self.sort, self.order)
    }

    fn page(&self) -> u32 {
        self.page
    }

    fn ordered(&self, sort: TagSort, order: Order) -> Self {
        Self { sort, order, page: 1, ..self.clone() }
    }

    fn filters(&self, address: Address) -> Address {
        address
            .with("q", &self.q)
            .with("group", &self.group)
            .with("pool", self.pool.as_str())
            .with("known", self.known.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_an_address() {
        let query = TagsQuery {
            q: "\"<b>".into(),
            pool: PoolChoice::Paged,
            known: KnownChoice::Unknown,
            page: 2,
            ..TagsQuery::default()
        };
        assert_eq!(query.url(), "/tags?q=%22%3Cb%3E&pool=paged&known=unknown&page=2");
        assert_eq!(query.export("csv"), "/tags.csv?q=%22%3Cb%3E&pool=paged&known=unknown");
        assert_eq!(TagsQuery::default().sorted(&TagSort::Sum), "/tags?sort=sum&order=desc");
        assert!(query.is_filtered() && !TagsQuery::default().is_filtered());
    }

    #[test]
    fn values_in_addresses_are_those_that_parse() {
        for pool in PoolChoice::ALL {
            let read: PoolChoice = serde_json::from_value(pool.as_str().into()).unwrap();
            assert_eq!(read, pool);
        }
        for known in KnownChoice::ALL {
            let read: KnownChoice = serde_json::from_value(known.as_str().into()).unwrap();
            assert_eq!(read, known);
        }
        for column in crate::tags::COLUMNS {
            let Some(sort) = column.sort else { continue };
            assert_eq!(serde_json::to_value(sort).unwrap(), sort.as_str());
        }
    }
}
