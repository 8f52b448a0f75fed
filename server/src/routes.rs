//! The routes. Each declares who may use it; there is no other way to add one.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::MethodRouter,
};
use poolwatch_model::person::Role;
use tower::ServiceBuilder;
use tower_http::{
    compression::CompressionLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};

use crate::{
    api,
    app::SharedApp,
    auth::{hosts, people},
    failure::{self, Failure},
    pages,
    stopping::StopSignal,
};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Everybody.
    Public,
    /// A host, by its key.
    Host,
    /// A person or script with at least this role.
    AtLeast(Role),
}

/// A route and who may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Path, with parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub permission: Permission,
}

/// Collects routes, each with its permission.
#[derive(Debug)]
pub struct Routes {
    app: SharedApp,
    router: Router<SharedApp>,
    declared: Vec<Declared>,
}

/// Largest body of a route that does not say otherwise.
const BODY_BYTES: usize = 64 << 10;
/// After this long a request is given up.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);
/// No script, style or frame but our own.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

impl Routes {
    fn new(app: SharedApp) -> Self {
        Self { app, router: Router::new(), declared: Vec::new() }
    }

    /// Adds a route.
    #[must_use]
    pub fn at(
        mut self,
        permission: Permission,
        path: &'static str,
        methods: MethodRouter<SharedApp>,
    ) -> Self {
        let app = self.app.clone();
        let methods = match permission {
            Permission::Public => methods,
            Permission::Host => {
                methods.route_layer(middleware::from_fn_with_state(app, hosts::require))
            }
            Permission::AtLeast(role) => {
                let state = people::Required { app, role };
                methods.route_layer(middleware::from_fn_with_state(state, people::require))
            }
        };
        self.router = self.router.route(path, methods);
        self.declared.push(Declared { path, permission });
        self
    }
}

/// All routes and who may use them.
#[must_use]
pub fn declared(app: &SharedApp) -> Vec<Declared> {
    all(app).declared
}

/// The service of the whole server.
pub fn router(app: &SharedApp) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    all(app)
        .router
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT))
        .layer(middleware::from_fn(refuse_foreign_forms))
        .layer(middleware::from_fn_with_state(app.stop.clone(), answer_until_stop))
        .layer(middleware::from_fn_with_state(app.clone(), failure::give_a_face))
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
                .layer(PropagateRequestIdLayer::new(request_id))
                .layer(CompressionLayer::new())
                .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
                .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .layer(set(header::REFERRER_POLICY, "same-origin"))
                .layer(set(header::CACHE_CONTROL, "no-store")),
        )
        .with_state(app.clone())
}

fn all(app: &SharedApp) -> Routes {
    let routes = Routes::new(app.clone());
    let routes = api::routes(routes);
    pages::routes(routes)
}

/// Whoever asks once the server stops, or is not answered by the end of its grace, comes back.
async fn answer_until_stop(
    State(stop): State<StopSignal>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let stopping = || Failure::busy("The server is stopping. Keep the data and retry.");
    if stop.begun.is_cancelled() {
        return Err(stopping());
    }
    stop.overdue.run_until_cancelled(next.run(request)).await.ok_or_else(stopping)
}

/// A browser says where a request comes from: another site's page must not act for who is signed
/// in here. Agents and scripts send no such header.
async fn refuse_foreign_forms(request: Request, next: Next) -> Result<Response, Failure> {
    let site = request.headers().get("sec-fetch-site").and_then(|site| site.to_str().ok());
    let foreign = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    if foreign && !request.method().is_safe() {
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            "foreign-form",
            "This form was sent from another site",
            "Open the console itself and try again.",
        ));
    }
    Ok(next.run(request).await)
}
