//! Who is told: added, removed, and asked by a test.

use axum::{Extension, extract::State, response::Redirect};
use poolwatch_model::alerting::RecipientId;

use super::back_to;
use crate::{
    access::people::Person,
    alert_setup::recipients::{self as setup, RecipientDraft, test::TestedRecipient},
    app::SharedApp,
    app_error::AppError,
    parameters::{Form, Path},
};

/// Adds a recipient.
pub(in crate::pages) async fn add(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(draft): Form<RecipientDraft>,
) -> Result<Redirect, AppError> {
    setup::add(&app, &draft, &person.name, app.clock.now()).await?;
    Ok(back_to("recipients"))
}

/// Takes a recipient away.
pub(in crate::pages) async fn remove(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Redirect, AppError> {
    setup::remove(&app, RecipientId(id)).await?;
    Ok(back_to("recipients"))
}

/// Sends a test on the way that every message goes, and waits for what the other side says.
pub(in crate::pages) async fn test(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(tested): Form<TestedRecipient>,
) -> Result<Redirect, AppError> {
    setup::test::send(&app, &tested, &person.name).await?;
    Ok(back_to("recipients"))
}
