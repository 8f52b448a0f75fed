//! The audit log: every request of a person or script that changes something is written into it where
//! its permission is checked, so that no route can forget to; before it is done, so that nothing is done
//! that the log does not know of.

use axum::{
    extract::FromRequestParts,
    http::{Extensions, StatusCode, header, request::Parts},
    response::Response,
};
use poolwatch_store::audit::{self, AuditEntry, Outcome};
use tower_http::request_id::RequestId;
use tracing::error;

use crate::{app::App, app_error::AppError, auth::callers::Person, client_address::ClientAddress};

/// Routes that bring data many times an hour and change nothing that was there, or only read.
const DATA: [&str; 2] = ["/api/v1/snapshots", "/mcp"];

/// What a handler tells the audit log about what it did, as an extension of its response.
#[derive(Debug, Clone, Default)]
pub struct AuditNote {
    /// What it was done to; the path of the request where it is empty.
    pub target: String,
    /// What was changed.
    pub detail: String,
}

impl AuditNote {
    /// What was changed of what.
    pub fn new(target: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { target: target.into(), detail: detail.into() }
    }
}

/// From where a request came.
#[derive(Debug, Clone, Default)]
pub struct RequestOrigin {
    /// Its address.
    pub address: String,
    /// What the browser or script calls itself, cut at 300 characters.
    pub user_agent: String,
    request_id: String,
}

impl RequestOrigin {
    fn new(extensions: &Extensions, user_agent: Option<&str>) -> Self {
        let address = extensions.get::<ClientAddress>().map(|address| address.0.to_string());
        let id = extensions.get::<RequestId>().and_then(|id| id.header_value().to_str().ok());
        Self {
            address: address.unwrap_or_default(),
            user_agent: user_agent.unwrap_or_default().chars().take(300).collect(),
            request_id: id.unwrap_or_default().to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for RequestOrigin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let user_agent = parts.headers.get(header::USER_AGENT).and_then(|it| it.to_str().ok());
        Ok(Self::new(&parts.extensions, user_agent))
    }
}

/// Something that somebody tries.
#[derive(Debug, Clone)]
pub struct Attempt {
    actor: String,
    action: String,
    target: String,
    origin: RequestOrigin,
}

impl Attempt {
    /// Somebody tries something that is no route of people: to sign in, for one.
    pub fn new(
        actor: impl Into<String>,
        action: &str,
        target: impl Into<String>,
        origin: &RequestOrigin,
    ) -> Self {
        Self {
            actor: actor.into(),
            action: action.to_owned(),
            target: target.into(),
            origin: origin.clone(),
        }
    }

    /// A request of a person or script, when it may change something.
    pub(super) fn of_request(
        person: &Person,
        route: &'static str,
        request: &axum::extract::Request,
    ) -> Option<Self> {
        if request.method().is_safe() || DATA.contains(&route) {
            return None;
        }
        Some(Self {
            actor: person.in_audit_log(),
            action: format!("{} {route}", request.method()),
            target: request.uri().path().to_owned(),
            origin: RequestOrigin::new(request.extensions(), None),
        })
    }

    /// Writes down what became of it.
    ///
    /// # Errors
    /// When the database fails; what was tried is in the server's log then.
    pub async fn record(
        self,
        app: &App,
        outcome: Outcome,
        note: AuditNote,
    ) -> Result<(), AppError> {
        self.add(app, outcome, &note).await.map(drop)
    }

    /// Writes down that it is tried, before it is.
    ///
    /// # Errors
    /// When the database fails: then it is not to be done.
    pub(super) async fn begin(self, app: &App) -> Result<BegunAttempt, AppError> {
        let entry = self.add(app, Outcome::Begun, &AuditNote::default()).await?;
        Ok(BegunAttempt { entry, attempt: self })
    }

    /// The entry that says that it was done, for the transaction that does it.
    pub fn done(&self, app: &App, how: &str) -> AuditEntry {
        self.entry(app, Outcome::Done, &AuditNote::new("", how))
    }

    fn entry(&self, app: &App, outcome: Outcome, note: &AuditNote) -> AuditEntry {
        AuditEntry {
            at: app.clock.now(),
            actor: plain(&self.actor),
            address: self.origin.address.clone(),
            action: self.action.clone(),
            target: self.target_of(note),
            outcome,
            detail: plain(&note.detail),
            request_id: self.origin.request_id.clone(),
        }
    }

    async fn add(&self, app: &App, outcome: Outcome, note: &AuditNote) -> Result<i64, AppError> {
        let entry = self.entry(app, outcome, note);
        let added = match app.pool.acquire().await {
            Ok(mut db) => audit::add(&mut db, &entry).await.map_err(AppError::from),
            Err(error) => Err(error.into()),
        };
        added.inspect_err(|error| {
            let AuditEntry { actor, action, target, detail, request_id, .. } = &entry;
            error!(%error, actor, action, target, detail, request_id, "Could not write audit log");
        })
    }

    fn target_of(&self, note: &AuditNote) -> String {
        plain(if note.target.is_empty() { &self.target } else { &note.target })
    }
}

/// Something that somebody tries, and that the log knows of.
#[derive(Debug)]
pub(super) struct BegunAttempt {
    entry: i64,
    attempt: Attempt,
}

impl BegunAttempt {
    /// Writes down what the answer to a request says. Where that fails the entry stays as it is, begun:
    /// what was done is done, and its sender is told so.
    pub(super) async fn finish(self, app: &App, response: &mut Response) {
        let note = response.extensions_mut().remove::<AuditNote>();
        let error = response.extensions().get::<AppError>();
        let outcome = match response.status() {
            status if status.is_server_error() => Outcome::Failed,
            status if status.is_client_error() => Outcome::Refused,
            _ => Outcome::Done,
        };
        let of_error = || AuditNote::new("", error.map_or("", |error| error.detail.as_str()));
        let note = note.unwrap_or_else(of_error);
        let (target, detail) = (self.attempt.target_of(&note), plain(&note.detail));
        let told = match app.pool.acquire().await {
            Ok(mut db) => audit::complete(&mut db, self.entry, &target, outcome, &detail).await,
            Err(error) => Err(error.into()),
        };
        if let Err(error) = told {
            let outcome = outcome.as_str();
            error!(%error, entry = self.entry, outcome, target, detail, "Could not write audit log");
        }
    }
}

/// A text without what a terminal or a spreadsheet would take for more than text.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The detail of an answer that is refused before any handler sees it.
pub(super) fn refusal(error: &AppError) -> AuditNote {
    debug_assert_eq!(error.status, StatusCode::FORBIDDEN);
    AuditNote::new("", error.detail.as_str())
}
