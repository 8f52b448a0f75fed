//! One's own second factor (`/account/second-factor`).

use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_store::{people::User, second_factors};
use poolwatch_web::{
    Page,
    account::{SecondFactorPage, SecretPage},
};
use serde::Deserialize;

use super::{find_user, refuse, shell};
use crate::{
    access::{audit::AuditNote, people::Person},
    accounts::{passwords, second_factor},
    app::SharedApp,
    app_error::AppError,
    auth::second_factor::Authenticator,
    parameters::Form,
};

const PATH: &str = "/account/second-factor";

/// What turning it on takes.
#[derive(Deserialize)]
pub(in crate::pages) struct Proposal {
    sealed: String,
    code: String,
}

/// What turning it off takes.
#[derive(Deserialize)]
pub(in crate::pages) struct Confirmation {
    password: String,
}

/// Shows a new authenticator's secret.
pub(in crate::pages) async fn propose(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
) -> Result<Html<String>, AppError> {
    let user = find_user(&app, &person).await?;
    if user.sealed_totp.is_some() {
        return Err(AppError::bad_request("A second factor is on. Turn it off first."));
    }
    let (authenticator, sealed) = second_factor::propose(&app, &user)?;
    Ok(Html(page(&app, &person, &authenticator, sealed, None)?.render()?))
}

/// Turns it on once the code is right, and shows the recovery codes.
pub(in crate::pages) async fn enable(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(Proposal { sealed, code }): Form<Proposal>,
) -> Result<Response, AppError> {
    let user = find_user(&app, &person).await?;
    if user.sealed_totp.is_some() {
        return Err(AppError::bad_request("A second factor is on. Turn it off first."));
    }
    let authenticator = second_factor::reopen(&app, &user, &sealed)?;
    let Some(codes) = second_factor::enable(&app, &user, &authenticator, &code).await? else {
        let error = Some("The code is wrong. Type the one that the app shows now.");
        let page = page(&app, &person, &authenticator, sealed, error)?;
        return Ok((StatusCode::BAD_REQUEST, Html(page.render()?)).into_response());
    };
    let User { email, .. } = user;
    let page = SecretPage {
        shell: shell(&app, &person, PATH.to_owned()),
        headline: "The second factor is on. Keep these recovery codes.".into(),
        advice: "Each opens the account once, in the place of the authenticator's code. Print \
                 them, or put them where your passwords are."
            .into(),
        secrets: codes,
        back: ("/account", "Your account"),
    };
    let note = AuditNote::new(email, "second factor on");
    Ok((Extension(note), Html(page.render()?)).into_response())
}

/// Turns it off, by the password.
pub(in crate::pages) async fn disable(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(Confirmation { password }): Form<Confirmation>,
) -> Result<Response, AppError> {
    let user = find_user(&app, &person).await?;
    if !passwords::is_right(&app, &user, password).await? {
        return refuse(&app, &person, "The password is wrong.".to_owned()).await;
    }
    second_factors::disable(&mut *app.pool.acquire().await?, user.id).await?;
    let note = AuditNote::new(user.email, "second factor off");
    Ok((Extension(note), Redirect::to("/account")).into_response())
}

fn page(
    app: &SharedApp,
    person: &Person,
    authenticator: &Authenticator,
    sealed: String,
    error: Option<&'static str>,
) -> Result<SecondFactorPage, AppError> {
    Ok(SecondFactorPage {
        shell: shell(app, person, PATH.to_owned()),
        secret: authenticator.in_base32(),
        sealed,
        modules: authenticator.modules().map_err(AppError::internal)?,
        error,
    })
}
