//! Errors of requests: problem details for machines, a page or fragment for people. Logged once,
//! with the request's id; nothing of the inside is shown.

use std::time::Instant;

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use poolwatch_protocol::v1::messages::{PROBLEM_CONTENT_TYPE, Problem};
use poolwatch_store::StoreError;
use poolwatch_web::{Page, error::ErrorPage};
use tower_http::request_id::RequestId;
use tracing::{debug, error, info, warn};

use crate::{app::SharedApp, auth::people::Person, metrics, pages};

/// Why a request failed.
#[derive(Debug, Clone)]
pub struct AppError {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    retry_after_s: Option<u32>,
    versions: Option<Vec<u16>>,
    cause: Option<String>,
}

impl AppError {
    /// An error of the given status. `kind` is a stable word, `detail` says what to do.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        let detail = detail.into();
        Self { status, kind, title, detail, retry_after_s: None, versions: None, cause: None }
    }

    /// 400: the request itself is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", detail)
    }

    /// 404.
    pub fn not_found(what: &'static str) -> Self {
        let detail = "It may have been removed, or the address is mistyped.";
        Self::new(StatusCode::NOT_FOUND, "not-found", what, detail)
    }

    /// 503: the same request may succeed later.
    pub fn busy(detail: impl Into<String>) -> Self {
        let title = "The server is busy";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", title, detail).retry_after(5)
    }

    /// 500: our fault. The cause goes to the log alone.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let detail = "Try again. If it stays, give the request id to whoever runs the server.";
        let title = "Something went wrong in the server";
        let mut failure = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", title, detail);
        failure.cause = Some(cause.to_string());
        failure
    }

    /// Tells when to try again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Tells which protocol versions are known.
    #[must_use]
    pub fn versions(mut self, versions: &[u16]) -> Self {
        self.versions = Some(versions.to_vec());
        self
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn problem(&self, request_id: Option<String>) -> Response {
        let problem = Problem {
            kind: format!("urn:poolwatch:problem:{}", self.kind),
            title: self.title.to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.clone(),
            request_id,
            versions: self.versions.clone(),
        };
        let mut response = (self.status, Json(problem)).into_response();
        let content_type = HeaderValue::from_static(PROBLEM_CONTENT_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, content_type);
        response
    }

    fn page(&self, app: &SharedApp, person: Option<&Person>, asked: &Asked) -> Response {
        let page = ErrorPage {
            shell: person.map(|person| pages::shell(app, person, asked.path.clone())),
            status: self.status.as_u16(),
            title: self.title.to_owned(),
            advice: self.detail.clone(),
            request_id: asked.request_id.clone().unwrap_or_default(),
        };
        let html = if asked.fragment { page.render_fragment() } else { page.render() };
        (self.status, Html(html.unwrap_or_else(|_| self.title.to_owned()))).into_response()
    }
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.cause.as_ref().unwrap_or(&self.detail))
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        if poolwatch_store::is_temporary(&error) {
            let mut busy =
                Self::busy("The database cannot be reached or is too busy. Wait and retry.");
            busy.cause = Some(error.to_string());
            return busy;
        }
        Self::internal(error)
    }
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<poolwatch_web::RenderError> for AppError {
    fn from(error: poolwatch_web::RenderError) -> Self {
        Self::internal(error)
    }
}

impl IntoResponse for AppError {
    /// A bare response that carries the error: [`render_error`] makes its body.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What of the request the answer to an error depends on.
struct Asked {
    path: String,
    request_id: Option<String>,
    fragment: bool,
}

/// Renders errors for who asked, and writes the log line of every request.
pub async fn render_error(State(app): State<SharedApp>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let asked = Asked {
        path: request.uri().path().to_owned(),
        request_id: request
            .extensions()
            .get::<RequestId>()
            .and_then(|id| id.header_value().to_str().ok().map(str::to_owned)),
        fragment: request.headers().contains_key("hx-request"),
    };
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let person = response.extensions_mut().remove::<Person>();
    let failure =
        response.extensions_mut().remove::<AppError>().or_else(|| error_of_status(&response));
    if let Some(failure) = &failure {
        let retry_after_s = failure.retry_after_s;
        let for_machines = ["/agent/", "/api/", "/metrics", "/healthz"]
            .iter()
            .any(|prefix| asked.path.starts_with(prefix));
        response = if for_machines {
            failure.problem(asked.request_id.clone())
        } else {
            failure.page(&app, person.as_ref(), &asked)
        };
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    let status = response.status().as_u16();
    let elapsed = begun.elapsed();
    metrics::request(status, elapsed);
    let (path, ms) = (&asked.path, elapsed.as_millis() as u64);
    let id = asked.request_id.as_deref().unwrap_or("-");
    // Who is told to come back does so, and who attacks does so often; `/metrics` counts them all.
    let comes_back = matches!(status, 408 | 429 | 503);
    match failure {
        Some(_) if comes_back && !app.refusals_logged.opens() => {}
        Some(AppError { cause: Some(cause), .. }) => {
            error!(%method, path, status, ms, id, cause, "Request failed");
        }
        Some(AppError { detail, .. }) => {
            warn!(%method, path, status, ms, id, detail, "Refused request");
        }
        None if path.starts_with("/static/") || path == "/healthz" => {}
        // A fleet of 100,000 hosts sends 1,700 a second.
        None if path.starts_with("/agent/") => {
            debug!(%method, path, status, ms, id, "Answered request");
        }
        None => info!(%method, path, status, ms, id, "Answered request"),
    }
    response
}

/// The error behind what extractors and the router answer by themselves (415, 422, 404, 405 …).
fn error_of_status(response: &Response) -> Option<AppError> {
    let (kind, title, detail) = match response.status() {
        StatusCode::NOT_FOUND => {
            return Some(AppError::not_found("There is nothing at this address"));
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method-not-allowed", "This address takes another method", "See docs/protocol.md.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => (
            "too-large",
            "The upload is too large",
            "Send fewer frames or smaller files at once; docs/protocol.md lists the limits.",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "media-type",
            "Unknown content type",
            "docs/protocol.md lists what each address takes.",
        ),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => (
            "bad-request",
            "The request cannot be read",
            "Its form or a field is not as docs/protocol.md and /api/v1/openapi.json describe.",
        ),
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => {
            ("timeout", "The request took too long", "Send less at once, or try again later.")
        }
        _ => return None,
    };
    Some(AppError::new(response.status(), kind, title, detail))
}
