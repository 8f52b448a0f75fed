//! Filter, order and page of the programs table, as its address holds them.

use serde::{Deserialize, Serialize};

use crate::{
    links::Address,
    table::{Order, Sort, TableQuery, by, most},
};

/// What `/applications`, `/applications.csv` and `/applications.json` take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationsQuery {
    /// Part of an image's name or of a service.
    pub q: String,
    /// What to order by.
    pub sort: ApplicationSort,
    /// Which way.
    pub order: Order,
    /// Page, counted from 1.
    pub page: u32,
}

impl Default for ApplicationsQuery {
    fn default() -> Self {
        let (sort, order) = Self::FIRST;
        Self { q: String::new(), sort, order, page: 1 }
    }
}

/// What programs are ordered by. Unknown values come last, whichever way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationSort {
    /// Image name.
    Image,
    /// Hosts that run it.
    Hosts,
    /// Processes.
    Processes,
    /// Handles of the process that has most.
    Most,
    /// Handles, all together.
    Handles,
    /// Growth of the handles in 24 h.
    Growth,
    /// Threads, all together.
    Threads,
}

impl Sort for ApplicationSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Hosts => "hosts",
            Self::Processes => "processes",
            Self::Most => "most",
            Self::Handles => "handles",
            Self::Growth => "growth",
            Self::Threads => "threads",
        }
    }

    fn first_order(self) -> Order {
        if self == Self::Image { Order::Asc } else { Order::Desc }
    }

    fn in_words(self, order: Order) -> String {
        let what = match self {
            Self::Image => return by("name", order),
            Self::Hosts => "hosts",
            Self::Processes => "processes",
            Self::Most => "handles in one process",
            Self::Handles => "handles",
            Self::Growth => "growth of handles",
            Self::Threads => "threads",
        };
        most(what, order)
    }
}

impl TableQuery for ApplicationsQuery {
    type Sort = ApplicationSort;

    const FIRST: (ApplicationSort, Order) = (ApplicationSort::Most, Order::Desc);

    fn path(&self) -> String {
        "/applications".to_owned()
    }

    fn ordering(&self) -> (ApplicationSort, Order) {
        (self.sort, self.order)
    }

    fn page(&self) -> u32 {
        self.page
    }

    fn ordered(&self, sort: ApplicationSort, order: Order) -> Self {
        Self { sort, order, page: 1, ..self.clone() }
    }

    fn filters(&self, address: Address) -> Address {
        address.with("q", &self.q)
    }
}
