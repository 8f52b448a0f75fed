//! Errors of requests. Nothing of the inside is shown.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use poolwatch_protocol::v1::messages::{PROBLEM_CONTENT_TYPE, Problem};
use poolwatch_store::StoreError;

/// Why a request failed.
#[derive(Debug, Clone)]
pub struct AppError {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) retry_after_s: Option<u32>,
    pub(crate) versions: Option<Vec<u16>>,
    pub(crate) cause: Option<String>,
}

impl AppError {
    /// A failure of the given status. `kind` is a stable word, `detail` says what to do.
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

    /// 429: this host sends more than one may.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u32) -> Self {
        let title = "This host sends too much";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", title, detail)
            .retry_after(retry_after_s)
    }

    /// 500: our fault. The cause goes to the log alone.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let detail =
            "Try again. If it happens again, give the request number to whoever runs the server.";
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

    /// What to do about it.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer for machines.
    pub(crate) fn problem(&self, request_id: Option<String>) -> Response {
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
}

impl std::fmt::Display for AppError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.title, self.cause.as_ref().unwrap_or(&self.detail))
    }
}

impl std::error::Error for AppError {}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        if poolwatch_store::is_temporary(&error) {
            let mut busy =
                Self::busy("The database cannot be reached or is too busy. Wait and retry.");
            busy.cause = Some(error.to_string());
            return busy;
        }
        if poolwatch_store::is_unstorable(&error) {
            let detail = "It holds a text, number or time that cannot be stored or asked for: a NUL \
                          character, or a year before history.";
            // `parameters` refuses such before they come to the database: one that it passed over.
            let mut unstorable = Self { kind: "unstorable", ..Self::bad_request(detail) };
            unstorable.cause = Some(error.to_string());
            return unstorable;
        }
        if poolwatch_store::is_missing_reference(&error) {
            return Self::bad_request("It names something that there is not, or not any more.");
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
    /// A bare response that carries the failure; its body is made for who asked.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
