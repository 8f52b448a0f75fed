//! Who was refused lately (`GET /settings/refusals`).

use axum::{Extension, extract::State, http::Uri, response::Html};
use poolwatch_web::{
    Page,
    settings::refusals::{RefusalRow, RefusalsPage},
};

use super::{address, shell};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    pages::rows,
    refusals::{Refusal, RefusedParty},
};

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let view = app.fleet.view();
    let row = |refusal: Refusal| RefusalRow {
        host: match refusal.party {
            RefusedParty::Host(id) => Some(rows::link_to(&view, id)),
            RefusedParty::Address(_) | RefusedParty::Person(_) => None,
        },
        who: refusal.party.to_string(),
        title: refusal.title,
        reason: refusal.reason,
        asked: refusal.asked,
        times: refusal.times,
        last: refusal.last,
    };
    let rows = app.refusals.list().into_iter().map(row).collect();
    Ok(Html(RefusalsPage { shell: shell(&app, &person, address(&uri)), rows }.render()?))
}
