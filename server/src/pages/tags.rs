//! All tags of the fleet (`GET /tags`), and the same as files (`/tags.csv`, `/tags.json`).

mod export;
pub(super) mod selection;

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_model::person::Role;
use poolwatch_store::tag_notes;
use poolwatch_web::tags::{TagsPage, TagsQuery, TagsSaid, TagsSummary};

use super::{
    address,
    export::{csv_file, json_file},
    fleet::groups,
    live, ordering, shell,
};
use crate::{app::SharedApp, auth::people::Person, failure::Failure};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(query): Query<TagsQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, Failure> {
    let view = app.fleet.view();
    let selected = selection::select(app.clone(), view.clone(), query.clone()).await?;
    let shown =
        |line: &Option<selection::Chosen>| line.as_ref().map(|line| selection::line(&view, line));
    let said = if headers.contains_key("hx-request") {
        None
    } else {
        let said = tag_notes::in_short(&mut *app.pool.acquire().await?).await?;
        Some(TagsSaid {
            notes: said.notes,
            entries: said.entries,
            imported: said.imported,
            may_import: person.role >= Role::Operator,
        })
    };
    let page = TagsPage {
        shell: shell(&app, &person, address(&uri)),
        groups: groups(&view),
        summary: TagsSummary {
            total: selected.in_use,
            growing: selected.growing,
            fastest: shown(&selected.fastest),
            largest: shown(&selected.largest),
        },
        total: selected.lines.len() as u64,
        rows: ordering::page(&selected.lines, &query)
            .map(|line| selection::line(&view, line))
            .collect(),
        said,
        query,
    };
    live(&page, &headers)
}

/// All tags of a query as CSV.
pub(super) async fn csv(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<TagsQuery>,
) -> Result<Response, Failure> {
    csv_file("tags", &plain_rows(app, query).await?)
}

/// All tags of a query as JSON.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<TagsQuery>,
) -> Result<Response, Failure> {
    json_file("tags", &plain_rows(app, query).await?)
}

async fn plain_rows(app: SharedApp, query: TagsQuery) -> Result<Vec<export::PlainRow>, Failure> {
    let view = app.fleet.view();
    let selected = selection::select(app, view.clone(), query).await?;
    let rows = selected.lines.iter();
    Ok(rows.map(|line| export::PlainRow::of(selection::line(&view, line))).collect())
}
