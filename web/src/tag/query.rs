//! Pool, order and page of a tag's hosts, as the address holds them.

use poolwatch_model::{Pool, PoolTag};
use serde::{Deserialize, Serialize};

use crate::{
    links::{self, Address},
    table::{Order, Sort, TableQuery, by, most},
    tags::PoolChoice,
};

/// What `/tags/{tag}`, `/tags/{tag}/hosts.csv` and `.json` take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TagQuery {
    /// Which pool's hosts to show; without one that in which the tag uses more.
    pub pool: PoolChoice,
    /// What to order by.
    pub sort: TagHostSort,
    /// Which way.
    pub order: Order,
    /// Page, counted from 1.
    pub page: u32,
}

impl Default for TagQuery {
    fn default() -> Self {
        let (sort, order) = TagHosts::FIRST;
        Self { pool: PoolChoice::Both, sort, order, page: 1 }
    }
}

/// The hosts of a tag, as they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagHosts {
    /// The tag.
    pub tag: PoolTag,
    /// Pool, order and page.
    pub query: TagQuery,
}

/// What a tag's hosts are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagHostSort {
    /// Name of the host.
    Host,
    /// Group of the host.
    Group,
    /// Bytes.
    Bytes,
    /// Share of the host's pool.
    Share,
    /// Outstanding allocations.
    Outstanding,
    /// Growth in an hour.
    Hour,
    /// Growth in 24 h.
    Day,
    /// Growth in seven days.
    Week,
}

impl Sort for TagHostSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Group => "group",
            Self::Bytes => "bytes",
            Self::Share => "share",
            Self::Outstanding => "outstanding",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    fn first_order(self) -> Order {
        match self {
            Self::Host | Self::Group => Order::Asc,
            _ => Order::Desc,
        }
    }

    fn in_words(self, order: Order) -> String {
        let what = match self {
            Self::Host => return by("name", order),
            Self::Group => return by("group", order),
            Self::Bytes => "bytes",
            Self::Share => "share of the pool",
            Self::Outstanding => "outstanding allocations",
            Self::Hour => "growth in an hour",
            Self::Day => "growth in 24 h",
            Self::Week => "growth in seven days",
        };
        most(what, order)
    }
}

impl TableQuery for TagHosts {
    type Sort = TagHostSort;

    const FIRST: (TagHostSort, Order) = (TagHostSort::Bytes, Order::Desc);

    fn path(&self) -> String {
        links::tag(&self.tag)
    }

    fn ordering(&self) -> (TagHostSort, Order) {
        (self.query.sort, self.query.order)
    }

    fn page(&self) -> u32 {
        self.query.page
    }

    fn ordered(&self, sort: TagHostSort, order: Order) -> Self {
        Self { query: TagQuery { sort, order, page: 1, ..self.query.clone() }, ..self.clone() }
    }

    fn filters(&self, address: Address) -> Address {
        address.with("pool", self.query.pool.as_str())
    }

    fn export(&self, format: &str) -> String {
        self.address(format!("{}/hosts.{format}", self.path()), 1)
    }
}

impl TagHosts {
    /// The address of the same tag's hosts by their use of a pool.
    pub(super) fn in_pool(&self, pool: Pool) -> String {
        let pool = match pool {
            Pool::Nonpaged => PoolChoice::Nonpaged,
            Pool::Paged => PoolChoice::Paged,
        };
        Self { query: TagQuery { pool, page: 1, ..self.query.clone() }, ..self.clone() }.url()
    }
}
