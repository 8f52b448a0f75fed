//! Order and page of a program's hosts, as the address holds them.

use serde::{Deserialize, Serialize};

use crate::{
    links::{self, Address},
    table::{Order, Sort, TableQuery, by, most},
};

/// What `/applications/{image}` and its files take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationQuery {
    /// What to order by.
    pub sort: RunningSort,
    /// Which way.
    pub order: Order,
    /// Page, counted from 1.
    pub page: u32,
}

impl Default for ApplicationQuery {
    fn default() -> Self {
        let (sort, order) = ApplicationHosts::FIRST;
        Self { sort, order, page: 1 }
    }
}

/// The hosts of a program, as they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationHosts {
    /// Image name.
    pub image: String,
    /// Order and page.
    pub query: ApplicationQuery,
}

/// What a program's hosts are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunningSort {
    /// Name of the host.
    Host,
    /// Group of the host.
    Group,
    /// Handles of the process that has most.
    Most,
    /// Handles, all together.
    Handles,
    /// Threads, all together.
    Threads,
    /// Processes.
    Processes,
}

impl Sort for RunningSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Group => "group",
            Self::Most => "most",
            Self::Handles => "handles",
            Self::Threads => "threads",
            Self::Processes => "processes",
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
            Self::Most => "handles in one process",
            Self::Handles => "handles",
            Self::Threads => "threads",
            Self::Processes => "processes",
        };
        most(what, order)
    }
}

impl TableQuery for ApplicationHosts {
    type Sort = RunningSort;

    const FIRST: (RunningSort, Order) = (RunningSort::Most, Order::Desc);

    fn path(&self) -> String {
        links::application(&self.image)
    }

    fn ordering(&self) -> (RunningSort, Order) {
        (self.query.sort, self.query.order)
    }

    fn page(&self) -> u32 {
        self.query.page
    }

    fn ordered(&self, sort: RunningSort, order: Order) -> Self {
        Self { query: ApplicationQuery { sort, order, page: 1 }, ..self.clone() }
    }

    fn filters(&self, address: Address) -> Address {
        address
    }

    fn export(&self, format: &str) -> String {
        self.address(format!("{}/hosts.{format}", self.path()), 1)
    }
}
