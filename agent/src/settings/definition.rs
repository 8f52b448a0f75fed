//! The one definition of every setting.

use std::{
    ops::RangeInclusive,
    path::{Component, Path},
};

use poolwatch_model::host_group::checked_labels;
use reqwest::Url;

use crate::{collect::CollectorSet, proxy::NO_PROXY};

/// A setting of the agent.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Name in the settings file; with dashes the flag, in capitals after `POOLWATCH_` the
    /// environment variable.
    pub name: &'static str,
    /// Name of the registry value, for Group Policy and the installer.
    pub policy: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is when nobody says anything.
    pub default: Default,
    /// Whether its value is kept out of everything that is shown.
    pub secret: bool,
    /// Whether Group Policy alone may set it.
    pub policy_only: bool,
    /// What it does, for `--help`, documentation and the policy template.
    pub help: &'static str,
}

/// What a setting may be.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// An address with `https` or `http`.
    Url,
    /// An address with `http` or `https`, with a name and password if need be, or `none`.
    Proxy,
    /// A word without blanks.
    Word,
    /// An absolute path.
    Path,
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds.
    Number(RangeInclusive<u32>),
    /// Names of collectors, separated by commas.
    Collectors,
    /// Names of services, separated by commas.
    Services,
    /// Labels, separated by commas.
    Labels,
}

/// What a setting is when nobody says anything.
#[derive(Debug, PartialEq, Eq)]
pub enum Default {
    /// Not set.
    None,
    /// This value.
    Fixed(&'static str),
    /// All collectors.
    AllCollectors,
    /// A folder that depends on the operating system.
    SpoolFolder,
}

/// Where Group Policy writes, below `HKEY_LOCAL_MACHINE`.
pub const POLICY_KEY: &str = r"SOFTWARE\Policies\Poolwatch\Agent";
/// Where the installer writes, below `HKEY_LOCAL_MACHINE`.
pub const INSTALLER_KEY: &str = r"SOFTWARE\Poolwatch\Agent";

/// Bounds of `interval_s`.
pub const INTERVAL_S: RangeInclusive<u32> = 10..=3600;

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "server_url",
        policy: "ServerUrl",
        kind: Kind::Url,
        default: Default::None,
        secret: false,
        policy_only: false,
        help: "Address of the Poolwatch server, for example https://poolwatch.example.net",
    },
    Setting {
        name: "enroll_token",
        policy: "EnrollToken",
        kind: Kind::Word,
        default: Default::None,
        secret: true,
        policy_only: false,
        help: "Token by which a new host proposes itself to the server",
    },
    Setting {
        name: "ca_file",
        policy: "CaFile",
        kind: Kind::Path,
        default: Default::None,
        secret: false,
        policy_only: false,
        help: "File with certificates (PEM); when set, only these authorities are trusted",
    },
    Setting {
        name: "allow_http",
        policy: "AllowHttp",
        kind: Kind::Switch,
        default: Default::Fixed("false"),
        secret: false,
        policy_only: false,
        help: "Whether the server's address may be http:// on another machine, unprotected",
    },
    Setting {
        name: "proxy",
        policy: "Proxy",
        kind: Kind::Proxy,
        default: Default::None,
        // It may hold a password.
        secret: true,
        policy_only: false,
        help: "Proxy to the server, for example http://proxy.example.net:3128, or none; else the \
               machine's",
    },
    Setting {
        name: "labels",
        policy: "Labels",
        kind: Kind::Labels,
        default: Default::None,
        secret: false,
        policy_only: false,
        help: "Labels that a new host brings when it enrols, separated by commas",
    },
    Setting {
        name: "interval_s",
        policy: "IntervalSeconds",
        kind: Kind::Number(INTERVAL_S),
        default: Default::Fixed("60"),
        secret: false,
        policy_only: false,
        help: "Seconds between two snapshots",
    },
    Setting {
        name: "spool_dir",
        policy: "SpoolFolder",
        kind: Kind::Path,
        default: Default::SpoolFolder,
        secret: false,
        policy_only: false,
        help: "Folder for snapshots that wait to be sent, and for the agent's identity",
    },
    Setting {
        name: "spool_max_mb",
        policy: "SpoolMaxMegabytes",
        kind: Kind::Number(8..=10_240),
        default: Default::Fixed("256"),
        secret: false,
        policy_only: false,
        help: "Megabytes that waiting snapshots may take; beyond, the oldest are dropped",
    },
    Setting {
        name: "collectors",
        policy: "Collectors",
        kind: Kind::Collectors,
        default: Default::AllCollectors,
        secret: false,
        policy_only: false,
        help: "Collectors that run, separated by commas",
    },
    Setting {
        name: "list_handles_most",
        policy: "ListHandlesMost",
        kind: Kind::Number(0..=1_000_000),
        default: Default::Fixed("100000"),
        secret: false,
        policy_only: false,
        help: "Handles of the host beyond which not all of them are listed to tell those of one \
               process by type; Windows 8 and later tell them without",
    },
    Setting {
        name: "restart_services",
        policy: "RestartServices",
        kind: Kind::Services,
        default: Default::None,
        secret: false,
        policy_only: true,
        help: "Services that are restarted when they leak, separated by commas; none when not set",
    },
    Setting {
        name: "restart_handles",
        policy: "RestartHandles",
        kind: Kind::Number(1000..=16_000_000),
        default: Default::Fixed("100000"),
        secret: false,
        policy_only: true,
        help: "Handles that such a service holds too many with",
    },
    Setting {
        name: "restart_quota_percent",
        policy: "RestartQuotaPercent",
        kind: Kind::Number(1..=100),
        default: Default::Fixed("50"),
        secret: false,
        policy_only: true,
        help: "Percent of both pools in use that too much is charged to such a service with",
    },
    Setting {
        name: "restart_after_minutes",
        policy: "RestartAfterMinutes",
        kind: Kind::Number(5..=10_080),
        default: Default::Fixed("60"),
        secret: false,
        policy_only: true,
        help: "Minutes that it has to be so without a break",
    },
    Setting {
        name: "restart_period_hours",
        policy: "RestartPeriodHours",
        kind: Kind::Number(1..=720),
        default: Default::Fixed("24"),
        secret: false,
        policy_only: true,
        help: "Hours in which one service is restarted at most",
    },
];

/// More names of services than a host needs.
const SERVICES: usize = 32;

impl Setting {
    /// Whether a text is a value of this setting; why not, in words that follow the setting's name.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self, value: &str) -> Result<(), String> {
        match &self.kind {
            Kind::Url => check_url(value),
            Kind::Proxy if value == NO_PROXY => Ok(()),
            Kind::Proxy => parse_address(value).map(|_| ()),
            Kind::Word if value.is_empty() || value.contains(char::is_whitespace) => {
                Err("is empty or holds a blank".to_owned())
            }
            Kind::Path if !Path::new(value).is_absolute() => {
                Err(format!("is no absolute path: {value}"))
            }
            Kind::Path
                if Path::new(value).components().any(|part| part == Component::ParentDir) =>
            {
                Err(format!("leads back by two dots: {value}"))
            }
            Kind::Switch if !["true", "false"].contains(&value) => {
                Err("is neither true nor false".to_owned())
            }
            Kind::Number(bounds) => match value.parse::<u32>() {
                Ok(number) if bounds.contains(&number) => Ok(()),
                _ => Err(format!("is no whole number from {} to {}", bounds.start(), bounds.end())),
            },
            Kind::Collectors => match value.parse::<CollectorSet>() {
                Ok(_) => Ok(()),
                Err(error) => {
                    let names: Vec<&str> = CollectorSet::names().collect();
                    Err(format!(
                        "names a collector that does not exist: {error}; there are {}",
                        names.join(", ")
                    ))
                }
            },
            Kind::Services => check_services(value),
            Kind::Labels => match checked_labels(value.split(',')) {
                Ok(_) => Ok(()),
                Err(reason) => Err(format!("cannot be used: {reason}")),
            },
            Kind::Word | Kind::Path | Kind::Switch => Ok(()),
        }
    }

    /// A value with the variables (`%NAME%`) of a path replaced; one that `variable` does not know
    /// stays as it is.
    #[must_use]
    pub fn expand(&self, value: &str, variable: impl Fn(&str) -> Option<String>) -> String {
        if self.kind != Kind::Path {
            return value.to_owned();
        }
        let mut expanded = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('%') {
            let named = after.split_once('%');
            let known = named.and_then(|(name, rest)| Some((variable(name)?, rest)));
            expanded.push_str(before);
            match known {
                Some((text, after)) => {
                    expanded.push_str(&text);
                    rest = after;
                }
                None => {
                    expanded.push('%');
                    rest = after;
                }
            }
        }
        expanded + rest
    }

    /// The value when nobody says anything.
    #[must_use]
    pub fn default_value(&self) -> Option<String> {
        match self.default {
            Default::None => None,
            Default::Fixed(value) => Some(value.to_owned()),
            Default::AllCollectors => Some(CollectorSet::all().to_string()),
            Default::SpoolFolder => Some(spool_folder()),
        }
    }
}

/// Names of services in a list; what stands between commas, without the blanks around it.
pub(super) fn split_services(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

fn check_services(value: &str) -> Result<(), String> {
    let is_bad =
        |name: &str| name.is_empty() || name.len() > 256 || name.contains(['/', '\\', '*']);
    if split_services(value).count() > SERVICES || split_services(value).any(is_bad) {
        return Err(format!("is no list of at most {SERVICES} names of services"));
    }
    Ok(())
}

fn check_url(value: &str) -> Result<(), String> {
    parse_address(value)?;
    if value.contains(['?', '#', '@']) {
        return Err("holds more than a host, a port and a path".to_owned());
    }
    Ok(())
}

fn parse_address(value: &str) -> Result<Url, String> {
    let url: Url = value.parse().map_err(|error| format!("is no address: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
        return Err("is no address that begins with https:// or http://".to_owned());
    }
    Ok(url)
}

#[cfg(windows)]
fn spool_folder() -> String {
    crate::windows::own_folder().join("spool").to_string_lossy().into_owned()
}

#[cfg(not(windows))]
fn spool_folder() -> String {
    "/var/lib/poolwatch-agent".to_owned()
}
