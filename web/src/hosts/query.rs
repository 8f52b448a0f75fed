//! Filter, order and page of the hosts table, as its address holds them.

use serde::{Deserialize, Serialize};

use crate::{
    links::Address,
    table::{Order, Sort, TableQuery, by, most},
};

/// What `/hosts`, `/hosts.csv` and `/hosts.json` take as parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostsQuery {
    /// Part of a name, a group, a Windows version or a program.
    pub q: String,
    /// Only this group; empty for all.
    pub group: String,
    /// Only hosts in this state.
    pub state: HostState,
    /// What to order by.
    pub sort: HostSort,
    /// Which way.
    pub order: Order,
    /// Page, counted from 1.
    pub page: u32,
}

impl Default for HostsQuery {
    fn default() -> Self {
        Self {
            q: String::new(),
            group: String::new(),
            state: HostState::All,
            sort: Self::FIRST.0,
            order: Self::FIRST.1,
            page: 1,
        }
    }
}

/// Which hosts to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostState {
    /// All.
    #[default]
    #[serde(alias = "")]
    All,
    /// Those whose agent reports.
    Reporting,
    /// Those whose agent fell silent.
    Silent,
    /// Those with an open incident.
    Incident,
    /// Those of imported evidence.
    Imported,
}

impl HostState {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 5] =
        [Self::All, Self::Reporting, Self::Silent, Self::Incident, Self::Imported];

    /// Its value in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Reporting => "reporting",
            Self::Silent => "silent",
            Self::Incident => "incident",
            Self::Imported => "imported",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::All => "all states",
            Self::Reporting => "reporting",
            Self::Silent => "silent",
            Self::Incident => "with an incident",
            Self::Imported => "imported evidence",
        }
    }
}

/// What hosts are ordered by. Unknown values come last, whichever way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostSort {
    /// Name.
    Name,
    /// Windows version.
    Os,
    /// Group.
    Group,
    /// Time since boot.
    Uptime,
    /// Share of nonpaged pool, see [`crate::level::PoolLevel::share`].
    Nonpaged,
    /// Share of paged pool.
    Paged,
    /// Share of the commit limit.
    Commit,
    /// Change of nonpaged pool in 24 h.
    NonpagedGrowth,
    /// Change of paged pool in 24 h.
    PagedGrowth,
    /// Handles of the process with the most.
    Handles,
    /// When data last came.
    Seen,
}

impl Sort for HostSort {
    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Os => "os",
            Self::Group => "group",
            Self::Uptime => "uptime",
            Self::Nonpaged => "nonpaged",
            Self::Paged => "paged",
            Self::Commit => "commit",
            Self::NonpagedGrowth => "nonpaged_growth",
            Self::PagedGrowth => "paged_growth",
            Self::Handles => "handles",
            Self::Seen => "seen",
        }
    }

    fn first_order(self) -> Order {
        match self {
            Self::Name | Self::Os | Self::Group => Order::Asc,
            _ => Order::Desc,
        }
    }

    fn in_words(self, order: Order) -> String {
        let what = match self {
            Self::Name => return by("name", order),
            Self::Os => return by("Windows version", order),
            Self::Group => return by("group", order),
            Self::Seen => return by("last data", order),
            Self::Uptime => "uptime",
            Self::Nonpaged => "nonpaged pressure",
            Self::Paged => "paged pressure",
            Self::Commit => "commit",
            Self::NonpagedGrowth => "nonpaged growth",
            Self::PagedGrowth => "paged growth",
            Self::Handles => "handles in one process",
        };
        most(what, order)
    }
}

impl TableQuery for HostsQuery {
    type Sort = HostSort;

    const FIRST: (HostSort, Order) = (HostSort::Nonpaged, Order::Desc);

    fn path(&self) -> String {
        "/hosts".to_owned()
    }

    fn ordering(&self) -> (HostSort, Order) {
        (self.sort, self.order)
    }

    fn page(&self) -> u32 {
        self.page
    }

    fn ordered(&self, sort: HostSort, order: Order) -> Self {
        Self { sort, order, page: 1, ..self.clone() }
    }

    fn filters(&self, address: Address) -> Address {
        let state = if self.state == HostState::All { "" } else { self.state.as_str() };
        address.with("q", &self.q).with("group", &self.group).with("state", state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_an_address_and_back() {
        let query = HostsQuery {
            q: "sql & <b>".into(),
            group: "Berlin/Files".into(),
            state: HostState::Silent,
            sort: HostSort::NonpagedGrowth,
            order: Order::Asc,
            page: 3,
        };
        assert_eq!(
            query.url(),
            "/hosts?q=sql%20%26%20%3Cb%3E&group=Berlin%2FFiles&state=silent&sort=nonpaged_growth&order=asc&page=3"
        );
        assert_eq!(HostsQuery::default().url(), "/hosts");
        assert_eq!(query.export("csv").matches("page=").count(), 0);
    }

    #[test]
    fn values_in_addresses_are_those_that_parse() {
        let sorts = [
            HostSort::Name,
            HostSort::Os,
            HostSort::Group,
            HostSort::Uptime,
            HostSort::Nonpaged,
            HostSort::Paged,
            HostSort::Commit,
            HostSort::NonpagedGrowth,
            HostSort::PagedGrowth,
            HostSort::Handles,
            HostSort::Seen,
        ];
        for sort in sorts {
            assert_eq!(serde_json::to_value(sort).unwrap(), sort.as_str());
        }
        for state in HostState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn a_second_click_on_a_head_turns_the_order_round() {
        let query = HostsQuery::default();
        assert_eq!(query.aria(&HostSort::Nonpaged), "descending");
        assert_eq!(query.sorted(&HostSort::Nonpaged), "/hosts?sort=nonpaged&order=asc");
        assert_eq!(query.sorted(&HostSort::Name), "/hosts?sort=name&order=asc");
        assert_eq!(query.sorted(&HostSort::Handles), "/hosts?sort=handles&order=desc");
    }
}
