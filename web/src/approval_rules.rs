//! The rules that approve hosts (`GET /hosts/rules`).

use askama::Template;
use jiff::Timestamp;

use crate::{HostLink, Shell, assets, figures};

/// The rules that approve hosts, and a form that makes and tries one.
#[derive(Debug, Clone, Template)]
#[template(path = "approval_rules.html")]
pub struct ApprovalRulesPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The rules, in their order.
    pub rules: Vec<RuleRow>,
    /// Tokens to choose from: number and name.
    pub tokens: Vec<(i32, String)>,
    /// Groups to choose from: number and name.
    pub groups: Vec<(i32, String)>,
    /// What the form holds.
    pub form: RuleForm,
    /// What the rule of the form would do now.
    pub trial: Option<RuleTrial>,
    /// Whether who looks may make and delete rules.
    pub may_administer: bool,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRow {
    /// Its number.
    pub id: i32,
    /// What it is called.
    pub name: String,
    /// What it asks of a host, in words.
    pub asks: String,
    /// What hosts get that it approves, in words.
    pub gets: String,
    /// Hosts that are in the fleet by it.
    pub approved: u64,
    /// Who made it.
    pub by: String,
    /// When it was made.
    pub created: Timestamp,
}

/// What somebody writes into the form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleForm {
    /// What the rule is called.
    pub name: String,
    /// Pattern of a host's name.
    pub host_name: String,
    /// Domain.
    pub domain: String,
    /// Network.
    pub address_range: String,
    /// Number of a token.
    pub token: Option<i32>,
    /// Labels for these hosts.
    pub labels: String,
    /// Number of a group.
    pub group: Option<i32>,
}

/// What a rule would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleTrial {
    /// It is no rule, and why.
    Bad(String),
    /// It would approve hosts.
    Would {
        /// The first of them.
        hosts: Vec<HostLink>,
        /// How many.
        approve: u64,
        /// How many of those that it asks for could be another host of the fleet, and go on waiting.
        unclear: u64,
        /// How many wait.
        waiting: u64,
    },
}

/// What a rule asks of a host, in words.
#[must_use]
pub fn rule_in_words(
    host_name: Option<&str>,
    domain: Option<&str>,
    address_range: Option<&str>,
    token: Option<&str>,
) -> String {
    let parts = [
        host_name.map(|pattern| format!("name {pattern}")),
        domain.map(|domain| format!("domain {domain}")),
        address_range.map(|range| format!("address in {range}")),
        token.map(|token| format!("token {token}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl ApprovalRulesPage {
    fn headline(&self) -> String {
        match self.rules.len() as u64 {
            0 => "Every host waits until a person approves it.".to_owned(),
            count => {
                let rules = figures::counted(count, "rule approves", "rules approve");
                format!("{rules} hosts; the others wait for a person.")
            }
        }
    }

    fn is_token(&self, token: &i32) -> bool {
        self.form.token == Some(*token)
    }

    fn is_group(&self, group: &i32) -> bool {
        self.form.group == Some(*group)
    }

    fn is_cut(&self, shown: &[HostLink], all: &u64) -> bool {
        (shown.len() as u64) < *all
    }
}
