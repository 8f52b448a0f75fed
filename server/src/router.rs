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
    response::Response,
    routing::get,
};
use http_body_util::BodyExt;
use poolwatch_model::person::Role;
use tower::{ServiceBuilder, limit::ConcurrencyLimitLayer};
use tower_http::{
    compression::CompressionLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    timeout::{TimeoutBody, TimeoutError},
};
use tracing::{Instrument, error_span};

use crate::{
    api,
    app::SharedApp,
    app_error::AppError,
    mcp, pages,
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

/// All routes and who may use them.
#[must_use]
pub fn declared(app: &SharedApp) -> Vec<Declared> {
    all(app).declared
}

/// The service of the whole server.
pub fn router(app: &SharedApp) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    let transport_security = app.settings.secure.then(|| {
        let value = HeaderValue::from_static(TRANSPORT_SECURITY);
        SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, value)
    });
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    all(app)
        .router
        .layer(middleware::from_fn(api::representation::represent))
        .layer(middleware::from_fn(require_body_progress))
        .layer(middleware::from_fn(refuse_foreign_forms))
        .layer(middleware::from_fn_with_state(app.stop.clone(), answer_until_stop))
        .layer(middleware::from_fn_with_state(app.clone(), pages::render_error::render_error))
        .layer(middleware::from_fn(name_request_in_log))
        .layer(
            ServiceBuilder::new()
                .map_request(forget_request_id)
                .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
                .layer(PropagateRequestIdLayer::new(request_id))
                .layer(CompressionLayer::new())
                .option_layer(transport_security)
                .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
                .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .layer(set(header::REFERRER_POLICY, "same-origin"))
                .layer(set(header::CACHE_CONTROL, "no-store")),
        )
        .with_state(app.clone())
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
    request.headers_mut().remove("x-request-id");
    request
}

/// Every line that the log gets of a request bears its id.
async fn name_request_in_log(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    let span = error_span!("request", id);
    next.run(request).instrument(span).await
}

/// A body has to go on coming, however long it is.
async fn require_body_progress(request: Request, next: Next) -> Result<Response, AppError> {
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
    let response = next.run(request).await;
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

/// Whoever asks once the server stops, or is not answered by the end of its grace, comes back.
async fn answer_until_stop(
    State(stop): State<StopSignal>,
    request: Request,
    next: Next,
) -> Result<Response, AppError> {
    let stopping = || AppError::busy("The server is stopping. Keep the data and retry.");
    if stop.begun.is_cancelled() {
        return Err(stopping());
    }
    stop.overdue.run_until_cancelled(next.run(request)).await.ok_or_else(stopping)
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
