//! What the command line imports while the server runs shows at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::HostId;
use poolwatch_store::imports::{self, ImportNotices};
use tracing::warn;

use crate::{app::SharedApp, app_error::AppError, import};

/// How long to wait for a database that cannot be reached.
const PAUSE: Duration = Duration::from_secs(5);
/// An import that began this long before the connection was lost may have ended after it.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

pub(super) async fn run(app: SharedApp) {
    let mut heard_until = app.clock.now();
    loop {
        match listen(&app, &mut heard_until).await {
            Ok(()) => {}
            Err(error) => warn!(%error, "Cannot hear of imports"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Shows what is announced, until the connection is lost. What was missed before is shown first.
async fn listen(app: &SharedApp, heard_until: &mut Timestamp) -> Result<(), AppError> {
    let mut announcements = ImportNotices::listen(&app.pool).await?;
    let missed = {
        let mut db = app.pool.acquire().await?;
        imports::since(&mut db, heard_until.saturating_sub(SLACK).unwrap_or(*heard_until)).await?
    };
    for host in missed {
        show(app, host).await?;
    }
    loop {
        *heard_until = app.clock.now();
        match announcements.next().await? {
            Some(host) => show(app, host).await?,
            None => return Ok(()),
        }
    }
}

async fn show(app: &SharedApp, host: HostId) -> Result<(), AppError> {
    import::show(app, host, app.clock.now()).await
}
