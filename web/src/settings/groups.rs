//! Groups of hosts by rules (`GET /settings/groups`), and choosing whose hosts somebody sees.

use askama::Template;
use poolwatch_model::{host_group::HostGroup, person::Scope};

use crate::{HostLink, Shell, assets, figures, links, words};

/// All groups.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/groups.html")]
pub struct GroupsPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The groups, by name.
    pub groups: Vec<GroupRow>,
}

/// A group in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The group.
    pub group: HostGroup,
    /// Hosts that belong to it.
    pub hosts: u64,
}

/// One group.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/group.html")]
pub struct GroupPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The group.
    pub group: HostGroup,
    /// The first of its hosts.
    pub hosts: Vec<HostLink>,
    /// Hosts that belong to it.
    pub total: u64,
    /// People, tokens and approval rules that name it.
    pub uses: u64,
}

impl GroupsPage {
    fn headline(&self) -> String {
        match self.groups.len() as u64 {
            0 => "No group was made yet.".to_owned(),
            count => format!("{}.", figures::counted(count, "group of hosts", "groups of hosts")),
        }
    }
}

impl GroupPage {
    fn is_cut(&self) -> bool {
        (self.hosts.len() as u64) < self.total
    }
}

/// Whose hosts somebody sees, to be chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeForm {
    /// The groups to choose from, by name.
    pub groups: Vec<HostGroup>,
    /// What is chosen.
    pub scope: Scope,
}

impl ScopeForm {
    pub(crate) fn is_whole(&self) -> bool {
        self.scope.is_whole_fleet()
    }

    pub(crate) fn has(&self, group: &HostGroup) -> bool {
        self.scope.groups().is_some_and(|groups| groups.contains(&group.id))
    }

    /// What is chosen, in words.
    #[must_use]
    pub fn in_words(&self) -> String {
        if self.is_whole() {
            return "the whole fleet".to_owned();
        }
        let chosen = self.groups.iter().filter(|group| self.has(group));
        let names: Vec<&str> = chosen.map(|group| group.name.as_str()).collect();
        if names.is_empty() { "no host".to_owned() } else { names.join(", ") }
    }
}
