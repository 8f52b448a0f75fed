//! The log of who did what (`/settings/audit`).

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Response},
};
use poolwatch_store::audit::{self, AuditEntry, AuditFilter, Outcome};
use poolwatch_web::{
    Page,
    list::{ListView, PER_PAGE},
    settings::audit::{AUDIT, AuditListFilter, AuditOutcome, AuditPage, AuditRow},
};

use super::{address, shell};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    pages::lists::{self, Parameters},
};

const PATH: &str = "/settings/audit";
/// Entries per page.
const ROWS: i64 = PER_PAGE as i64;
/// Pages beyond this are not worth the database's work.
const MOST_PAGES: u32 = 1000;
/// Entries of one file.
const FILE_ROWS: i64 = 50_000;

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let query = lists::read(&AUDIT, PATH, &parameters)?;
    let filter = filter(&query.filter);
    let offset = i64::from(query.page().clamp(1, MOST_PAGES) - 1) * ROWS;
    let mut db = app.pool.acquire().await?;
    let total = audit::count(&mut db, &filter).await?;
    let found = audit::list(&mut db, &filter, ROWS, offset).await?;
    drop(db);
    let rows = found.into_iter().map(|(_, entry)| row(&entry)).collect();
    let list = ListView::new(query, rows, total);
    Ok(Html(AuditPage { shell: shell(&app, &person, address(&uri)), list }.render()?))
}

/// The latest entries of a query as a file.
pub(in crate::pages) async fn file(
    State(app): State<SharedApp>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&AUDIT, PATH, &parameters)?;
    let filter = filter(&query.filter);
    let found = audit::list(&mut *app.pool.acquire().await?, &filter, FILE_ROWS, 0).await?;
    lists::file(&AUDIT, &found, |(_, entry)| row(entry), &uri)
}

fn filter(asked: &AuditListFilter) -> AuditFilter {
    AuditFilter {
        who: asked.who.trim().to_owned(),
        what: asked.what.trim().to_owned(),
        outcome: match asked.outcome {
            AuditOutcome::All => None,
            AuditOutcome::Begun => Some(Outcome::Begun),
            AuditOutcome::Done => Some(Outcome::Done),
            AuditOutcome::Refused => Some(Outcome::Refused),
            AuditOutcome::Failed => Some(Outcome::Failed),
        },
        before: None,
    }
}

fn row(entry: &AuditEntry) -> AuditRow {
    let AuditEntry { at, actor, address, action, target, outcome, detail, request_id } = entry;
    AuditRow {
        at: *at,
        actor: actor.clone(),
        address: address.clone(),
        action: action.clone(),
        target: target.clone(),
        outcome: outcome.as_str(),
        detail: detail.clone(),
        request_id: request_id.clone(),
    }
}
