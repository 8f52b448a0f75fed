//! The identity provider that people sign in by (`/settings/sign-in`).

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, Redirect},
};
use poolwatch_store::host_groups;
use poolwatch_web::{
    Page,
    settings::sign_in::{ProviderView, SignInPage},
};
use serde::Deserialize;

use super::{address, shell};
use crate::{
    access::{audit::AuditNote, people::Person},
    app::{App, SharedApp},
    app_error::AppError,
    parameters::Form,
    sign_in_provider::{self, SignInProvider, parse_rule, rule_line},
};

const PATH: &str = "/settings/sign-in";

/// What the form sends.
#[derive(Deserialize)]
pub(in crate::pages) struct TypedProvider {
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    client_id: String,
    /// Empty for the one that is kept.
    #[serde(default)]
    secret: String,
    #[serde(default)]
    scopes: String,
    #[serde(default)]
    groups_claim: String,
    /// A rule on a line.
    #[serde(default)]
    rules: String,
}

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let provider = load(&app).await?;
    let groups = host_groups::list(&mut *app.pool.acquire().await?).await?;
    let page = SignInPage {
        shell: shell(&app, &person, address(&uri)),
        provider,
        back: format!("{}/login/provider/done", app.settings.public_url),
        groups: groups.into_iter().map(|group| (group.id.0, group.name)).collect(),
    };
    Ok(Html(page.render()?))
}

async fn load(app: &App) -> Result<ProviderView, AppError> {
    if let Some(fixed) = &app.settings.sign_in_provider {
        return Ok(ProviderView { is_fixed: true, ..view(fixed) });
    }
    let mut db = app.pool.acquire().await?;
    let found = sign_in_provider::load(&mut db, &app.sealing_key).await;
    let found = match found {
        Ok(found) => found,
        // Here it is set again.
        Err(error) => {
            return Ok(ProviderView {
                trouble: Some(format!("{error:#}")),
                ..ProviderView::default()
            });
        }
    };
    Ok(found.map_or_else(ProviderView::default, |(provider, setting)| ProviderView {
        changed: Some((setting.changed_by, setting.changed)),
        ..view(&provider)
    }))
}

fn view(provider: &SignInProvider) -> ProviderView {
    let lines: Vec<String> = provider.rules.iter().map(rule_line).collect();
    ProviderView {
        is_fixed: false,
        issuer: provider.issuer.clone(),
        client_id: provider.client_id.clone(),
        has_secret: provider.secret.is_some(),
        scopes: provider.scopes.clone(),
        groups_claim: provider.groups_claim.clone(),
        rules: lines.join("\n"),
        changed: None,
        trouble: None,
    }
}

/// Keeps another provider; one without an address takes away what was kept.
pub(in crate::pages) async fn save(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(typed): Form<TypedProvider>,
) -> Result<(Extension<AuditNote>, Redirect), AppError> {
    let note = set(&app, &person.name, typed).await?;
    Ok((Extension(note), Redirect::to(PATH)))
}

async fn set(app: &App, by: &str, typed: TypedProvider) -> Result<AuditNote, AppError> {
    if app.settings.sign_in_provider.is_some() {
        return Err(AppError::bad_request(
            "The server's command line or environment names the provider. Change it there.",
        ));
    }
    let lines = typed.rules.lines().filter(|line| !line.trim().is_empty());
    let rules: Result<Vec<_>, String> = lines.map(parse_rule).collect();
    let wanted = SignInProvider {
        issuer: typed.issuer,
        client_id: typed.client_id,
        secret: Some(typed.secret),
        scopes: typed.scopes,
        groups_claim: typed.groups_claim,
        rules: rules.map_err(AppError::bad_request)?,
    };
    let mut db = app.pool.acquire().await?;
    let (key, now) = (&app.sealing_key, app.clock.now());
    let replaced = sign_in_provider::replace(&mut db, key, wanted, by, now).await;
    let detail = replaced.map_err(AppError::internal)?.map_err(AppError::bad_request)?;
    Ok(AuditNote::new("identity provider", detail))
}
