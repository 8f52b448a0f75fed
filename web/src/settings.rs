//! What administrators set (`GET /settings`): an overview, and the tabs above each of its sections.

pub mod audit;
pub mod groups;
pub mod mail;
pub mod people;
pub mod refusals;
pub mod retention;
pub mod server;
pub mod sign_in;
pub mod tokens;

use askama::Template;

use crate::{Shell, assets};

/// A section of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsSection {
    /// Address of its page.
    pub path: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What is set there.
    pub about: &'static str,
}

const fn section(path: &'static str, name: &'static str, about: &'static str) -> SettingsSection {
    SettingsSection { path, name, about }
}

/// All sections, in the order of the tabs.
pub const SECTIONS: &[SettingsSection] = &[
    section("/settings/people", "People", "Who may sign in, and what they may do."),
    section(
        "/settings/groups",
        "Groups",
        "Groups of hosts by rules, to limit people and to filter lists.",
    ),
    section("/settings/tokens", "Tokens", "Tokens with which scripts and services use /api/v1."),
    section(
        "/settings/sign-in",
        "Sign-in",
        "The identity provider that people sign in with, and what its groups may do.",
    ),
    section("/settings/mail", "Mail", "The mail server that sends warnings, and a test of it."),
    section(
        "/settings/retention",
        "Retention",
        "How long data is kept, and the disk space that takes.",
    ),
    section(
        "/settings/audit",
        "Audit",
        "Every sign-in and every change: who, when and from where.",
    ),
    section(
        "/settings/refusals",
        "Refused",
        "Who was refused recently, and why: hosts, people and addresses.",
    ),
    section(
        "/settings/server",
        "This server",
        "How the server is doing, what it runs on, and its configuration.",
    ),
];

/// The overview.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/overview.html")]
pub struct SettingsPage {
    /// What surrounds the page.
    pub shell: Shell,
}
