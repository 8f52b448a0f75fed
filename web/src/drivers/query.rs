//! Filter, order and page of the drivers table, as its address holds them.

use serde::{Deserialize, Serialize};

use crate::{
    links::Address,
    table::{Order, Sort, TableQuery, by, most},
};

/// What `/drivers`, `/drivers.csv` and `/drivers.json` take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DriversQuery {
    /// Part of a file name, of a company, a version or a tag.
    pub q: String,
    /// Which drivers to show.
    pub show: DriverChoice,
    /// What to order by.
    pub sort: DriverSort,
    /// Which way.
    pub order: Order,
    /// Page, counted from 1.
    pub page: u32,
}

impl Default for DriversQuery {
    fn default() -> Self {
        let (sort, order) = Self::FIRST;
        Self { q: String::new(), show: DriverChoice::All, sort, order, page: 1 }
    }
}

/// Which drivers to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriverChoice {
    /// All.
    #[default]
    #[serde(alias = "")]
    All,
    /// Suspects of open incidents.
    Suspected,
    /// Those that are new or changed in seven days.
    Changed,
}

impl DriverChoice {
    pub(crate) const ALL: [Self; 3] = [Self::All, Self::Suspected, Self::Changed];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::All => "",
            Self::Suspected => "suspected",
            Self::Changed => "changed",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::All => "all drivers",
            Self::Suspected => "suspected",
            Self::Changed => "changed in 7 days",
        }
    }
}

/// What drivers are ordered by. Unknown values come last, whichever way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverSort {
    /// File name.
    Name,
    /// Company.
    Company,
    /// Hosts that have it loaded.
    Hosts,
    /// Versions.
    Versions,
    /// Hosts of open incidents that suspect it.
    Affected,
    /// When it last changed on a host.
    Changed,
}

impl Sort for DriverSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Company => "company",
            Self::Hosts => "hosts",
            Self::Versions => "versions",
            Self::Affected => "affected",
            Self::Changed => "changed",
        }
    }

    fn first_order(self) -> Order {
        match self {
            Self::Name | Self::Company => Order::Asc,
            _ => Order::Desc,
        }
    }

    fn in_words(self, order: Order) -> String {
        let what = match self {
            Self::Name => return by("name", order),
            Self::Company => return by("company", order),
            Self::Changed => {
                return match order {
                    Order::Desc => "latest change first".to_owned(),
                    Order::Asc => "latest change last".to_owned(),
                };
            }
            Self::Hosts => "hosts",
            Self::Versions => "versions",
            Self::Affected => "affected hosts",
        };
        most(what, order)
    }
}

impl TableQuery for DriversQuery {
    type Sort = DriverSort;

    const FIRST: (DriverSort, Order) = (DriverSort::Affected, Order::Desc);

    fn path(&self) -> String {
        "/drivers".to_owned()
    }

    fn ordering(&self) -> (DriverSort, Order) {
        (self.sort, self.order)
    }

    fn page(&self) -> u32 {
        self.page
    }

    fn ordered(&self, sort: DriverSort, order: Order) -> Self {
        Self { sort, order, page: 1, ..self.clone() }
    }

    fn filters(&self, address: Address) -> Address {
        address.with("q", &self.q).with("show", self.show.as_str())
    }
}
