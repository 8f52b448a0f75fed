//! What runs here (`/settings/about`).

use axum::{Extension, extract::State, http::Uri, response::Html};
use poolwatch_store::disk;
use poolwatch_web::{Page, settings::about::AboutPage};

use super::{address, shell};
use crate::{access::people::Person, app::SharedApp, app_error::AppError};

/// The page.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let (postgres, schema) = disk::versions(&mut *app.pool.acquire().await?).await?;
    let page = AboutPage {
        shell: shell(&app, &person, address(&uri)),
        version: env!("CARGO_PKG_VERSION"),
        schema,
        postgres,
        public_url: app.settings.public_url.clone(),
        hosts: app.fleet.view().hosts.len() as u64,
    };
    Ok(Html(page.render()?))
}
