//! What somebody writes of a tag (`POST /tags/{tag}/note`), and whole lists of it
//! (`/tags/pooltag.txt`).

use axum::{
    Extension,
    extract::{Multipart, State},
    response::{Redirect, Response},
};
use poolwatch_model::tag::TagPattern;
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
