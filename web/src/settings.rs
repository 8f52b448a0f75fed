//! What administrators set (`GET /settings`): an overview, and the tabs above each of its sections.

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

/// All sections, in the order of the tabs.
pub const SECTIONS: &[SettingsSection] = &[];

/// The overview.
#[derive(Debug, Clone, Template)]
#[template(path = "settings.html")]
pub struct SettingsPage {
    /// What surrounds the page.
    pub shell: Shell,
}
