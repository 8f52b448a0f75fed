//! `admin`: hosts, the rules that approve them, and the tokens by which they come.

use clap::{Args, Subcommand, ValueEnum};
use poolwatch_store::hosts::Standing;

use super::DatabaseOptions;

/// What an administrator does about hosts.
#[derive(Debug, Subcommand)]
pub enum HostCommand {
    /// List hosts that wait for approval, or were refused or archived.
    ListHosts {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// Which hosts.
        #[arg(long, value_enum, default_value = "waiting")]
        standing: StandingChoice,
    },
    /// Let hosts that wait, or were refused, upload.
    ApproveHost(HostNumbers),
    /// Refuse hosts that wait: their agents are told so.
    RefuseHost(HostNumbers),
    /// Archive hosts: they may upload no more, at once, and count nowhere.
    #[command(alias = "retire-host")]
    ArchiveHost(HostNumbers),
    /// Bring archived hosts back.
    RestoreHost(HostNumbers),
    /// Delete hosts that are archived, refused or waiting. What they sent goes when it is old.
    DeleteHost(HostNumbers),
    /// Make a rule that approves hosts, those that wait now as well.
    CreateRule {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// Pattern of a host's name, with * and ?.
        #[arg(long)]
        host_name: Option<String>,
        /// Domain of a host, those below it included.
        #[arg(long)]
        domain: Option<String>,
        /// Network that a host comes from (10.1.0.0/16).
        #[arg(long)]
        address_range: Option<String>,
        /// Number of the enrolment token that a host comes by.
        #[arg(long)]
        token: Option<i32>,
    },
    /// List the rules that approve hosts, in their order.
    ListRules(DatabaseOptions),
    /// Delete a rule. Hosts that it approved stay.
    DeleteRule {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// The rule's number.
        id: i32,
    },
    /// List enrolment tokens.
    ListTokens(DatabaseOptions),
    /// Revoke an enrolment token: nobody enrols by it any more.
    RevokeToken {
        /// Database.
        #[command(flatten)]
        database: DatabaseOptions,
        /// The token's number.
        id: i32,
    },
}

/// Which hosts.
#[derive(Debug, Args)]
pub struct HostNumbers {
    /// Database.
    #[command(flatten)]
    pub database: DatabaseOptions,
    /// Numbers of hosts.
    #[arg(required = true)]
    pub ids: Vec<i32>,
}

/// Where hosts stand that are not in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StandingChoice {
    /// Nobody decided yet.
    Waiting,
    /// Somebody refused them.
    Refused,
    /// Somebody archived them.
    Archived,
}

impl From<StandingChoice> for Standing {
    fn from(choice: StandingChoice) -> Self {
        match choice {
            StandingChoice::Waiting => Self::Waiting,
            StandingChoice::Refused => Self::Refused,
            StandingChoice::Archived => Self::Archived,
        }
    }
}
