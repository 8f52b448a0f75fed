//! `/api/v1/settings/…`: mail server, retention and identity provider.

use axum::{Extension, extract::State, http::StatusCode};
use jiff::Timestamp;
use poolwatch_model::{HostGroupId, person::Role};
use poolwatch_web::settings::mail::MailServerView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{audit::AuditNote, people::Person},
    accounts::mails,
    app::SharedApp,
    app_error::AppError,
    mail_server::{self, MailServerDraft},
    parameters::Json,
    retention_setting::{self, RetentionDays},
    sign_in_provider::{self, ClaimRule, SignInProvider},
};

/// The mail server, without its password.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct MailInfo {
    /// Whether the command line or environment sets it: then it is changed there.
    is_fixed: bool,
    /// Its name; empty where none is set.
    host: String,
    /// Its port; the usual one without it.
    port: Option<u16>,
    /// `starttls`, `tls` or `none`.
    security: String,
    /// User to sign in as.
    user: String,
    /// Whether a password is kept.
    has_password: bool,
    /// Sender.
    from: String,
}

/// Whom a test goes to.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::api) struct TestRecipient {
    /// E-mail address.
    to: String,
}

/// What the mail server said of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct TestAnswer {
    /// Whether it took the mail.
    accepted: bool,
    /// Its own words.
    answer: String,
}

/// How long data are kept; what is `null` is as usual.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct RetentionText {
    /// Hours of every snapshot, 24 to 9600.
    full_hours: Option<u16>,
    /// Days of points of 10 minutes, 8 to 800.
    ten_minute_days: Option<u16>,
    /// Days of points of an hour, 30 to 7300.
    hourly_days: Option<u16>,
}

impl From<RetentionDays> for RetentionText {
    fn from(days: RetentionDays) -> Self {
        let RetentionDays { full_hours, ten_minute_days, hourly_days } = days;
        Self { full_hours, ten_minute_days, hourly_days }
    }
}

/// How long data are kept, by whom.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct RetentionInfo {
    /// What holds now.
    current: RetentionText,
    /// What the console or a script set.
    set: RetentionText,
    /// What the command line or environment says, which counts first.
    fixed: RetentionText,
}

/// An identity provider, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ProviderInfo {
    /// Whether the command line or environment sets it: then it is changed there.
    is_fixed: bool,
    /// Its address; empty where none is set.
    issuer: String,
    /// As what this server is known to it.
    client_id: String,
    /// Whether it shares a secret with this server.
    has_secret: bool,
    /// What it is asked for beside `openid`.
    scopes: String,
    /// The claim that holds groups.
    groups_claim: String,
    /// Who may do what.
    rules: Vec<RoleRule>,
    /// When it was set.
    #[schema(value_type = Option<String>, format = DateTime)]
    changed: Option<Timestamp>,
}

/// An identity provider as it is to be.
#[derive(Deserialize, ToSchema)]
pub(in crate::api) struct ProviderText {
    /// Its address; empty for none.
    issuer: String,
    /// As what this server is known to it.
    #[serde(default)]
    client_id: String,
    /// What it shares with this server; without it, what is kept for the same provider and client.
    secret: Option<String>,
    /// What it is asked for beside `openid`.
    #[serde(default)]
    scopes: String,
    /// The claim that holds groups; `groups` without it.
    #[serde(default)]
    groups_claim: String,
    /// Who may do what.
    #[serde(default)]
    rules: Vec<RoleRule>,
}

/// What a person may do who has a group or role at the provider.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(in crate::api) struct RoleRule {
    /// The group or role, as the claim names it.
    value: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(value_type = String)]
    role: Role,
    /// Numbers of the groups of hosts that the person sees; `null` for all.
    #[schema(value_type = Option<Vec<i32>>)]
    groups: Option<Vec<HostGroupId>>,
}

impl From<ClaimRule> for RoleRule {
    fn from(ClaimRule { value, role, groups }: ClaimRule) -> Self {
        Self { value, role, groups }
    }
}

impl From<RoleRule> for ClaimRule {
    fn from(RoleRule { value, role, groups }: RoleRule) -> Self {
        Self { value, role, groups }
    }
}

type Noted<T> = Result<(Extension<AuditNote>, T), AppError>;

/// The mail server.
#[utoipa::path(get, path = "/api/v1/settings/mail", responses((status = 200, body = MailInfo)))]
pub(in crate::api) async fn mail(State(app): State<SharedApp>) -> Result<Json<MailInfo>, AppError> {
    let MailServerView { is_fixed, host, port, security, user, has_password, from, .. } =
        match &app.settings.mail_server {
            Some(fixed) => fixed.view(),
            None => mail_server::load_view(&mut *app.pool.acquire().await?)
                .await
                .map_err(AppError::internal)?,
        };
    let security = security.as_str().to_owned();
    Ok(Json(MailInfo { is_fixed, host, port, security, user, has_password, from }))
}

/// Keeps another mail server, from now on.
#[utoipa::path(put, path = "/api/v1/settings/mail", request_body = MailServerDraft,
    responses((status = 204), (status = 400)))]
pub(in crate::api) async fn set_mail(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(draft): Json<MailServerDraft>,
) -> Noted<StatusCode> {
    let note = AuditNote::new("mail server", draft.describe());
    mails::set_mail_server(&app, draft, &person.name).await?;
    Ok((Extension(note), StatusCode::NO_CONTENT))
}

/// Sends a test mail, and tells what the mail server says.
#[utoipa::path(post, path = "/api/v1/settings/mail/test", request_body = TestRecipient,
    responses((status = 200, body = TestAnswer), (status = 400)))]
pub(in crate::api) async fn test_mail(
    State(app): State<SharedApp>,
    Json(TestRecipient { to }): Json<TestRecipient>,
) -> Noted<Json<TestAnswer>> {
    let server = mails::mail_server(&app).await?;
    let server = server.ok_or_else(|| AppError::bad_request("Set a mail server first."))?;
    let said = server.send_test(&to, &app.settings.public_url).await;
    let accepted = said.is_ok();
    let answer = said.unwrap_or_else(|error| error);
    let note = AuditNote::new(to.trim(), format!("test mail: {answer}"));
    Ok((Extension(note), Json(TestAnswer { accepted, answer })))
}

/// How long data are kept.
#[utoipa::path(get, path = "/api/v1/settings/retention",
    responses((status = 200, body = RetentionInfo)))]
pub(in crate::api) async fn retention(
    State(app): State<SharedApp>,
) -> Result<Json<RetentionInfo>, AppError> {
    let set = retention_setting::load(&mut *app.pool.acquire().await?).await;
    let set = set.map_err(AppError::internal)?.unwrap_or_default();
    let fixed = app.retention.fixed();
    let current = fixed.or(set).or(RetentionDays::USUAL).into();
    Ok(Json(RetentionInfo { current, set: set.into(), fixed: fixed.into() }))
}

/// Keeps another retention, from now on. What is older goes within the hour.
#[utoipa::path(put, path = "/api/v1/settings/retention", request_body = RetentionText,
    responses((status = 204), (status = 400)))]
pub(in crate::api) async fn set_retention(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(text): Json<RetentionText>,
) -> Noted<StatusCode> {
    let RetentionText { full_hours, ten_minute_days, hourly_days } = text;
    let wanted = RetentionDays { full_hours, ten_minute_days, hourly_days };
    let mut db = app.pool.acquire().await?;
    let set = app.retention.set(&mut db, wanted, &person.name, app.clock.now()).await;
    set.map_err(AppError::internal)?.map_err(AppError::bad_request)?;
    let said = |number: Option<u16>| number.map_or("usual".to_owned(), |number| number.to_string());
    let detail = format!(
        "hours of every snapshot {}, days of 10 minutes {}, days of hours {}",
        said(full_hours),
        said(ten_minute_days),
        said(hourly_days)
    );
    Ok((Extension(AuditNote::new("retention", detail)), StatusCode::NO_CONTENT))
}

/// The identity provider that people sign in by.
#[utoipa::path(get, path = "/api/v1/settings/sign-in",
    responses((status = 200, body = ProviderInfo)))]
pub(in crate::api) async fn provider(
    State(app): State<SharedApp>,
) -> Result<Json<ProviderInfo>, AppError> {
    let fixed = app.settings.sign_in_provider.clone();
    let is_fixed = fixed.is_some();
    let found = match fixed {
        Some(provider) => Some((provider, None)),
        None => {
            let mut db = app.pool.acquire().await?;
            let kept = sign_in_provider::load(&mut db, &app.sealing_key).await;
            let kept = kept.map_err(|error| AppError::bad_request(format!("{error:#}")))?;
            kept.map(|(provider, setting)| (provider, Some(setting.changed)))
        }
    };
    let (provider, changed) = found.map_or((None, None), |(one, changed)| (Some(one), changed));
    let has_secret = provider.as_ref().is_some_and(|one| one.secret.is_some());
    let text = |of: fn(&SignInProvider) -> &String| provider.as_ref().map(of).cloned();
    Ok(Json(ProviderInfo {
        is_fixed,
        issuer: text(|one| &one.issuer).unwrap_or_default(),
        client_id: text(|one| &one.client_id).unwrap_or_default(),
        has_secret,
        scopes: text(|one| &one.scopes).unwrap_or_default(),
        groups_claim: text(|one| &one.groups_claim).unwrap_or_default(),
        rules: provider
            .map_or_else(Vec::new, |one| one.rules.into_iter().map(Into::into).collect()),
        changed,
    }))
}

/// Keeps another identity provider, from now on.
#[utoipa::path(put, path = "/api/v1/settings/sign-in", request_body = ProviderText,
    responses((status = 204), (status = 400)))]
pub(in crate::api) async fn set_provider(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Json(text): Json<ProviderText>,
) -> Noted<StatusCode> {
    if app.settings.sign_in_provider.is_some() {
        return Err(AppError::bad_request(
            "The server's command line or environment names the identity provider. Change it there.",
        ));
    }
    let wanted = SignInProvider {
        issuer: text.issuer,
        client_id: text.client_id,
        secret: text.secret,
        scopes: text.scopes,
        groups_claim: text.groups_claim,
        rules: text.rules.into_iter().map(Into::into).collect(),
    };
    let mut db = app.pool.acquire().await?;
    let (key, now) = (&app.sealing_key, app.clock.now());
    let replaced = sign_in_provider::replace(&mut db, key, wanted, &person.name, now).await;
    let detail = replaced.map_err(AppError::internal)?.map_err(AppError::bad_request)?;
    Ok((Extension(AuditNote::new("identity provider", detail)), StatusCode::NO_CONTENT))
}
