//! `/api/v1/tag-notes` and `/api/v1/pooltag.txt`: what people say of tags.

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use poolwatch_model::{HostId, PoolTag, driver_scan::FileHash, tag::TagPattern};
use poolwatch_store::{
    offered_tag_lists::{self, OfferedTagList},
    tag_notes::{NoteSource, TagNote, WrittenNote},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::people::Person, app::SharedApp, app_error::AppError, parameters::Json, tag_names,
};

/// What somebody says of a tag.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Said {
    /// The tag; what is not printable ASCII is written `\xNN`.
    tag: String,
    /// Whether `?` and `*` in it stand for other characters.
    group: bool,
    /// The driver or part of Windows that owns it.
    owner: Option<String>,
    /// What it counts.
    meaning: String,
    /// `note`, or `pooltag` when it is from an imported pooltag.txt.
    source: &'static str,
    /// Who wrote or imported it.
    by: String,
    /// When.
    #[schema(value_type = String)]
    at: Timestamp,
}

impl From<WrittenNote> for Said {
    fn from(written: WrittenNote) -> Self {
        Self {
            tag: written.note.pattern.to_string(),
            group: written.note.pattern.as_tag().is_none(),
            owner: written.note.owner,
            meaning: written.note.meaning,
            source: match written.source {
                NoteSource::Note => "note",
                NoteSource::Pooltag => "pooltag",
            },
            by: written.by,
            at: written.at,
        }
    }
}

/// A note to be kept.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct NewNote {
    /// The tag; what is not printable ASCII is written `\xNN`.
    #[schema(value_type = String)]
    tag: PoolTag,
    /// Whether `?` and `*` in it stand for other characters.
    #[serde(default)]
    group: bool,
    /// The driver or part of Windows that owns it.
    owner: Option<String>,
    /// What it counts. Without it and without an owner, the note is taken away.
    #[serde(default)]
    meaning: String,
}

/// How many entries were taken in.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Imported {
    /// Entries that are kept.
    entries: u64,
}

/// Everything that people say of tags.
#[utoipa::path(get, path = "/api/v1/tag-notes", responses((status = 200, body = [Said])))]
pub(in crate::api) async fn list(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<Said>>, AppError> {
    Ok(Json(tag_names::all(&app.pool).await?.into_iter().map(Said::from).collect()))
}

/// Keeps a note of a tag, in place of an earlier one.
#[utoipa::path(post, path = "/api/v1/tag-notes", request_body = NewNote,
    responses((status = 204), (status = 400)))]
pub(in crate::api) async fn write(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(new): Json<NewNote>,
) -> Result<StatusCode, AppError> {
    let pattern = if new.group { TagPattern::new(new.tag) } else { Some(TagPattern::of(new.tag)) };
    let pattern = pattern
        .ok_or_else(|| AppError::bad_request("A wildcard cannot be the first character."))?;
    let note = TagNote { pattern, owner: new.owner, meaning: new.meaning };
    tag_names::write(&app.tag_names, &app.pool, note, &person.name, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What people wrote of tags, as a pooltag.txt for poolmon and debuggers.
#[utoipa::path(get, path = "/api/v1/pooltag.txt",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(in crate::api) async fn export(
    State(app): State<SharedApp>,
) -> Result<impl IntoResponse, AppError> {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, tag_names::export(&app.pool).await?))
}

/// Takes an administrator's pooltag.txt in, in place of the one before.
#[utoipa::path(post, path = "/api/v1/pooltag.txt",
    request_body(content = String, content_type = "text/plain"),
    responses((status = 200, body = Imported), (status = 400)))]
pub(in crate::api) async fn import(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    text: Bytes,
) -> Result<Json<Imported>, AppError> {
    let entries =
        tag_names::import(&app.tag_names, &app.pool, text.to_vec(), &person.name, app.clock.now())
            .await?;
    Ok(Json(Imported { entries }))
}

/// A list of tags that a host has and offers.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct OfferedList {
    /// SHA-256 of the file, hexadecimal.
    #[schema(value_type = String)]
    file: FileHash,
    /// Where it lies.
    path: String,
    /// A host that has it.
    #[schema(value_type = i32)]
    host: HostId,
    /// Its entries.
    entries: u64,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// What becomes of a list that a host offers.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct OfferedListDecision {
    /// SHA-256 of the file, hexadecimal.
    #[schema(value_type = String)]
    file: FileHash,
    /// Whether it is taken in, in place of the one before; turned down otherwise.
    take: bool,
}

/// Lists of tags that hosts offer, the latest first.
#[utoipa::path(get, path = "/api/v1/offered-tag-lists",
    responses((status = 200, body = [OfferedList])))]
pub(in crate::api) async fn offered(
    State(app): State<SharedApp>,
) -> Result<Json<Vec<OfferedList>>, AppError> {
    let all = offered_tag_lists::list(&mut *app.pool.acquire().await?).await?;
    let list = |one: OfferedTagList| OfferedList {
        file: one.file.sha256,
        path: one.file.path,
        host: one.host,
        entries: one.entries,
        at: one.at,
    };
    Ok(Json(all.into_iter().map(list).collect()))
}

/// Takes a list in that a host offers, in place of the one before, or turns it down.
#[utoipa::path(post, path = "/api/v1/offered-tag-lists", request_body = OfferedListDecision,
    responses((status = 204), (status = 400), (status = 404)))]
pub(in crate::api) async fn decide(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(OfferedListDecision { file, take }): Json<OfferedListDecision>,
) -> Result<StatusCode, AppError> {
    let (names, now) = (&app.tag_names, app.clock.now());
    tag_names::decide(names, &app.pool, (file, take), &person.name, now).await?;
    Ok(StatusCode::NO_CONTENT)
}
