//! The log of who did what (`GET /settings/audit`).

use askama::Template;
use jiff::Timestamp;

use crate::{
    Shell, assets, figures,
    list::{
        Cell, Column, Filter, List, ListQuery, ListView, Parameter, SortKey, choices, plain_row,
    },
};

/// Entries, latest first.
#[derive(Debug, Clone, Template)]
#[template(path = "settings/audit.html")]
pub struct AuditPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The entries.
    pub list: ListView<AuditRow, AuditListFilter>,
}

/// What `/settings/audit` and its files take as parameters.
pub type AuditQuery = ListQuery<AuditRow, AuditListFilter>;

/// Which entries are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditListFilter {
    /// Part of a person, token or address.
    pub who: String,
    /// Part of what was done, to what, or of the details.
    pub what: String,
    /// What became of it.
    pub outcome: AuditOutcome,
}

impl Filter for AuditListFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::text("who", "Who", "Person, token, address", &mut self.who),
            Parameter::text("what", "What", "Action, target, detail", &mut self.what),
            Parameter::choice("outcome", "Outcome", &mut self.outcome),
        ]
    }
}

choices! {
    /// What became of it.
    AuditOutcome {
        /// Whatever.
        All = "all", "all outcomes";
        /// It is under way, or was cut off.
        Begun = "begun", "begun";
        /// It was done.
        Done = "done", "done";
        /// It was not allowed, or made no sense.
        Refused = "refused", "refused";
        /// The server could not do it.
        Failed = "failed", "failed";
    }
}

/// An entry in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From which address.
    pub address: String,
    /// What was tried.
    pub action: String,
    /// What it was done to.
    pub target: String,
    /// `begun`, `done`, `refused` or `failed`.
    pub outcome: &'static str,
    /// What was changed, or why not.
    pub detail: String,
    /// Number of the request.
    pub request_id: String,
}

type AuditColumn = Column<AuditRow>;

/// The log.
pub static AUDIT: List<AuditRow> = List {
    nouns: ["entry", "entries"],
    class: "audit",
    columns: &[
        AuditColumn::when("Time", |row| Some(row.at)).file("at"),
        AuditColumn::text("Who", |row| Some(&row.actor)).class("wide").file("actor"),
        AuditColumn::text("From", |row| Some(&row.address)).file("address"),
        AuditColumn::text("Action", |row| Some(&row.action)).class("wide").file("action"),
        AuditColumn::text("On", |row| Some(&row.target)).class("wide").file("target"),
        AuditColumn::cell(
            "Outcome",
            |row| row.outcome.into(),
            |row, _| match row.outcome {
                "done" => Cell::text("done"),
                other => Cell::default().span("severity warning", "", format!("◆ {other}")),
            },
        )
        .file("outcome"),
        AuditColumn::text("Detail", |row| Some(&row.detail)).class("wide").file("detail"),
        AuditColumn::cut("Request", |row| Some(row.request_id.clone())).file("request_id"),
    ],
    first: "",
    tie: |_| SortKey::Number(0),
    row_class: plain_row,
    file_name: "audit",
    file_path: "",
    file_columns: "at actor address action target outcome detail request_id",
};

impl AuditPage {
    fn headline(&self) -> String {
        let total = self.list.total;
        match (total, self.list.query.is_filtered()) {
            (0, true) => "No entry matches.".to_owned(),
            (_, false) => format!(
                "{}: what people and scripts changed.",
                figures::counted(total, "entry", "entries")
            ),
            (_, true) => {
                format!("{}.", figures::counted(total, "entry matches", "entries match"))
            }
        }
    }
}
