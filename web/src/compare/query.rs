//! What `/compare` takes as parameters, in their order: `host`, `group`, `at` (of the host before
//! it), `by`, `equal=show`, `page`.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::asked_time::AskedTime;

use crate::links::Address;

/// Columns of one comparison.
const COLUMNS: usize = 8;
/// Rows of a page.
pub(super) const PER_PAGE: u64 = 100;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompareBy {
    /// Bytes by pool tag.
    #[default]
    Tags,
    /// Handles by program.
    Processes,
    /// Versions of drivers.
    Drivers,
    /// Versions of Windows, agent, and what is installed.
    Versions,
    /// Sizes and bounds.
    Limits,
}

/// Who is a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A host, by its number or name.
    Host(String),
    /// A group, by its name.
    Group(String),
}

/// When a host is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So many hours ago.
    Ago(u32),
    /// At this time.
    At(Timestamp),
}

/// A column that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Who.
    pub subject: Subject,
    /// When; none for now.
    pub moment: Option<Moment>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompareQuery {
    /// The columns.
    pub columns: Vec<Wanted>,
    /// What is compared.
    pub by: CompareBy,
    /// Whether rows that are about equal are shown.
    pub equal: bool,
    /// The page, from 1.
    pub page: u64,
    /// Whether a healthy host is asked for as one more column.
    pub with_healthy: bool,
    /// Whether the last host was proposed, and not named by who looks.
    pub is_proposed: bool,
}

impl CompareBy {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Tags, Self::Processes, Self::Drivers, Self::Versions, Self::Limits];

    /// Its name in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Processes => "processes",
            Self::Drivers => "drivers",
            Self::Versions => "versions",
            Self::Limits => "limits",
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Tags => "Tags",
            Self::Processes => "Processes",
            Self::Drivers => "Drivers",
            Self::Versions => "Versions",
            Self::Limits => "Limits",
        }
    }

    pub(super) const fn nouns(self) -> &'static str {
        match self {
            Self::Tags => "tags",
            Self::Processes => "programs",
            Self::Drivers => "drivers",
            Self::Versions => "versions",
            Self::Limits => "figures",
        }
    }

    /// What the numbers are.
    pub(super) const fn measure(self) -> &'static str {
        match self {
            Self::Tags => "Bytes of each tag, all bars on one scale",
            Self::Processes => "Handles of each program, all bars on one scale",
            Self::Drivers => "Versions of loaded drivers",
            Self::Versions => "Windows, agent and updates",
            Self::Limits => "Sizes and bounds; each row has a scale of its own",
        }
    }
}

impl Moment {
    /// Reads `24h`, `7d` or a time in RFC 3339.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let hours =
            |unit: char, each: u32| text.strip_suffix(unit)?.parse::<u32>().ok()?.checked_mul(each);
        let ago = hours('h', 1).or_else(|| hours('d', 24)).filter(|hours| *hours <= 24 * 366);
        ago.map(Self::Ago).or_else(|| text.parse().ok().map(|at: AskedTime| Self::At(at.get())))
    }

    /// The time, as of `now`.
    #[must_use]
    pub fn as_of(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(hours) => {
                now.saturating_sub(SignedDuration::from_hours(hours.into())).unwrap_or(now)
            }
            Self::At(at) => at,
        }
    }
}

impl CompareQuery {
    /// Reads parameters; what is not understood is left out.
    #[must_use]
    pub fn read(pairs: &[(String, String)]) -> Self {
        let mut query = Self {
            columns: Vec::new(),
            by: CompareBy::default(),
            equal: false,
            page: 1,
            with_healthy: false,
            is_proposed: false,
        };
        for (name, value) in pairs {
            let value = value.trim();
            let subject = match name.as_str() {
                "host" => Some(Subject::Host(value.to_owned())),
                "group" => Some(Subject::Group(value.to_owned())),
                _ => None,
            };
            match (name.as_str(), subject) {
                (_, Some(subject)) if !value.is_empty() && query.columns.len() < COLUMNS => {
                    query.columns.push(Wanted { subject, moment: None });
                }
                ("at", _) => {
                    if let Some(last) = query.columns.last_mut() {
                        last.moment = Moment::read(value);
                    }
                }
                ("by", _) => {
                    let found = CompareBy::ALL.into_iter().find(|by| by.as_str() == value);
                    query.by = found.unwrap_or_default();
                }
                ("equal", _) => query.equal = value == "show",
                ("page", _) => query.page = value.parse().unwrap_or(1).max(1),
                ("with", _) => query.with_healthy = value == "healthy",
                ("proposed", _) => query.is_proposed = value == "yes",
                _ => {}
            }
        }
        query
    }

    /// The address of this comparison.
    #[must_use]
    pub fn url(&self) -> String {
        self.at_path("/compare")
    }

    /// The same below another path.
    #[must_use]
    pub fn at_path(&self, path: &str) -> String {
        let mut address = Address::new(path);
        for (name, value) in self.fields() {
            address = address.with(name, &value);
        }
        let page = if self.page == 1 { String::new() } else { self.page.to_string() };
        address
            .with("by", self.by.as_str())
            .with("equal", if self.equal { "show" } else { "" })
            .with("page", &page)
            .with("proposed", if self.is_proposed { "yes" } else { "" })
            .finish()
    }

    /// The columns as parameters.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        for wanted in &self.columns {
            fields.push(match &wanted.subject {
                Subject::Host(host) => ("host", host.clone()),
                Subject::Group(group) => ("group", group.clone()),
            });
            match wanted.moment {
                Some(Moment::Ago(hours)) => fields.push(("at", format!("{hours}h"))),
                Some(Moment::At(at)) => fields.push(("at", at.to_string())),
                None => {}
            }
        }
        fields
    }

    /// The rows of its page.
    #[must_use]
    pub fn range(&self, rows: usize) -> std::ops::Range<usize> {
        let first = (self.page - 1).saturating_mul(PER_PAGE);
        let first = usize::try_from(first).unwrap_or(rows).min(rows);
        first..rows.min(first + PER_PAGE as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> CompareQuery {
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        CompareQuery::read(&pairs)
    }

    #[test]
    fn a_time_belongs_to_the_host_before_it_and_the_address_says_the_same() {
        let query = read(&[("at", "3h"), ("host", "7"), ("host", "7"), ("at", "7d"), ("by", "x")]);
        assert_eq!(query.columns[0].moment, None);
        assert_eq!(query.columns[1].moment, Some(Moment::Ago(168)));
        assert_eq!(query.url(), "/compare?host=7&host=7&at=168h&by=tags");
        let group = read(&[("group", "A&B"), ("host", "\"<b>"), ("by", "limits"), ("page", "0")]);
        assert_eq!(group.url(), "/compare?group=A%26B&host=%22%3Cb%3E&by=limits");
    }

    #[test]
    fn what_cannot_be_is_left_out() {
        let many: Vec<(&str, &str)> = vec![("host", "1"); 100];
        assert_eq!(read(&many).columns.len(), COLUMNS);
        for text in ["", "h", "99999999999h", "4294967295d", "yesterday", "-1h"] {
            assert_eq!(Moment::read(text), None, "{text}");
        }
        let last = CompareQuery { page: u64::MAX, ..read(&[]) };
        assert_eq!(last.range(250), 250..250);
        assert_eq!(CompareQuery { page: 3, ..read(&[]) }.range(250), 200..250);
    }
}
