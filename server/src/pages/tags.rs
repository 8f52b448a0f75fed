//! All tags of the fleet (`GET /tags`), and the same as files (`/tags.csv`, `/tags.json`).

pub(super) mod selection;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_model::person::Role;
use poolwatch_store::{offered_tag_lists, tag_notes};
use poolwatch_web::{
    list::ListView,
    tags::{OfferedList, TAGS, TagsPage, TagsSaid, TagsSummary},
};

use super::{
    address,
    groups::group_names,
    lists::{self, Parameters},
    live, rows, shell, views,
};
use crate::{
    access::people::Person, app::SharedApp, app_error::AppError, fleet::visible::VisibleFleet,
};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let query = lists::read(&TAGS, "/tags", &parameters)?;
    let is_whole = visible.is_whole();
    let view = visible.view;
    let selected = selection::select(app.clone(), view.clone(), &query).await?;
    let shown =
        |line: &Option<selection::Chosen>| line.as_ref().map(|line| selection::line(&view, line));
    let said = if headers.contains_key("hx-request") {
        None
    } else {
        let mut db = app.pool.acquire().await?;
        let said = tag_notes::in_short(&mut db).await?;
        let may_import = person.role >= Role::Operator && is_whole;
        let offered = match may_import {
            true => offered_tag_lists::list(&mut db).await?,
            false => Vec::new(),
        };
        let offered = offered.into_iter().map(|one| OfferedList {
            file: one.file.sha256,
            host: rows::link_to(&view, one.host),
            path: one.file.path,
            entries: one.entries,
            at: one.at,
        });
        Some(TagsSaid {
            notes: said.notes,
            entries: said.entries,
            imported: said.imported,
            may_import,
            offered: offered.collect(),
        })
    };
    let page = TagsPage {
        shell: shell(&app, &person, address(&uri)),
        list: ListView {
            groups: group_names(&view),
            all: selected.in_use,
            views: views::of_list(&app, &person, &headers, "/tags").await?,
            ..lists::page(query, &selected.lines, |line| selection::line(&view, line))
        },
        summary: TagsSummary {
            total: selected.in_use,
            growing: selected.growing,
            fastest: shown(&selected.fastest),
            largest: shown(&selected.largest),
        },
        said,
    };
    live(&page, &headers)
}

/// All tags of a query.
pub(super) async fn file(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&TAGS, "/tags", &parameters)?;
    let view = visible.view;
    let found = selection::select(app, view.clone(), &query).await?;
    lists::file(&TAGS, &found.lines, |line| selection::line(&view, line), &uri)
}
