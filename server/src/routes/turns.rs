//! Requests that take much: they take turns, and what they answer counts until it is taken.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use super::RouteLimits;
use crate::{access::people::Person, app::SharedApp, app_error::AppError, held_body::hold};

/// What a route gives out.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    app: SharedApp,
    limits: RouteLimits,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// Requests of a route that wait for their turn, or have it: those that were given up as well.
const PLACES: usize = 2_000;

impl Turns {
    pub(super) fn new(app: SharedApp, limits: RouteLimits) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        let turns = semaphore(limits.at_once.unwrap_or(PLACES));
        Self { app, limits, turns, places: semaphore(PLACES) }
    }
}

/// Answers a request once it is its turn. A small body is there by then: who sends it slowly keeps
/// nobody waiting.
pub(super) async fn answer_in_turn(
    State(Turns { app, limits, turns, places }): State<Turns>,
    request: Request,
    next: Next,
) -> Result<Response, Response> {
    let _place = places.try_acquire().map_err(|_| {
        AppError::busy("Too many ask for this at this moment. Wait and retry.").into_response()
    })?;
    let who = request.extensions().get().map(Person::caller);
    let share = match limits.per_person.zip(who) {
        Some((most, who)) => app.personal_shares.take_answer(who, most),
        None => return answer_next(&turns, limits, request, next).await,
    };
    let share = share.map_err(IntoResponse::into_response)?;
    let response = answer_next(&turns, limits, request, next).await?;
    Ok(response.map(|body| hold(body, share)))
}

async fn answer_next(
    turns: &Semaphore,
    limits: RouteLimits,
    request: Request,
    next: Next,
) -> Result<Response, Response> {
    let request = match limits.body_bytes <= RouteLimits::FORM.body_bytes {
        true => read_body(request).await?,
        false => request,
    };
    let turn = turns.acquire().await;
    let _turn = turn.map_err(|error| AppError::internal(error).into_response())?;
    Ok(next.run(request).await)
}

async fn read_body(request: Request) -> Result<Request, Response> {
    let (head, body) = request.into_parts();
    let read = Bytes::from_request(Request::from_parts(head.clone(), body), &()).await;
    let bytes = read.map_err(IntoResponse::into_response)?;
    Ok(Request::from_parts(head, Body::from(bytes)))
}
