//! Maintenance windows that recur: added and removed.

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::alerting::WindowId;

use super::back_to;
use crate::{
    access::people::Person,
    alert_setup::windows::{self as setup, WindowDraft},
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// Adds a window.
pub(in crate::pages) async fn add_window(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(draft): Form<WindowDraft>,
) -> Result<Redirect, AppError> {
    setup::add(&app, &draft, &person.name, app.clock.now()).await?;
    Ok(back_to("windows"))
}

/// Takes one away. Its silence that goes on does.
pub(in crate::pages) async fn remove_window(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    setup::remove(&app, WindowId(id), app.clock.now()).await?;
    Ok(back_to("windows"))
}
