//! What is different between hosts, groups of hosts, or a host and its former self (`GET /compare`;
//! the same as `/compare.csv` and `/compare.json`).

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::Bytes;
use serde::Serialize;

use crate::{HostLink, Shell, assets, figures, links};

mod query;

pub use query::{CompareBy, CompareQuery, Moment, Subject, Wanted};

/// A column: a host, a host as it was, or a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// What it is called.
    pub name: String,
    /// The host; none of a group.
    pub host: Option<HostLink>,
    /// What it is, in a few words (`Windows Server 2022`, `median of 12 hosts`).
    pub what: String,
    /// When its data were taken.
    pub at: Option<Timestamp>,
    /// Whether it has an incident that is not over.
    pub is_affected: bool,
    /// Whether what is compared is known of it.
    pub is_known: bool,
    /// The address of this page without it.
    pub without: String,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// Bytes.
    Bytes(u64),
    /// A count.
    Count(u64),
    /// A text, such as a version.
    Text(String),
}

/// A row: one thing, in every column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What it is (`Thre`).
    pub name: String,
    /// Of which kind (`nonpaged`).
    pub kind: Option<String>,
    /// What that means (`thread objects`).
    pub meaning: Option<String>,
    /// Its values, by column; none where nothing is known.
    pub values: Vec<Option<Value>>,
    /// What fills a bar. One scale for all rows, where they count the same.
    pub scale: u64,
}

/// What is different.
#[derive(Debug, Clone, Template)]
#[template(path = "compare.html")]
pub struct ComparePage {
    /// What surrounds the page.
    pub shell: Shell,
    /// What was asked for.
    pub query: CompareQuery,
    /// The columns.
    pub columns: Vec<Column>,
    /// Why something that was asked for is missing (`There is no host FS-99.`).
    pub missing: Vec<String>,
    /// Groups to choose from.
    pub groups: Vec<String>,
    /// Why the host beside the first was proposed, where it was.
    pub proposed: Option<String>,
    /// The rows that differ, strongest first: those of this page.
    pub rows: Vec<Row>,
    /// How many rows differ.
    pub differ: u64,
    /// The rows that are about equal, by name; empty unless they are asked for.
    pub equal_rows: Vec<Row>,
    /// How many rows are about equal.
    pub equal: u64,
}

impl Value {
    /// The number, if it is one.
    #[must_use]
    pub const fn number(&self) -> Option<u64> {
        match self {
            Self::Bytes(number) | Self::Count(number) => Some(*number),
            Self::Text(_) => None,
        }
    }
}

impl Row {
    /// The width of a value's bar, of 100.
    fn bar(&self, number: &u64) -> u64 {
        let share = u128::from(*number) * 100 / u128::from(self.scale.max(1));
        u64::try_from(share.min(100)).unwrap_or(100)
    }

    /// Which column has most, with how much more than the least: `app-11 has 1.2 GB more, ×9.0`.
    fn difference(&self, columns: &[Column]) -> Option<String> {
        let (by, factor) = self.amount()?;
        Some(format!("{} has {by}{factor}", self.leader(columns)?))
    }

    /// The column that has most; of a host beside its former self, `app-11 now` or `app-11 then`.
    fn leader(&self, columns: &[Column]) -> Option<String> {
        let known = self.values.iter().zip(columns);
        let numbers = known.filter_map(|(value, column)| Some((value.as_ref()?.number()?, column)));
        let (_, most) = numbers.max_by_key(|(number, _)| *number)?;
        // A host beside its former self: the first column of its name is the later one.
        let same: Vec<&Column> = columns.iter().filter(|one| one.name == most.name).collect();
        let when = match &same[..] {
            [_] => "",
            [first, ..] if std::ptr::eq(*first, most) => " now",
            _ => " then",
        };
        Some(format!("{}{when}", most.name))
    }

    /// How much more the greatest has than the least, and how many times as much: `1.2 GB more`
    /// and `, ×9.0`.
    fn amount(&self) -> Option<(String, String)> {
        let numbers: Vec<u64> = self.values.iter().flatten().filter_map(Value::number).collect();
        let (least, most) = (*numbers.iter().min()?, *numbers.iter().max()?);
        let by = match self.values.iter().flatten().next()? {
            Value::Bytes(_) => Bytes(most - least).to_string(),
            _ => figures::grouped(most - least),
        };
        let factor = match least {
            _ if most == least => return None,
            0 => String::new(),
            _ if most / least >= 1000 => ", over ×1,000".to_owned(),
            _ => format!(", ×{:.1}", most as f64 / least as f64),
        };
        Some((format!("{by} more"), factor))
    }
}

impl ComparePage {
    fn headline(&self) -> String {
        let named: Vec<&str> = self.columns.iter().map(|one| one.name.as_str()).collect();
        let what = self.query.by.nouns();
        match (self.columns.len(), self.differ) {
            (0, _) => "What is different between hosts?".to_owned(),
            (1, _) => format!("Compare {} with what?", named[0]),
            (_, 0) if self.equal == 0 => format!("No {what} are known of these."),
            (_, 0) => format!("All {} {what} are about equal.", figures::grouped(self.equal)),
            (2, _) => match self.rows.first().filter(|_| self.query.page == 1) {
                Some(first) => {
                    let most = match (first.leader(&self.columns), first.amount()) {
                        (Some(leader), Some((by, factor))) => {
                            format!("{leader} has {by} of {}{factor}", first.name)
                        }
                        _ => format!("{} most", first.name),
                    };
                    format!(
                        "{} against {}: {}; {most}.",
                        named[0],
                        named[1],
                        self.differ_in_words()
                    )
                }
                None => format!("{}.", self.differ_in_words()),
            },
            (columns, _) => format!("{} between {columns}.", self.differ_in_words()),
        }
    }

    /// `1 tag differs`, `12 tags differ`.
    fn differ_in_words(&self) -> String {
        let many = self.query.by.nouns();
        let one = many.strip_suffix('s').unwrap_or(many);
        let verb = if self.differ == 1 { "differs" } else { "differ" };
        format!("{} {verb}", figures::counted(self.differ, one, many))
    }

    fn export(&self, format: &str) -> String {
        self.query.at_path(&format!("/compare.{format}"))
    }

    fn by_url(&self, by: &CompareBy) -> String {
        CompareQuery { by: *by, page: 1, ..self.query.clone() }.url()
    }

    fn equal_url(&self) -> String {
        CompareQuery { equal: !self.query.equal, ..self.query.clone() }.url() + "#equal"
    }

    /// Hosts that can be set beside their former selves: each once, as it is now.
    fn hosts(&self) -> Vec<&HostLink> {
        let mut hosts: Vec<&HostLink> = Vec::new();
        for host in self.columns.iter().filter_map(|column| column.host.as_ref()) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }

    /// The address of a host beside its former self, compared by the same.
    fn former_url(&self, host: &HostLink, age: &str) -> String {
        links::compare_former(host.id, age) + "&by=" + self.query.by.as_str()
    }

    fn healthy_url(&self) -> String {
        self.query.url() + "&with=healthy"
    }

    fn page_url(&self, page: u64) -> String {
        CompareQuery { page, ..self.query.clone() }.url()
    }

    fn pages(&self) -> u64 {
        self.differ.div_ceil(query::PER_PAGE).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_says_who_has_more() {
        let column = |name: &str| Column {
            name: name.into(),
            host: None,
            what: String::new(),
            at: None,
            is_affected: false,
            is_known: true,
            without: String::new(),
        };
        let row = |values: [Option<u64>; 2]| Row {
            name: "Thre".into(),
            kind: None,
            meaning: None,
            values: values.map(|value| value.map(Value::Bytes)).to_vec(),
            scale: 1,
        };
        let two = [column("app-11"), column("app-12")];
        for (values, said) in [
            ([Some(9 << 30), Some(1 << 30)], Some("app-11 has 8.0 GB more, ×9.0")),
            ([Some(0), Some(1 << 30)], Some("app-12 has 1.0 GB more")),
            ([None, Some(1 << 30)], None),
            ([Some(7), Some(7)], None),
        ] {
            assert_eq!(row(values).difference(&two).as_deref(), said);
        }
        let former = [column("app-11"), column("app-11")];
        let said = row([Some(1 << 30), Some(3 << 30)]).difference(&former).unwrap();
        assert_eq!(said, "app-11 then has 2.0 GB more, ×3.0");
    }
}
