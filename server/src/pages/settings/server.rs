//! What runs here, how it does, and how it is configured (`/settings/server`).

use std::cmp::Reverse;

use axum::{Extension, extract::State, http::Uri, response::Html};
use poolwatch_model::Bytes;
use poolwatch_store::{StoreError, disk};
use poolwatch_web::{
    Page,
    settings::server::{ServerPage, SettingRow},
};
use sqlx::PgConnection;

use super::{address, shell};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    cli::{Configuration, EffectiveSetting, file_words},
    self_check,
};

/// The page. It shows what it can while the database is away.
pub(in crate::pages) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let checks = self_check::run_checks(&app).await;
    let facts = match app.pool.acquire().await {
        Ok(mut db) => read_facts(&mut db).await.ok(),
        Err(_) => None,
    };
    let (postgres, schema, database) = facts
        .map_or((None, None, None), |(postgres, schema, size)| {
            (Some(postgres), Some(schema), Some(size))
        });
    let configuration = &app.settings.configuration;
    let page = ServerPage {
        shell: shell(&app, &person, address(&uri)),
        version: env!("CARGO_PKG_VERSION"),
        started: app.settings.started,
        schema,
        postgres,
        database,
        public_url: app.settings.public_url.clone(),
        hosts: app.fleet.view().hosts.len() as u64,
        checks: checks.to_vec(),
        file: file_words(configuration.file.as_deref()),
        settings: setting_rows(configuration),
    };
    Ok(Html(page.render()?))
}

async fn read_facts(db: &mut PgConnection) -> Result<(String, i64, Bytes), StoreError> {
    let (postgres, schema) = disk::versions(db).await?;
    Ok((postgres, schema, disk::database_size(db).await?))
}

/// What somebody set comes first.
fn setting_rows(configuration: &Configuration) -> Vec<SettingRow> {
    let mut settings: Vec<_> = configuration.settings.iter().collect();
    settings.sort_by_key(|setting| Reverse(setting.source));
    let row = |setting: &EffectiveSetting| SettingRow {
        name: setting.name.clone(),
        variable: setting.variable.clone().unwrap_or_default(),
        value: setting.value.clone(),
        source: setting.source.as_str(),
    };
    settings.into_iter().map(row).collect()
}
