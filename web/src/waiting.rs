//! Hosts that are not in the fleet (`GET /hosts/waiting`): those that wait for approval, and those that
//! were refused or archived.

use askama::Template;
use jiff::Timestamp;
use poolwatch_model::host::OsVersion;

use crate::{
    HostLink, Shell, assets, figures,
    links::Address,
    list::{
        Cell, Column, Filter, List, ListQuery, ListView, Parameter, Piece, SortKey,
        SortWording::{By, Called},
        choices, plain_row,
    },
    shell::live_page,
    words,
};

/// Hosts that are not in the fleet, one page of them.
#[derive(Debug, Clone, Template)]
#[template(path = "waiting.html", blocks = ["live"])]
pub struct WaitingPage {
    /// What surrounds the page.
    pub shell: Shell,
    /// The hosts.
    pub list: ListView<CandidateRow, WaitingFilter>,
    /// Domains that most hosts of the list are of, with how many.
    pub domains: Vec<(String, u64)>,
    /// Tokens that most hosts of the list came by, with how many.
    pub tokens: Vec<(String, u64)>,
    /// Whether who looks may decide about hosts.
    pub may_decide: bool,
    /// Whether who looks may delete hosts and make rules.
    pub may_administer: bool,
}

live_page!(WaitingPage);

/// What `/hosts/waiting` takes as parameters.
pub type WaitingQuery = ListQuery<CandidateRow, WaitingFilter>;

/// Which hosts are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitingFilter {
    /// Part of a name, address, token or Windows version.
    pub q: String,
    /// Where they stand.
    pub state: WaitingState,
    /// Only hosts of this domain; empty for all.
    pub domain: String,
    /// Only hosts that came by the token of this name; empty for all.
    pub token: String,
}

impl Filter for WaitingFilter {
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        vec![
            Parameter::text("q", "Filter by text", "Name, address, token, Windows", &mut self.q),
            Parameter::choice("state", "State", &mut self.state),
            Parameter::of_links("domain", &mut self.domain),
            Parameter::of_links("token", &mut self.token),
        ]
    }
}

choices! {
    /// Which hosts to show.
    WaitingState {
        /// Nobody decided yet.
        Waiting = "waiting", "waiting";
        /// Somebody refused them.
        Refused = "refused", "refused";
        /// Somebody archived them.
        Archived = "archived", "archived";
    }
}

/// A host of the fleet that a host could be the same as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The host of the fleet.
    pub host: HostLink,
    /// Whether both told the same machine identity; else they bear one name.
    pub is_of_machine: bool,
}

impl Twin {
    /// `same machine as`, `same name as`.
    #[must_use]
    pub const fn in_words(&self) -> &'static str {
        if self.is_of_machine { "same machine identity as" } else { "same name as" }
    }
}

/// One host that is not in the fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateRow {
    /// Who it is, by its full name.
    pub host: HostLink,
    /// Its domain.
    pub domain: Option<String>,
    /// Where it came from.
    pub address: Option<String>,
    /// When it enrolled.
    pub enrolled: Timestamp,
    /// Name of the token that it came by.
    pub token: Option<String>,
    /// Version of its agent.
    pub agent_version: Option<String>,
    /// Its Windows.
    pub os: Option<OsVersion>,
    /// A host of the fleet that it could be.
    pub twin: Option<Twin>,
    /// Who decided, and when.
    pub decided: Option<(String, Timestamp)>,
}

type CandidateColumn = Column<CandidateRow>;

/// Hosts that are not in the fleet.
pub static CANDIDATES: List<CandidateRow> = List {
    nouns: ["host", "hosts"],
    class: "hosts all",
    columns: &[
        CandidateColumn::name("Host", |row| row.host.name.as_str().into(), name)
            .sort("name", By("name"))
            .file("name"),
        CandidateColumn::cell(
            "Could be",
            |row| row.twin.as_ref().map(|twin| twin.host.name.clone()).into(),
            |row, _| twin(row),
        )
        .meaning("a host of the fleet that it could be: a clone, or the same machine again")
        .sort("twin", By("the host that it could be")),
        CandidateColumn::text("Domain", |row| row.domain.as_deref())
            .sort("domain", By("domain"))
            .file("domain"),
        CandidateColumn::text("From", |row| row.address.as_deref())
            .sort("address", By("address"))
            .file("address"),
        CandidateColumn::text("Token", |row| row.token.as_deref())
            .sort("token", By("token"))
            .file("token"),
        CandidateColumn::text("Agent", |row| row.agent_version.as_deref())
            .sort("agent", By("version of the agent"))
            .file("agent_version"),
        CandidateColumn::cell(
            "Windows",
            |row| row.os.as_ref().map(ToString::to_string).into(),
            |row, _| windows(row),
        )
        .class("opt")
        .sort("os", By("Windows version"))
        .file("windows"),
        CandidateColumn::when("Enrolled", |row| Some(row.enrolled))
            .class("num")
            .sort("enrolled", Called("latest first", "first come first"))
            .file("enrolled_at"),
        CandidateColumn::cell(
            "Decided",
            |row| row.decided.as_ref().map(|(by, _)| by.clone()).into(),
            decided,
        )
        .class("opt"),
        CandidateColumn::in_files("id", |row| row.host.id.into()),
        CandidateColumn::in_files("decided_by", |row| {
            row.decided.as_ref().map(|(by, _)| by.clone()).into()
        }),
        CandidateColumn::in_files("decided_at", |row| {
            row.decided.as_ref().map(|(_, at)| *at).into()
        }),
        CandidateColumn::in_files("could_be", |row| {
            row.twin.as_ref().map(|twin| twin.host.id).into()
        }),
    ],
    first: "enrolled",
    tie: |row| SortKey::ignoring_case(&row.host.name),
    row_class: plain_row,
    file_name: "waiting-hosts",
    file_path: "",
    file_columns: "id name domain address token agent_version windows enrolled_at decided_by \
        decided_at could_be",
};

fn name(row: &CandidateRow, _: Timestamp) -> Cell {
    let host = row.host.clone();
    Cell::default()
        .and(Piece::Checkbox { host, form: "decide", label: "Select" })
        .row_link(row.host.url(), &row.host.name)
}

fn twin(row: &CandidateRow) -> Cell {
    let Some(twin) = &row.twin else { return Cell::default() };
    Cell::default()
        .span("presence silent", "", format!("◆ {}", twin.in_words()))
        .link(twin.host.url(), &twin.host.name)
}

fn windows(row: &CandidateRow) -> Cell {
    let Some(os) = &row.os else { return Cell::unknown() };
    Cell::default().span("", os.to_string(), words::os_short(os))
}

fn decided(row: &CandidateRow, now: Timestamp) -> Cell {
    let Some((by, at)) = &row.decided else { return Cell::unknown() };
    Cell::default().span("", "", by.as_str()).and(Piece::Figure("dim", figures::when(*at, &now)))
}

impl WaitingPage {
    fn headline(&self) -> String {
        let ListView { total, all, query, .. } = &self.list;
        let filter = &query.filter;
        let (verb, verbs, rest) = match filter.state {
            WaitingState::Waiting => ("waits", "wait", "for approval"),
            WaitingState::Refused => ("was", "were", "refused"),
            WaitingState::Archived => ("is", "are", "archived"),
        };
        let usual = WaitingFilter { state: filter.state, ..WaitingFilter::default() };
        if *filter != usual {
            let hosts = figures::counted(total, "host", "hosts");
            return format!("{hosts} of {} that {verbs} {rest} match.", figures::grouped(*all));
        }
        match total {
            0 => format!("No host {verb} {rest}."),
            1 => format!("1 host {verb} {rest}."),
            _ => format!("{} hosts {verbs} {rest}.", figures::grouped(*total)),
        }
    }

    fn is(&self, state: WaitingState) -> bool {
        self.list.query.filter.state == state
    }

    fn narrowed(&self, name: &str, value: &str) -> String {
        let mut filter = self.list.query.filter.clone();
        match name {
            "domain" => value.clone_into(&mut filter.domain),
            _ => value.clone_into(&mut filter.token),
        }
        self.list.query.with(filter).url()
    }

    /// The page of rules, with a rule for what is asked for.
    fn rule_url(&self) -> String {
        let filter = &self.list.query.filter;
        let name = if filter.q.is_empty() { "" } else { &format!("*{}*", filter.q) };
        Address::new("/hosts/rules").with("domain", &filter.domain).with("host_name", name).finish()
    }
}
