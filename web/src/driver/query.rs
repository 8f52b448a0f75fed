//! Order and page of a driver's hosts, as the address holds them.

use serde::{Deserialize, Serialize};

use crate::{
    links::{self, Address},
    table::{Order, Sort, TableQuery, by},
};

/// What `/drivers/{name}` and its files take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DriverQuery {
    /// Only hosts with this version; empty for all.
    pub version: String,
    /// What to order by.
    pub sort: DriverHostSort,
    /// Which way.
    pub order: Order,
    /// Page, counted from 1.
    pub page: u32,
}

impl Default for DriverQuery {
    fn default() -> Self {
        let (sort, order) = DriverHosts::FIRST;
        Self { version: String::new(), sort, order, page: 1 }
    }
}

/// The hosts of a driver, as they are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriverHosts {
    /// File name.
    pub name: String,
    /// Version, order and page.
    pub query: DriverQuery,
}

/// What a driver's hosts are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverHostSort {
    /// Name of the host.
    Host,
    /// Group of the host.
    Group,
    /// Version of the driver.
    Version,
    /// Whether an open incident of the host suspects it.
    Affected,
}

impl Sort for DriverHostSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Group => "group",
            Self::Version => "version",
            Self::Affected => "affected",
        }
    }

    fn first_order(self) -> Order {
        if self == Self::Affected { Order::Desc } else { Order::Asc }
    }

    fn in_words(self, order: Order) -> String {
        match (self, order) {
            (Self::Host, _) => by("name", order),
            (Self::Group, _) => by("group", order),
            (Self::Version, _) => by("version", order),
            (Self::Affected, Order::Desc) => "affected ones first".to_owned(),
            (Self::Affected, Order::Asc) => "affected ones last".to_owned(),
        }
    }
}

impl TableQuery for DriverHosts {
    type Sort = DriverHostSort;

    const FIRST: (DriverHostSort, Order) = (DriverHostSort::Affected, Order::Desc);

    fn path(&self) -> String {
        links::driver(&self.name)
    }

    fn ordering(&self) -> (DriverHostSort, Order) {
        (self.query.sort, self.query.order)
    }

    fn page(&self) -> u32 {
        self.query.page
    }

    fn ordered(&self, sort: DriverHostSort, order: Order) -> Self {
        Self { query: DriverQuery { sort, order, page: 1, ..self.query.clone() }, ..self.clone() }
    }

    fn filters(&self, address: Address) -> Address {
        address.with("version", &self.query.version)
    }

    fn export(&self, format: &str) -> String {
        self.address(format!("{}/hosts.{format}", self.path()), 1)
    }
}

impl DriverHosts {
    /// The address of the hosts with one version.
    pub(super) fn of_version(&self, version: &str) -> String {
        let query = DriverQuery { version: version.to_owned(), page: 1, ..self.query.clone() };
        Self { query, ..self.clone() }.url()
    }
}
