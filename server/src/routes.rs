//! A route declares who may use it and what a request may take; there is no other way to add one.

mod detached;
mod turns;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use poolwatch_model::person::Role;

use crate::{
    access::{hosts, people},
    app::SharedApp,
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
    /// Likewise, who sees the whole fleet.
    WholeFleet(Role),
    /// A person of whatever role who is signed in; no script.
    SignedIn,
}

/// What one request may take of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteLimits {
    /// Bytes of its body, which may all be in memory.
    pub body_bytes: usize,
    /// How long it may run, with the way of its body.
    pub run_time: Duration,
    /// Requests that run at once, where each takes much; others wait for their turn.
    pub at_once: Option<usize>,
    /// Requests of one person under way, where a body or an answer may be large, until the answer is
    /// taken: over all routes that say so. Others are refused.
    pub per_person: Option<usize>,
}

impl RouteLimits {
    /// Of what is only read.
    pub const READ: Self =
        Self { body_bytes: 0, run_time: Duration::from_secs(30), at_once: None, per_person: None };
    /// Of small forms and messages.
    pub const FORM: Self = Self { body_bytes: 64 << 10, ..Self::READ };

    /// Of an upload of so many bytes. Agents wait for an answer for 90 s.
    #[must_use]
    pub const fn upload(body_bytes: usize) -> Self {
        Self { body_bytes, run_time: Duration::from_secs(60), ..Self::READ }
    }

    /// The same with another time.
    #[must_use]
    pub const fn within(self, run_time: Duration) -> Self {
        Self { run_time, ..self }
    }

    /// The same, for so many at once.
    #[must_use]
    pub const fn at_once(self, requests: usize) -> Self {
        Self { at_once: Some(requests), ..self }
    }

    /// The same, for so many of one person.
    #[must_use]
    pub const fn per_person(self, requests: usize) -> Self {
        Self { per_person: Some(requests), ..self }
    }
}

/// A route, who may use it, and what a request of it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    /// Path, with parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub permission: Permission,
    /// What a request may take.
    pub limits: RouteLimits,
}

/// Collects routes, each with its permission and limits.
#[derive(Debug)]
pub struct Routes {
    app: SharedApp,
    pub(crate) router: Router<SharedApp>,
    /// Those of hosts alone: a fleet sends thousands of requests a second, and each layer around one
    /// costs microseconds.
    pub(crate) of_hosts: Router<SharedApp>,
    pub(crate) declared: Vec<Declared>,
}

impl Routes {
    pub(crate) fn new(app: SharedApp) -> Self {
        Self { app, router: Router::new(), of_hosts: Router::new(), declared: Vec::new() }
    }

    /// Adds a route.
    #[must_use]
    pub fn at(
        mut self,
        permission: Permission,
        limits: RouteLimits,
        path: &'static str,
        methods: MethodRouter<SharedApp>,
    ) -> Self {
        let app = self.app.clone();
        self.declared.push(Declared { path, permission, limits });
        let methods = match limits.at_once.is_some() || limits.per_person.is_some() {
            true => {
                let turns = turns::Turns::new(app.clone(), limits);
                methods.layer(middleware::from_fn_with_state(turns, turns::answer_in_turn))
            }
            false => methods,
        };
        if permission == Permission::Host {
            let attended = middleware::from_fn_with_state((app, limits), attend_host);
            self.of_hosts = self.of_hosts.route(path, methods.route_layer(attended));
            return self;
        }
        let methods = methods.layer(DefaultBodyLimit::max(limits.body_bytes));
        let methods = match permission {
            Permission::Public | Permission::Host => methods,
            Permission::AtLeast(_) | Permission::WholeFleet(_) | Permission::SignedIn => {
                let role = match permission {
                    Permission::AtLeast(role) | Permission::WholeFleet(role) => role,
                    _ => Role::Viewer,
                };
                let state = people::Required {
                    app,
                    route: path,
                    role,
                    by_session: permission == Permission::SignedIn,
                    whole_fleet: matches!(permission, Permission::WholeFleet(_)),
                };
                methods.route_layer(middleware::from_fn_with_state(state, people::require))
            }
        };
        let detached = middleware::from_fn_with_state(limits.run_time, detach);
        self.router = self.router.route(path, methods.layer(detached));
        self
    }
}

async fn detach(State(run_time): State<Duration>, request: Request, next: Next) -> Response {
    detached::run(run_time, next.run(request)).await
}

/// All that a route of hosts declares, in one step.
async fn attend_host(
    State((app, limits)): State<(SharedApp, RouteLimits)>,
    mut request: Request,
    next: Next,
) -> Response {
    DefaultBodyLimit::max(limits.body_bytes).apply(&mut request);
    let answer = async move { hosts::require(&app, request, next).await.into_response() };
    detached::run(limits.run_time, answer).await
}
