//! Failures as who asked can read them: problem details for machines, a page or fragment for people.
//! Logged once, with the request's id.

use std::{net::IpAddr, time::Instant};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use poolwatch_model::HostId;
use poolwatch_web::{Page, error::ErrorPage};
use tower_http::request_id::RequestId;
use tracing::{debug, error, info, warn};

use super::shell;
use crate::{
    access::people::Person, app::SharedApp, app_error::AppError, client_address::ClientAddress,
    metrics, refusals::RefusedParty,
};

fn page(failure: &AppError, app: &SharedApp, person: Option<&Person>, asked: &Asked) -> Response {
    let page = ErrorPage {
        shell: person.map(|person| shell(app, person, asked.path.clone())),
        status: failure.status.as_u16(),
        title: failure.title.to_owned(),
        advice: failure.detail.clone(),
        path: (asked.has_parameters && failure.status == StatusCode::BAD_REQUEST)
            .then(|| asked.path.clone()),
        request_id: asked.request_id.clone().unwrap_or_default(),
    };
    let html = if asked.fragment { page.render_fragment() } else { page.render() };
    (failure.status, Html(html.unwrap_or_else(|_| failure.title.to_owned()))).into_response()
}

/// What of the request the answer to a failure depends on.
struct Asked {
    path: String,
    has_parameters: bool,
    request_id: Option<String>,
    fragment: bool,
    address: Option<IpAddr>,
}

impl Asked {
    /// Whether it was asked by an agent or a script.
    fn is_by_machine(&self) -> bool {
        ["/agent/", "/api/", "/metrics", "/healthz", "/readyz", "/mcp"]
            .iter()
            .any(|prefix| self.path.starts_with(prefix))
    }
}

/// What administrators are shown of an answer, if it refuses something: not what people mistype, nor
/// what the server cannot do for anybody.
fn refusal_to_show<'a>(
    status: u16,
    failure: Option<&'a AppError>,
    asked: &Asked,
) -> Option<(&'static str, &'a str)> {
    let is_shown = match status {
        403 | 408 | 413 | 415 | 429 => true,
        400 | 401 => asked.is_by_machine(),
        _ => false,
    };
    match failure.filter(|_| is_shown) {
        Some(failure) => Some((failure.title, failure.detail())),
        // The page of sign-in says it itself.
        None => (asked.path.starts_with("/login") && matches!(status, 401 | 429))
            .then_some(("A sign-in was refused", "Wrong, or too many tries.")),
    }
}

/// Renders failures for who asked, and writes the log line of every request.
pub(crate) async fn render_error<F: Future<Output = Response>>(
    app: &SharedApp,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let begun = Instant::now();
    let asked = Asked {
        path: request.uri().path().to_owned(),
        has_parameters: request.uri().query().is_some(),
        request_id: request
            .extensions()
            .get::<RequestId>()
            .and_then(|id| id.header_value().to_str().ok().map(str::to_owned)),
        fragment: request.headers().contains_key("hx-request"),
        address: request.extensions().get::<ClientAddress>().map(|address| address.0),
    };
    let method = request.method().clone();
    let mut response = answer(request).await;
    let person = response.extensions_mut().remove::<Person>();
    let host = response.extensions_mut().remove::<HostId>();
    let failure =
        response.extensions_mut().remove::<AppError>().or_else(|| error_of_status(&response));
    if let Some(failure) = &failure {
        let retry_after_s = failure.retry_after_s;
        response = if asked.is_by_machine() {
            failure.problem(asked.request_id.clone())
        } else {
            page(failure, app, person.as_ref(), &asked)
        };
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
    let status = response.status().as_u16();
    if let Some((title, reason)) = refusal_to_show(status, failure.as_ref(), &asked) {
        let party = match (host, &person, asked.address) {
            (Some(host), ..) => Some(RefusedParty::Host(host)),
            (None, Some(person), _) => Some(RefusedParty::Person(person.name.clone())),
            (None, None, address) => address.map(RefusedParty::Address),
        };
        if let Some(party) = party {
            app.refusals.note(party, title, reason, &format!("{method} {}", asked.path));
        }
    }
    let elapsed = begun.elapsed();
    metrics::request(status, elapsed);
    let (path, ms) = (&asked.path, elapsed.as_millis() as u64);
    // Who is told to come back does so, and who attacks does so often; `/metrics` counts them all.
    let comes_back = matches!(status, 408 | 429 | 503);
    match failure {
        Some(_) if comes_back && !app.refusals_logged.opens() => {}
        Some(AppError { cause: Some(cause), .. }) => {
            error!(%method, path, status, ms, cause, "Request failed");
        }
        Some(AppError { detail, .. }) => {
            warn!(%method, path, status, ms, detail, "Refused request");
        }
        None if path.starts_with("/static/") || matches!(path.as_str(), "/healthz" | "/readyz") => {
        }
        // A fleet of 100,000 hosts sends 1,700 a second.
        None if path.starts_with("/agent/") => {
            debug!(%method, path, status, ms, "Answered request");
        }
        None => info!(%method, path, status, ms, "Answered request"),
    }
    response
}

/// [`render_error`] as a layer.
pub(crate) async fn layer(State(app): State<SharedApp>, request: Request, next: Next) -> Response {
    render_error(&app, request, |request| next.run(request)).await
}

/// What extractors and the router answer by themselves (415, 422, 404, 405 …) is rendered as well.
fn error_of_status(response: &Response) -> Option<AppError> {
    // A page that tells what was wrong with its form is no bare status.
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if content_type.is_some_and(|it| it.as_bytes().starts_with(b"text/html")) {
        return None;
    }
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
