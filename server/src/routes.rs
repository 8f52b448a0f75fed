//! A route declares who may use it and what a request may take; there is no other way to add one.

mod detached;

use std::time::Duration;

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::MethodRouter};
use poolwatch_model::person::Role;
use tower::{limit::ConcurrencyLimitLayer, util::option_layer};

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
}

impl RouteLimits {
    /// Of what is only read.
    pub const READ: Self = Self { body_bytes: 0, run_time: Duration::from_secs(30), at_once: None };
    /// Of small forms and messages.
    pub const FORM: Self = Self { body_bytes: 64 << 10, ..Self::READ };

    /// Of an upload of so many bytes. Agents wait for an answer for 90 s.
    #[must_use]
    pub const fn upload(body_bytes: usize) -> Self {
        Self { body_bytes, run_time: Duration::from_secs(60), at_once: None }
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
    pub(crate) declared: Vec<Declared>,
}

impl Routes {
    pub(crate) fn new(app: SharedApp) -> Self {
        Self { app, router: Router::new(), declared: Vec::new() }
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
        let turns = limits.at_once.map(ConcurrencyLimitLayer::new);
        let methods =
            methods.layer((option_layer(turns), DefaultBodyLimit::max(limits.body_bytes)));
        let methods = match permission {
            Permission::Public => methods,
            Permission::Host => {
                methods.route_layer(middleware::from_fn_with_state(app, hosts::require))
            }
            Permission::AtLeast(role) => {
                let state = people::Required { app, route: path, role, by_session: false };
                methods.route_layer(middleware::from_fn_with_state(state, people::require))
            }
            Permission::SignedIn => {
                let role = Role::Viewer;
                let state = people::Required { app, route: path, role, by_session: true };
                methods.route_layer(middleware::from_fn_with_state(state, people::require))
            }
        };
        let detached = middleware::from_fn_with_state(limits.run_time, detached::run);
        self.router = self.router.route(path, methods.layer(detached));
        self.declared.push(Declared { path, permission, limits });
        self
    }
}
