//! What surrounds every page of a signed-in person.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::person::Role;

use crate::{
    RenderError,
    figures::{self, duration, seconds_between},
};

/// After this long without data from any host the console calls itself stale: three times the
/// agents' usual interval.
pub const STALE_AFTER_S: u64 = 180;

/// What surrounds every page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The server's time when the page is made.
    pub now: Timestamp,
    /// Who is signed in.
    pub person: String,
    /// What they may do.
    pub role: Role,
    /// When data from any host last came in.
    pub newest_data: Option<Timestamp>,
    /// Hosts that wait for approval.
    pub waiting: u64,
    /// Path and query of this page: what live parts ask for again.
    pub url: String,
}

impl Shell {
    /// Whether this page belongs to the section that starts at `root`.
    #[must_use]
    pub fn is_in(&self, root: &str) -> bool {
        let path = self.url.split('?').next().unwrap_or_default();
        path == root
            || (root != "/" && path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/')))
    }

    /// How many hosts wait for approval.
    #[must_use]
    pub fn waiting_count(&self) -> String {
        figures::grouped(self.waiting)
    }

    /// Whether the settings are shown.
    #[must_use]
    pub fn shows_settings(&self) -> bool {
        self.role == Role::Admin
    }

    /// Whether data came in lately.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.newest_data.is_some_and(|at| seconds_between(at, self.now) < STALE_AFTER_S)
    }

    /// The freshness mark: `live, 4 s`.
    #[must_use]
    pub fn freshness(&self) -> String {
        let Some(at) = self.newest_data else { return "no data yet".to_owned() };
        let age = duration(seconds_between(at, self.now));
        if self.is_live() { format!("live, {age}") } else { format!("stale, {age}") }
    }

    /// The freshness mark in full.
    #[must_use]
    pub fn freshness_title(&self) -> String {
        self.newest_data.map_or_else(
            || "No host has sent anything yet".to_owned(),
            |at| format!("Latest data of any host: {}", figures::utc(at)),
        )
    }
}

/// A page whose parts are asked for again while it is shown.
pub trait LivePage: Template {
    /// The parts that htmx swaps in: the freshness mark and the element with the id `live`. To be
    /// sent for the page's own address when the request has the header `HX-Request`.
    ///
    /// # Errors
    /// As [`Template::render`].
    fn render_live(&self) -> Result<String, RenderError>;
}

/// The freshness mark alone.
#[derive(Template)]
#[template(path = "parts/freshness.html")]
pub(crate) struct Freshness<'a> {
    /// What surrounds the page.
    pub(crate) shell: &'a Shell,
}

/// Implements [`LivePage`] by the block `live` of the page's template.
macro_rules! live_page {
    ($page:ty) => {
        impl crate::LivePage for $page {
            fn render_live(&self) -> Result<String, crate::RenderError> {
                let freshness = crate::shell::Freshness { shell: &self.shell };
                Ok(freshness.render()? + &self.as_live().render()?)
            }
        }
    };
}
pub(crate) use live_page;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_belongs_to_one_section() {
        let shell = |url: &str| Shell {
            now: Timestamp::UNIX_EPOCH,
            person: String::new(),
            role: Role::Viewer,
            newest_data: None,
            waiting: 0,
            url: url.into(),
        };
        for (url, section) in [
            ("/", "/"),
            ("/?hours=6", "/"),
            ("/hosts/7?tags=change", "/hosts"),
            ("/hosts", "/hosts"),
        ] {
            let sections = ["/", "/hosts", "/incidents", "/events", "/evidence"];
            let found: Vec<_> =
                sections.into_iter().filter(|root| shell(url).is_in(root)).collect();
            assert_eq!(found, [section], "{url}");
        }
    }

    #[test]
    fn the_mark_says_live_only_while_data_comes_in() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let shell = |age: Option<i64>| Shell {
            now,
            person: "ana".into(),
            role: Role::Viewer,
            newest_data: age.map(|age| Timestamp::from_second(1_800_000_000 - age).unwrap()),
            waiting: 0,
            url: "/".into(),
        };
        for (age, text) in [
            (Some(4), "live, 4 s"),
            (Some(1_200), "stale, 20 min"),
            (Some(-5), "live, 0 s"),
            (None, "no data yet"),
        ] {
            assert_eq!(shell(age).freshness(), text);
        }
    }
}
