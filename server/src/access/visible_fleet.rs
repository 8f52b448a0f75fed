//! The fleet as the person or script of a request sees it.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::people::Person;
use crate::{app::SharedApp, app_error::AppError, fleet::visible::VisibleFleet};

impl FromRequestParts<SharedApp> for VisibleFleet {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, AppError> {
        let person = parts.extensions.get::<Person>();
        let person = person.ok_or_else(|| AppError::internal("a route that asks for nobody"))?;
        Self::load(&app.fleet, &app.pool, &person.scope, app.clock.now()).await
    }
}
