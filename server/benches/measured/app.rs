//! The server's app as it is measured: on a database of its own, without listeners and jobs.

use std::sync::Arc;

use poolwatch_server::{
    app::{App, AppParts, Settings},
    auth::sealing::SealingKey,
    clock::SystemClock,
    metrics::Metrics,
    writer::Writer,
};
use poolwatch_store::PgPool;

pub(crate) fn start_app(pool: PgPool) -> App {
    App::new(AppParts {
        clock: Arc::new(SystemClock),
        pool: pool.clone(),
        background_pool: pool.clone(),
        writer: Writer::start(pool),
        sealing_key: SealingKey::for_this_run().unwrap(),
        metrics: Metrics::install().unwrap(),
        settings: Settings {
            public_url: "https://poolwatch.test".into(),
            interval_s: 60,
            ..Settings::default()
        },
    })
}
