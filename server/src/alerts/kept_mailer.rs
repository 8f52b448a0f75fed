//! Mails by the mail server that the console sets: each change counts at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Context;
use sqlx::PgConnection;
use tokio::sync::Mutex;
use tracing::warn;

use super::mailer::Mailer;
use crate::{
    app::App,
    cli::MailOptions,
    mail_server::{self, MailServer},
};

/// The mailer of the mail server that the console set last.
#[derive(Debug, Clone, Default)]
pub struct KeptMailer {
    known: Arc<Mutex<Option<(MailServer, Mailer)>>>,
    has_warned: Arc<AtomicBool>,
}

impl KeptMailer {
    /// The mailer as it is set now; `None` while no mail server is set, or it cannot be used.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn current(
        &self,
        app: &App,
        db: &mut PgConnection,
    ) -> anyhow::Result<Option<Mailer>> {
        let found = match mail_server::load(db, &app.sealing_key).await {
            Ok(Some(server)) => self.mailer(app, server).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match found {
            Ok(mailer) => {
                self.has_warned.store(false, Ordering::Relaxed);
                Ok(mailer)
            }
            Err(error) => {
                if !self.has_warned.swap(true, Ordering::Relaxed) {
                    warn!("No mail is sent: {error:#}");
                }
                Ok(None)
            }
        }
    }

    async fn mailer(&self, app: &App, server: MailServer) -> anyhow::Result<Mailer> {
        let mut known = self.known.lock().await;
        if let Some((_, mailer)) = known.as_ref().filter(|(known, _)| *known == server) {
            return Ok(mailer.clone());
        }
        let options = MailOptions {
            smtp_url: Some(server.smtp_url.clone()),
            mail_from: Some(server.from.clone()),
            smtp_oauth_token_url: server.oauth.as_ref().map(|it| it.token_url.clone()),
            smtp_oauth_client_id: server.oauth.as_ref().map(|it| it.client_id.clone()),
            smtp_oauth_client_secret: server.oauth.as_ref().map(|it| it.client_secret.clone()),
            ..MailOptions::default()
        };
        let mailer = Mailer::new(&options, &app.settings.public_url)?.context("no mail server")?;
        *known = Some((server, mailer.clone()));
        Ok(mailer)
    }
}
