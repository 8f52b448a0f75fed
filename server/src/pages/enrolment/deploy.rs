//! How agents come (`/deploy`): tokens, files, steps for this server, and who arrived.

use std::{cmp::Reverse, collections::HashMap};

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{host_group::HostGroup, person::Role};
use poolwatch_store::{
    enrolment,
    enrolment_tokens::{self, EnrolmentToken, TokenRefusal},
    host_groups,
    hosts::Standing,
    refused_enrolments,
};
use poolwatch_web::{
    HostLink, Page,
    deploy::{Arrivals, DeployPage, RefusedRow, ServerFacts, TokenRow},
};
use serde::Deserialize;
use sqlx::PgConnection;

use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    deploy_kit,
    enrolment::{
        bindings::{self, binding_in_words},
        tokens::{self, WantedToken},
    },
    fleet::visible::VisibleFleet,
    installers,
    pages::{address, export::download, live, shell},
    parameters::{Form, Path},
};

/// Hosts and refusals that are shown.
const SHOWN: usize = 100;
/// Tokens that are shown.
const TOKENS: i64 = 200;
/// Versions of agents that are shown.
const VERSIONS: usize = 20;
/// How far back arrivals are shown.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

/// What the form sends; empty fields ask for no limit.
#[derive(Debug, Deserialize)]
pub(in crate::pages) struct Wanted {
    name: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    max_uses: String,
    #[serde(default)]
    per_minute: String,
    /// Labels with commas between.
    #[serde(default)]
    labels: String,
    #[serde(default)]
    group: String,
}

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let page = load(&app, &person, &visible, address(&uri)).await?;
    live(&page, &headers)
}

/// Makes a token and shows it, this once, in the steps.
pub(in crate::pages) async fn create_token(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Form(form): Form<Wanted>,
) -> Result<Html<String>, AppError> {
    let made = match wanted(&form) {
        Ok(mut wanted) => {
            let mut db = app.pool.acquire().await?;
            wanted.binding = bindings::read(&mut db, &form.labels, &form.group).await?;
            tokens::make(&mut db, &wanted, &person.name, app.clock.now()).await
        }
        Err(error) => Err(error),
    };
    let mut page = load(&app, &person, &visible, "/deploy".to_owned()).await?;
    match made {
        Ok((_, token)) => {
            page.made = Some(form.name.trim().to_owned());
            page.kit.token = Some(token);
        }
        Err(error) if error.status().is_client_error() => {
            page.error = Some(error.detail().to_owned());
        }
        Err(error) => return Err(error),
    }
    Ok(Html(page.render()?))
}

/// Revokes a token, from now on.
pub(in crate::pages) async fn revoke_token(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i32>,
) -> Result<Redirect, AppError> {
    let mut db = app.pool.acquire().await?;
    enrolment_tokens::revoke(&mut db, id, app.clock.now()).await?;
    Ok(Redirect::to("/deploy#tokens"))
}

/// The certificate of the server's own authority.
pub(in crate::pages) async fn authority(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
) -> Result<Response, AppError> {
    let missing = || AppError::not_found("This server has no authority of its own");
    let file = app.settings.authority().ok_or_else(missing)?;
    let bytes = tokio::fs::read(file).await.map_err(AppError::internal)?;
    Ok(download("application/x-pem-file", "ca.pem", bytes))
}

/// The template for Group Policy.
pub(in crate::pages) async fn policy(
    Extension(_): Extension<Person>,
) -> Result<Response, AppError> {
    let files = installers::POLICY.iter().map(|(name, content)| ((*name).to_owned(), *content));
    let bytes = installers::archive(files).map_err(AppError::internal)?;
    Ok(download("application/zip", "poolwatch-policy.zip", bytes))
}

/// A file of the folder of installers.
pub(in crate::pages) async fn file(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(name): Path<String>,
) -> Result<Response, AppError> {
    let missing = || AppError::not_found("There is no such file");
    let folder = app.settings.installers.as_deref().ok_or_else(missing)?;
    let offered = deploy_kit::offered(&app).await?;
    let (name, _) = offered.into_iter().find(|(one, _)| *one == name).ok_or_else(missing)?;
    let bytes = tokio::fs::read(folder.join(&name)).await.map_err(AppError::internal)?;
    Ok(download("application/octet-stream", &name, bytes))
}

async fn load(
    app: &SharedApp,
    person: &Person,
    visible: &VisibleFleet,
    url: String,
) -> Result<DeployPage, AppError> {
    let shell = shell(app, person, url);
    let mut db = app.pool.acquire().await?;
    let all = enrolment_tokens::list(&mut db, TOKENS).await?;
    let groups = host_groups::list(&mut db).await?;
    let arrivals = arrivals(&mut db, visible, shell.now).await?;
    drop(db);
    let now = shell.now;
    let installers = deploy_kit::offered(app).await?;
    Ok(DeployPage {
        kit: deploy_kit::blank(app, &installers),
        server: ServerFacts { installers, has_folder: app.settings.installers.is_some() },
        made: None,
        error: None,
        tokens: all
            .into_iter()
            .filter(|token| visible.shows_binding(&token.binding))
            .map(|token| token_row(token, &groups, now))
            .collect(),
        groups: groups.iter().map(|group| (group.id.0, group.name.clone())).collect(),
        arrivals,
        may_administer: person.role >= Role::Admin,
        shell,
    })
}

async fn arrivals(
    db: &mut PgConnection,
    visible: &VisibleFleet,
    now: Timestamp,
) -> Result<Arrivals, AppError> {
    let since = now.saturating_sub(LATELY).unwrap_or(now);
    let mut came = enrolment::list(db, None, None, Some(since), enrolment::LISTED).await?;
    came.retain(|one| visible.shows_candidate(one));
    let waits = |standing| standing == Standing::Waiting;
    // Nothing says of a host that was refused to whose groups it would belong.
    let refused = match visible.is_whole() {
        true => refused_enrolments::list(db, since, SHOWN as i64).await?,
        false => Vec::new(),
    };
    let mut versions: HashMap<Option<String>, u64> = HashMap::new();
    for host in visible.view.hosts.iter().filter(|host| host.host.instance_id.is_some()) {
        *versions.entry(host.host.facts.agent_version.clone()).or_default() += 1;
    }
    let mut versions: Vec<(Option<String>, u64)> = versions.into_iter().collect();
    versions.sort_by_key(|(version, hosts)| (Reverse(*hosts), version.clone()));
    versions.truncate(VERSIONS);
    let came =
        || came.iter().filter(|one| matches!(one.standing, Standing::Waiting | Standing::Approved));
    Ok(Arrivals {
        enrolled: came().count() as u64,
        waiting: came().filter(|one| waits(one.standing)).count() as u64,
        hosts: came()
            .take(SHOWN)
            .map(|one| {
                let host = HostLink { id: one.id, name: one.facts.fqdn.clone() };
                (host, one.enrolled_at, waits(one.standing))
            })
            .collect(),
        refused: refused
            .into_iter()
            .map(|one| RefusedRow {
                name: one.name,
                address: one.address,
                reason: one.reason,
                token: one.token,
                last: one.last,
                times: one.times.unsigned_abs(),
            })
            .collect(),
        versions: versions
            .into_iter()
            .map(|(version, hosts)| (version.unwrap_or_else(|| "not known".to_owned()), hosts))
            .collect(),
    })
}

fn token_row(token: EnrolmentToken, groups: &[HostGroup], now: Timestamp) -> TokenRow {
    let count = |number: i32| u64::from(number.unsigned_abs());
    let refusal = token.ended(now).or_else(|| token.refusal_of_new_host(now));
    TokenRow {
        id: token.id,
        by: token.by,
        created: token.created,
        expires: token.expires,
        uses: count(token.uses),
        max_uses: token.max_uses.map(count),
        per_minute: token.per_minute.map(count),
        last_used: token.last_used,
        ended: match refusal {
            Some(TokenRefusal::Revoked) => Some("revoked"),
            Some(TokenRefusal::Expired) => Some("expired"),
            Some(TokenRefusal::UsedUp) => Some("used up"),
            Some(TokenRefusal::TooFast) | None => None,
        },
        gets: binding_in_words(&token.binding, groups),
        name: token.name,
    }
}

fn wanted(form: &Wanted) -> Result<WantedToken, AppError> {
    fn number<T: std::str::FromStr>(text: &str) -> Result<Option<T>, AppError> {
        let text = text.trim();
        let bad = |_| AppError::bad_request("Days, uses and hosts per minute are whole numbers.");
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(bad) }
    }
    Ok(WantedToken {
        name: form.name.clone(),
        days: number(&form.days)?,
        max_uses: number(&form.max_uses)?,
        per_minute: number(&form.per_minute)?,
        ..WantedToken::default()
    })
}
