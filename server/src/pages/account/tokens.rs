//! One's own tokens (`/account/tokens`).

use axum::{
    Extension,
    extract::State,
    response::{Redirect, Response},
};

use super::owner;
use crate::{
    access::{audit::AuditNote, people::Person},
    accounts::tokens,
    app::SharedApp,
    app_error::AppError,
    pages::settings::tokens::{NewToken, show_created},
    parameters::{Form, Path},
};

/// Makes one, which is shown once.
pub(in crate::pages) async fn create(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(token): Form<NewToken>,
) -> Result<Response, AppError> {
    let (user, _) = owner(&person)?;
    show_created(&app, &person, &token, Some(user), ("/account", "Your account")).await
}

/// Revokes one.
pub(in crate::pages) async fn revoke(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
) -> Result<(Extension<AuditNote>, Redirect), AppError> {
    let (user, _) = owner(&person)?;
    let name = tokens::revoke(&app, id, Some(user)).await?;
    Ok((Extension(AuditNote::new(name, "revoked")), Redirect::to("/account#tokens")))
}
