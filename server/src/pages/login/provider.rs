//! Signing in by an identity provider (`/login/provider`, `/login/provider/done`).

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{
    audit::{self, Outcome},
    people::{self, ProvidedPerson, ProvidedSignIn},
};
use poolwatch_web::login::LoginError;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tracing::{info, warn};

use super::{SIGN_IN, finish, local, refuse, signed_in};
use crate::{
    access::{
        audit::{Attempt, AuditNote, RequestOrigin},
        people::cookie,
    },
    app::{App, SharedApp},
    app_error::AppError,
    pages::sessions::set_cookie,
    parameters::Query,
    sign_in_provider::{self, Authorization, ProviderIdentity, SignInProvider},
};

/// What the browser's cookie is sealed for.
const PURPOSE: &str = "sign-in by provider";
/// How long somebody may take at the provider.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(15);
/// Characters of what a provider says that are shown.
const SAID_CHARS: usize = 300;

/// What `GET /login/provider` takes.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Arrival {
    #[serde(default)]
    next: String,
}

/// What the provider sends back.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Return {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    error: Option<String>,
    error_description: Option<String>,
}

/// What the browser keeps meanwhile, sealed.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    authorization: Authorization,
    next: String,
    at: Timestamp,
}

fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-poolwatch-provider" } else { "poolwatch-provider" }
}

fn back(app: &App) -> String {
    format!("{}/login/provider/done", app.settings.public_url)
}

/// The provider that people sign in by, where there is one.
pub(in crate::pages) async fn current(app: &App) -> Result<Option<SignInProvider>, AppError> {
    if let Some(fixed) = &app.settings.sign_in_provider {
        return Ok(Some(fixed.clone()));
    }
    let mut db = app.pool.acquire().await?;
    match sign_in_provider::load(&mut db, &app.sealing_key).await {
        Ok(found) => Ok(found.map(|(provider, _)| provider)),
        Err(error) => {
            warn!("Nobody can sign in by the identity provider: {error:#}");
            Ok(None)
        }
    }
}

async fn require(app: &App) -> Result<SignInProvider, AppError> {
    current(app).await?.ok_or_else(|| AppError::not_found("No identity provider is set"))
}

/// Sends the browser to the provider.
pub(in crate::pages) async fn begin(
    State(app): State<SharedApp>,
    Query(Arrival { next }): Query<Arrival>,
) -> Result<Response, AppError> {
    let provider = require(&app).await?;
    let authorization = match provider.begin(&app.provider_cache, &back(&app)).await {
        Ok(authorization) => authorization,
        Err(error) => {
            warn!(%error, "Could not begin a sign-in by the identity provider");
            let error = LoginError::Provider(error.to_string());
            return refuse(&app, StatusCode::BAD_GATEWAY, String::new(), next, error).await;
        }
    };
    let url = authorization.url.clone();
    let begun = Begun { authorization, next: local(&next).to_owned(), at: app.clock.now() };
    let text = serde_json::to_vec(&begun).map_err(AppError::internal)?;
    let sealed = app.sealing_key.seal(PURPOSE, &text).map_err(AppError::internal)?;
    let secure = app.settings.secure;
    let kept = set_cookie(cookie_name(secure), &hex::encode(sealed), GOOD_FOR, secure);
    Ok((AppendHeaders([(header::SET_COOKIE, kept)]), Redirect::to(&url)).into_response())
}

/// Begins the session of whom the provider sends back.
pub(in crate::pages) async fn done(
    State(app): State<SharedApp>,
    origin: RequestOrigin,
    headers: HeaderMap,
    Query(returned): Query<Return>,
) -> Result<Response, AppError> {
    let provider = require(&app).await?;
    let secure = app.settings.secure;
    let begun = cookie(&headers, cookie_name(secure)).and_then(|sealed| open(&app, sealed));
    let is_same = |begun: &Begun| {
        bool::from(begun.authorization.state.as_bytes().ct_eq(returned.state.as_bytes()))
    };
    let Some(begun) = begun.filter(is_same) else {
        return refuse_with(&app, LoginError::Expired).await;
    };
    if let Some(error) = &returned.error {
        let said = returned.error_description.as_deref().unwrap_or(error);
        let said: String = said.chars().filter(|c| !c.is_control()).take(SAID_CHARS).collect();
        return refuse_with(&app, LoginError::Provider(format!("The identity provider: {said}")))
            .await;
    }
    let finished = provider
        .finish(&app.provider_cache, &back(&app), &begun.authorization, returned.code)
        .await;
    let identity = match finished {
        Ok(identity) => identity,
        Err(error) => {
            warn!(%error, address = origin.address, "Could not end a sign-in by the provider");
            return refuse_with(&app, LoginError::Provider(error.to_string())).await;
        }
    };
    match sign_in(&app, &provider, &identity, &origin).await? {
        Ok(user) => {
            let mut response = finish(&app, &user, &headers, &origin, &begun.next, None).await?;
            let over = set_cookie(cookie_name(secure), "", SignedDuration::ZERO, secure);
            let over = over.parse().map_err(AppError::internal)?;
            response.headers_mut().append(header::SET_COOKIE, over);
            Ok(response)
        }
        Err(why) => {
            info!(email = identity.email, address = origin.address, why, "Refused a sign-in");
            let attempt = Attempt::new(&identity.email, SIGN_IN, &identity.subject, &origin);
            attempt.record(&app, Outcome::Refused, AuditNote::new("", why)).await?;
            refuse_with(&app, LoginError::Provider(why.to_owned())).await
        }
    }
}

fn open(app: &App, sealed: &str) -> Option<Begun> {
    let opened = app.sealing_key.open_sealed(PURPOSE, &hex::decode(sealed).ok()?)?;
    let begun: Begun = serde_json::from_slice(&opened).ok()?;
    let age = app.clock.now().duration_since(begun.at);
    (SignedDuration::ZERO..GOOD_FOR).contains(&age).then_some(begun)
}

/// The person of an identity, with what the audit log says of that, or why they may not sign in.
async fn sign_in(
    app: &App,
    provider: &SignInProvider,
    identity: &ProviderIdentity,
    origin: &RequestOrigin,
) -> Result<Result<people::User, &'static str>, AppError> {
    let Some((role, scope)) = provider.role_of(&identity.groups) else {
        return Ok(Err("None of your groups may use Poolwatch. Ask an administrator."));
    };
    let name: String = identity.name.chars().filter(|c| !c.is_control()).take(100).collect();
    let email: String = identity.email.chars().filter(|c| !c.is_control()).take(254).collect();
    let person = ProvidedPerson {
        issuer: &identity.issuer,
        subject: &identity.subject,
        email: &email,
        name: name.trim(),
        role,
        scope: &scope,
    };
    let mut transaction = app.pool.begin().await?;
    let found = people::sign_in_provided(&mut transaction, &person, app.clock.now()).await?;
    match found {
        ProvidedSignIn::Done(user) => {
            let entry = signed_in(app, &user, origin, &format!("by {}", identity.issuer));
            audit::add(&mut transaction, &entry).await?;
            transaction.commit().await?;
            app.callers.forget_all();
            Ok(Ok(*user))
        }
        ProvidedSignIn::Disabled => Ok(Err("An administrator disabled your account.")),
        ProvidedSignIn::Taken => {
            Ok(Err("Another account has your e-mail address. Sign in by its password, or have an \
             administrator delete it."))
        }
    }
}

async fn refuse_with(app: &App, error: LoginError) -> Result<Response, AppError> {
    refuse(app, StatusCode::UNAUTHORIZED, String::new(), String::new(), error).await
}
