//! Filter, order and page of the hosts table, as its address holds them.

use serde::{Deserialize, Serialize};

use crate::links::Address;

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
            sort: HostSort::Nonpaged,
            order: Order::Desc,
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

impl HostSort {
    /// Its value in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
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

    /// The way that is wanted first: names from A, numbers from the largest.
    const fn first_order(self) -> Order {
        match self {
            Self::Name | Self::Os | Self::Group => Order::Asc,
            _ => Order::Desc,
        }
    }

    pub(super) fn in_words(self, order: Order) -> String {
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
        match order {
            Order::Desc => format!("most {what} first"),
            Order::Asc => format!("least {what} first"),
        }
    }
}

/// Which way a table is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
}

impl HostsQuery {
    /// The address of this view.
    #[must_use]
    pub fn url(&self) -> String {
        self.address("/hosts", self.page)
    }

    /// Whether hosts are left out.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        !self.q.is_empty() || !self.group.is_empty() || self.state != HostState::All
    }

    pub(super) fn export(&self, format: &str) -> String {
        self.address(&format!("/hosts.{format}"), 1)
    }

    pub(super) fn to_page(&self, page: u32) -> String {
        self.address("/hosts", page)
    }

    /// The address behind a column's head: orders by it, or turns its order round.
    pub(super) fn sorted(&self, sort: &HostSort) -> String {
        let order = match (self.sort == *sort, self.order) {
            (false, _) => sort.first_order(),
            (true, Order::Asc) => Order::Desc,
            (true, Order::Desc) => Order::Asc,
        };
        Self { sort: *sort, order, ..self.clone() }.address("/hosts", 1)
    }

    /// Value of `aria-sort` of a column's head.
    pub(super) fn aria(&self, sort: &HostSort) -> &'static str {
        match (self.sort == *sort, self.order) {
            (false, _) => "none",
            (true, Order::Asc) => "ascending",
            (true, Order::Desc) => "descending",
        }
    }

    fn address(&self, path: &str, page: u32) -> String {
        let standard = Self::default();
        let unless = |is_standard: bool, text: &'static str| if is_standard { "" } else { text };
        let ordered = (self.sort, self.order) == (standard.sort, standard.order);
        Address::new(path)
            .with("q", &self.q)
            .with("group", &self.group)
            .with("state", unless(self.state == standard.state, self.state.as_str()))
            .with("sort", unless(ordered, self.sort.as_str()))
            .with("order", unless(ordered, self.order.as_str()))
            .with("page", &if page > 1 { page.to_string() } else { String::new() })
            .finish()
    }
}

fn by(what: &str, order: Order) -> String {
    match order {
        Order::Asc => format!("by {what}"),
        Order::Desc => format!("by {what}, last first"),
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
