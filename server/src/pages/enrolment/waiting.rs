//! Hosts that are not in the fleet (`GET /hosts/waiting`), and the same as files.

use std::{cmp::Reverse, collections::HashMap};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use jiff::Timestamp;
use poolwatch_model::person::Role;
use poolwatch_store::{
    enrolment::{self, Candidate},
    hosts::Standing,
};
use poolwatch_web::{
    HostLink,
    list::ListView,
    waiting::{
        CANDIDATES, CandidateRow, Twin, WaitingFilter, WaitingPage, WaitingQuery, WaitingState,
    },
};
use sqlx::PgConnection;

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::{view::FleetView, visible::VisibleFleet},
    pages::{
        address,
        lists::{self, Parameters},
        live, rows, shell,
        text_match::holds_ignoring_case,
        views,
    },
};

/// Domains and tokens that are offered to narrow the list.
const OFFERED: usize = 3;

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let query: WaitingQuery = lists::read(&CANDIDATES, "/hosts/waiting", &parameters)?;
    let mut db = app.pool.acquire().await?;
    let all = load(&mut db, &visible, query.filter.state).await?;
    drop(db);
    let found = select(&all, &query);
    let page = WaitingPage {
        shell: shell(&app, &person, address(&uri)),
        domains: most_frequent(&found, |row| row.domain.as_deref(), &query.filter.domain),
        tokens: most_frequent(&found, |row| row.token.as_deref(), &query.filter.token),
        list: ListView {
            all: all.len() as u64,
            views: views::of_list(&app, &person, &headers, "/hosts/waiting").await?,
            ..lists::page(query, &found, |row| (*row).clone())
        },
        may_decide: person.role >= Role::Operator,
        may_administer: person.role >= Role::Admin,
    };
    live(&page, &headers)
}

/// All hosts of a query.
pub(in crate::pages) async fn file(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query: WaitingQuery = lists::read(&CANDIDATES, "/hosts/waiting", &parameters)?;
    let all = load(&mut *app.pool.acquire().await?, &visible, query.filter.state).await?;
    lists::file(&CANDIDATES, &select(&all, &query), |row| (*row).clone(), &uri)
}

/// The ids of the hosts that a filter means, of those that had enrolled at a time.
pub(super) async fn matching(
    app: &SharedApp,
    visible: &VisibleFleet,
    filter: WaitingFilter,
    until: Timestamp,
) -> Result<Vec<poolwatch_model::HostId>, AppError> {
    let query = WaitingQuery::new(&CANDIDATES, "/hosts/waiting", filter);
    let all = load(&mut *app.pool.acquire().await?, visible, query.filter.state).await?;
    let found = select(&all, &query).into_iter();
    Ok(found.filter(|row| row.enrolled <= until).map(|row| row.host.id).collect())
}

async fn load(
    db: &mut PgConnection,
    visible: &VisibleFleet,
    state: WaitingState,
) -> Result<Vec<CandidateRow>, AppError> {
    let standing = match state {
        WaitingState::Waiting => Standing::Waiting,
        WaitingState::Refused => Standing::Refused,
        WaitingState::Archived => Standing::Archived,
    };
    let all = enrolment::list(db, Some(standing), None, None, enrolment::LISTED).await?;
    let shown = all.into_iter().filter(|one| visible.shows_candidate(one));
    Ok(shown.map(|one| row(&visible.view, one)).collect())
}

/// A host as the page shows it.
pub(super) fn row(view: &FleetView, candidate: Candidate) -> CandidateRow {
    let twin = |id, is_of_machine| Twin { host: rows::link_to(view, id), is_of_machine };
    CandidateRow {
        domain: candidate.facts.domain(),
        host: HostLink { id: candidate.id, name: candidate.facts.fqdn },
        address: candidate.address.map(|address| address.to_string()),
        enrolled: candidate.enrolled_at,
        token: candidate.token.map(|(_, name)| name),
        agent_version: candidate.facts.agent_version,
        os: candidate.facts.os,
        twin: candidate
            .twin_of_machine
            .map(|id| twin(id, true))
            .or(candidate.twin_of_name.map(|id| twin(id, false))),
        decided: candidate.decided,
    }
}

fn select<'a>(all: &'a [CandidateRow], query: &WaitingQuery) -> Vec<&'a CandidateRow> {
    let mut found: Vec<&CandidateRow> =
        all.iter().filter(|row| is_chosen(row, &query.filter)).collect();
    query.sort(&mut found, |row| (*row).clone());
    found
}

fn is_chosen(row: &CandidateRow, filter: &WaitingFilter) -> bool {
    let text = filter.q.trim().to_lowercase();
    let is = |wanted: &str, value: Option<&str>| wanted.is_empty() || value == Some(wanted);
    let os = row.os.as_ref().map(ToString::to_string);
    let mut texts =
        [Some(row.host.name.as_str()), row.address.as_deref(), row.token.as_deref(), os.as_deref()]
            .into_iter()
            .flatten();
    is(&filter.domain, row.domain.as_deref())
        && is(&filter.token, row.token.as_deref())
        && (text.is_empty() || texts.any(|value| holds_ignoring_case(value, &text)))
}

/// The values that most rows have, with how many; none where the list is narrowed to one already.
fn most_frequent(
    rows: &[&CandidateRow],
    value: impl Fn(&CandidateRow) -> Option<&str>,
    chosen: &str,
) -> Vec<(String, u64)> {
    if !chosen.is_empty() {
        return Vec::new();
    }
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for value in rows.iter().filter_map(|row| value(row)) {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(value, count)| (Reverse(*count), *value));
    counts.into_iter().take(OFFERED).map(|(value, count)| (value.to_owned(), count)).collect()
}
