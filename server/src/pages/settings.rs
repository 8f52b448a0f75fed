//! What administrators set (`/settings`).

pub(super) mod audit;
pub(super) mod groups;
pub(super) mod mail;
pub(super) mod people;
pub(super) mod refusals;
pub(super) mod retention;
mod scope;
pub(super) mod server;
pub(super) mod sign_in;
pub(super) mod tokens;

use axum::{Extension, extract::State, http::Uri, response::Html};
use poolwatch_web::{Page, settings::SettingsPage};

use super::{address, shell};
use crate::{access::people::Person, app::SharedApp, app_error::AppError};

/// The overview.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    Ok(Html(SettingsPage { shell: shell(&app, &person, address(&uri)) }.render()?))
}
