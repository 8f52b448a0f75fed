//! Views that people keep by a name (`POST /views`, `POST /views/forget`), shown beside the lists that
//! they are of, in the palette (`GET /views.json`) and on the account's page. A view is an address of
//! the console: filter, order and columns of a list, or a chart of a host. Whoever gets it sees the same,
//! of the hosts that they may see.

use axum::{Extension, extract::State, http::HeaderMap, response::Redirect};
use poolwatch_store::saved_views::{self, SavedView};
use poolwatch_web::list::SavedViewLink;
use serde::Deserialize;
use sqlx::PgConnection;

use super::local_address::is_local;
use crate::{
    access::{audit::AuditNote, people::Person},
    app::{App, SharedApp},
    app_error::AppError,
    parameters::{Form, Json},
};

/// Letters of a name at most.
const NAME: usize = 100;
/// Bytes of an address at most.
const ADDRESS: usize = 2_000;

/// What `POST /views` takes.
#[derive(Debug, Deserialize)]
pub(super) struct ViewToSave {
    name: String,
    address: String,
}

/// What `POST /views/forget` takes.
#[derive(Debug, Deserialize)]
pub(super) struct ViewToForget {
    name: String,
    /// The page to go back to.
    #[serde(default)]
    back: String,
}

type Done = Result<(Extension<AuditNote>, Redirect), AppError>;

/// All views of who asks.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
) -> Result<Json<Vec<SavedViewLink>>, AppError> {
    let mut db = app.pool.acquire().await?;
    Ok(Json(all(&mut db, user(&person)?).await?))
}

/// Keeps a view, in place of the one of the same name.
pub(super) async fn save(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(ViewToSave { name, address }): Form<ViewToSave>,
) -> Done {
    let name = name.trim().to_owned();
    let length = name.chars().count();
    if !(1..=NAME).contains(&length) || name.contains(char::is_control) {
        return Err(AppError::bad_request(format!("The name of a view has 1 to {NAME} letters.")));
    }
    if !is_local(&address) || address.len() > ADDRESS {
        return Err(AppError::bad_request(format!(
            "A view is an address of this console, from its first slash on, of {ADDRESS} bytes at most."
        )));
    }
    let view = SavedView { name, address };
    let mut db = app.pool.acquire().await?;
    if !saved_views::save(&mut db, user(&person)?, &view, app.clock.now()).await? {
        let most = saved_views::MOST;
        return Err(AppError::bad_request(format!(
            "You keep {most} views, and more are not kept. Forget one first: they are listed on your account's page."
        )));
    }
    let SavedView { name, address } = view;
    Ok((Extension(AuditNote::new(name, address.as_str())), Redirect::to(&address)))
}

/// Forgets a view.
pub(super) async fn forget(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Form(ViewToForget { name, back }): Form<ViewToForget>,
) -> Done {
    let mut db = app.pool.acquire().await?;
    // One that is gone already is what was asked for.
    saved_views::forget(&mut db, user(&person)?, &name).await?;
    let back = if is_local(&back) { back.as_str() } else { "/account#views" };
    Ok((Extension(AuditNote::new(name, "forgotten")), Redirect::to(back)))
}

/// The views that somebody keeps of the list at a path; none for parts that are asked for again, and
/// for who can keep none.
pub(super) async fn of_list(
    app: &App,
    person: &Person,
    headers: &HeaderMap,
    path: &str,
) -> Result<Option<Vec<SavedViewLink>>, AppError> {
    let user = person.account().filter(|_| !headers.contains_key("hx-request"));
    let Some(user) = user else { return Ok(None) };
    let mut views = all(&mut *app.pool.acquire().await?, user).await?;
    views.retain(|view| view.url.split('?').next() == Some(path));
    Ok(Some(views))
}

/// All views of a person.
pub(super) async fn all(db: &mut PgConnection, user: i32) -> Result<Vec<SavedViewLink>, AppError> {
    let views = saved_views::list(db, user).await?;
    let link = |SavedView { name, address }| SavedViewLink { name, url: address };
    Ok(views.into_iter().map(link).collect())
}

fn user(person: &Person) -> Result<i32, AppError> {
    person.account().ok_or_else(|| AppError::not_found("A token keeps no views"))
}
