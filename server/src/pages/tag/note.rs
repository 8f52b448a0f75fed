//! What somebody writes of a tag (`POST /tags/{tag}/note`), and whole lists of it
//! (`/tags/pooltag.txt`).

use axum::{
    Extension,
    extract::{Multipart, State},
    response::{Redirect, Response},
};
use poolwatch_model::{driver_scan::FileHash, tag::TagPattern};
use poolwatch_store::tag_notes::TagNote;
use poolwatch_web::links;
use serde::Deserialize;

use super::read;
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    pages::export::download,
    parameters::{Form, Path},
    tag_names,
};

/// What the form sends.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Said {
    meaning: String,
    owner: String,
}

/// Keeps a note, or takes it away.
pub(in crate::pages) async fn write(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(tag): Path<String>,
    Form(Said { meaning, owner }): Form<Said>,
) -> Result<Redirect, AppError> {
    let tag = read(&tag)?;
    let note = TagNote { pattern: TagPattern::of(tag), owner: Some(owner), meaning };
    tag_names::write(&app.tag_names, &app.pool, note, &person.name, app.clock.now()).await?;
    Ok(Redirect::to(&links::tag(&tag)))
}

/// What people wrote here, as a pooltag.txt.
pub(in crate::pages) async fn export(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
) -> Result<Response, AppError> {
    let text = tag_names::export(&app.pool).await?;
    Ok(download("text/plain; charset=utf-8", "pooltag.txt", text.into_bytes()))
}

/// Takes a pooltag.txt in, in place of the one before.
pub(in crate::pages) async fn import(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    mut sent: Multipart,
) -> Result<Redirect, AppError> {
    let refused =
        || AppError::bad_request("The file did not arrive whole, or is larger than 4 MB.");
    let field = sent.next_field().await.map_err(|_| refused())?.ok_or_else(refused)?;
    let text = field.bytes().await.map_err(|_| refused())?;
    tag_names::import(&app.tag_names, &app.pool, text.to_vec(), &person.name, app.clock.now())
        .await?;
    Ok(Redirect::to("/tags#lists"))
}

/// What becomes of a list that a host offers.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Decision {
    file: FileHash,
    /// Taken in if it is there, turned down otherwise.
    take: Option<String>,
}

/// Takes a list in that a host offers, in place of the one before, or turns it down.
pub(in crate::pages) async fn decide(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(Decision { file, take }): Form<Decision>,
) -> Result<Redirect, AppError> {
    let (names, now) = (&app.tag_names, app.clock.now());
    tag_names::decide(names, &app.pool, (file, take.is_some()), &person.name, now).await?;
    Ok(Redirect::to("/tags#lists"))
}
