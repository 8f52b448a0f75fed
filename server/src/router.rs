//! The service of the whole server: all routes, and what surrounds them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    BoxError, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use http_body_util::BodyExt;
use poolwatch_model::person::Role;
use tower::{ServiceBuilder, limit::ConcurrencyLimitLayer};
use tower_http::{
    compression::CompressionLayer,
    request_id::{
        MakeRequestId, MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
    },
    set_header::SetResponseHeaderLayer,
    timeout::{TimeoutBody, TimeoutError},
};
use tracing::{Instrument, Span, error_span};

use crate::{
    api,
    app::SharedApp,
    app_error::AppError,
    mcp,
    pages::{self, render_error},
    routes::{Declared, Permission, RouteLimits, Routes},
    stopping::StopSignal,
};

/// Between two pieces of a body.
const BODY_PROGRESS: Duration = Duration::from_secs(10);
/// How long browsers that came by TLS come by nothing else, in seconds: a year.
const TRANSPORT_SECURITY: &str = "max-age=31536000";
/// No script, style or frame but our own.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

const NO_SNIFF: &str = "nosniff";
const NO_STORE: &str = "no-store";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// All routes and who may use them.
#[must_use]
pub fn declared(app: &SharedApp) -> Vec<Declared> {
    all(app).declared
}

/// The service of the whole server.
pub fn router(app: &SharedApp) -> Router {
    let request_id = REQUEST_ID;
    let transport_security = app.settings.secure.then(|| {
        let value = HeaderValue::from_static(TRANSPORT_SECURITY);
        SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, value)
    });
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let Routes { router, of_hosts, .. } = all(app);
    let pages = router
        .layer(middleware::from_fn(api::representation::represent))
        .layer(middleware::from_fn(progress_layer))
        .layer(middleware::from_fn(refuse_foreign_forms))
        .layer(middleware::from_fn_with_state(app.stop.clone(), stop_layer))
        .layer(middleware::from_fn_with_state(app.clone(), render_error::layer))
        .layer(middleware::map_response(pages::unseen::show_in_answer))
        .layer(middleware::from_fn(name_request_in_log))
        .layer(
            ServiceBuilder::new()
                .map_request(forget_request_id)
                .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
                .layer(PropagateRequestIdLayer::new(request_id))
                .layer(CompressionLayer::new())
                .option_layer(transport_security)
                .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
                .layer(set(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFF))
                .layer(set(header::REFERRER_POLICY, "same-origin"))
                .layer(set(header::CACHE_CONTROL, NO_STORE)),
        );
    // What is at no address is answered by the layers of pages: those merged last.
    of_hosts
        .layer(middleware::from_fn_with_state(app.clone(), surround_host))
        .merge(pages)
        .with_state(app.clone())
}

/// What of the layers of pages agents need, in one step: each layer is a microsecond or more, and a
/// fleet sends thousands of requests a second.
async fn surround_host(State(app): State<SharedApp>, request: Request, next: Next) -> Response {
    let mut request = forget_request_id(request);
    let id = MakeRequestUuid.make_request_id(&request);
    if let Some(id) = &id {
        request.extensions_mut().insert(id.clone());
    }
    let stop = &app.stop;
    let answer = |request| async move {
        let answered = answer_until_stop(stop, request, |request| async move {
            require_body_progress(request, |request| next.run(request)).await.into_response()
        });
        answered.await.into_response()
    };
    let span = request_span(id.as_ref());
    let mut response = render_error::render_error(&app, request, answer).instrument(span).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static(NO_SNIFF));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id.into_header_value());
    }
    response
}

/// `/metrics` alone, for a listener of its own that asks for no token.
pub fn metrics(app: &SharedApp) -> Router {
    let turns = ConcurrencyLimitLayer::new(1);
    let metrics = get(api::health::metrics).layer(turns);
    Router::new().route("/metrics", metrics).with_state(app.clone())
}

fn all(app: &SharedApp) -> Routes {
    let routes = Routes::new(app.clone());
    let routes = api::routes(routes);
    let viewer = Permission::AtLeast(Role::Viewer);
    let routes = routes.at(viewer, RouteLimits::FORM, "/mcp", mcp::service(app));
    pages::routes(routes)
}

/// The log names requests by ids of our own: others could be those of other requests.
fn forget_request_id(mut request: Request) -> Request {
    request.headers_mut().remove(REQUEST_ID);
    request
}

/// Every line that the log gets of a request bears its id.
async fn name_request_in_log(request: Request, next: Next) -> Response {
    let span = request_span(request.extensions().get());
    next.run(request).instrument(span).await
}

fn request_span(id: Option<&RequestId>) -> Span {
    let id = id.and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    error_span!("request", id)
}

async fn progress_layer(request: Request, next: Next) -> Result<Response, AppError> {
    require_body_progress(request, |request| next.run(request)).await
}

/// A body has to go on coming, however long it is.
async fn require_body_progress<F: Future<Output = Response>>(
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Result<Response, AppError> {
    let has_stalled = Arc::new(AtomicBool::new(false));
    let note_stall = {
        let has_stalled = has_stalled.clone();
        move |error: BoxError| {
            has_stalled.fetch_or(error.is::<TimeoutError>(), Ordering::Relaxed);
            error
        }
    };
    let request =
        request.map(|body| Body::new(TimeoutBody::new(BODY_PROGRESS, body).map_err(note_stall)));
    let response = answer(request).await;
    if has_stalled.load(Ordering::Relaxed) {
        return Err(AppError::new(
            StatusCode::REQUEST_TIMEOUT,
            "stalled",
            "The upload came to a halt",
            format!("Nothing came for {} s. Keep the data and retry.", BODY_PROGRESS.as_secs()),
        ));
    }
    Ok(response)
}

async fn stop_layer(
    State(stop): State<StopSignal>,
    request: Request,
    next: Next,
) -> Result<Response, AppError> {
    answer_until_stop(&stop, request, |request| next.run(request)).await
}

/// Whoever asks once the server stops, or is not answered by the end of its grace, comes back.
async fn answer_until_stop<F: Future<Output = Response>>(
    stop: &StopSignal,
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Result<Response, AppError> {
    let stopping = || AppError::busy("The server is stopping. Keep the data and retry.");
    if stop.begun.is_cancelled() {
        return Err(stopping());
    }
    stop.overdue.run_until_cancelled(answer(request)).await.ok_or_else(stopping)
}

/// A browser says where a request comes from: another site's page must not act for who is signed
/// in here. Agents and scripts send no such header.
async fn refuse_foreign_forms(request: Request, next: Next) -> Result<Response, AppError> {
    let site = request.headers().get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let foreign = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if foreign && !request.method().is_safe() {
        return Err(AppError::new(
            StatusCode::FORBIDDEN,
            "foreign-form",
            "This form was sent from another site",
            "Open the console itself and try again.",
        ));
    }
    Ok(next.run(request).await)
}
