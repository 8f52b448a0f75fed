//! The mail server that is set, and links for people that it sends.

use crate::{
    app::App,
    app_error::AppError,
    mail_server::{self, MailServer, MailServerDraft},
};

/// Sets another mail server, which counts from now on.
///
/// # Errors
/// 400 for what makes no sense, and where the command line or environment names it.
pub async fn set_mail_server(app: &App, draft: MailServerDraft, by: &str) -> Result<(), AppError> {
    if app.settings.mail_server.is_some() {
        return Err(AppError::bad_request(
            "The server's command line or environment names the mail server. Change it there.",
        ));
    }
    let mut db = app.pool.acquire().await?;
    let saved = mail_server::save(&mut db, &app.sealing_key, draft, by, app.clock.now()).await;
    saved.map_err(AppError::internal)?.map_err(AppError::bad_request)
}

/// The mail server that is set, where there is one.
///
/// # Errors
/// 400 when what is set cannot be used, and when the database fails.
pub async fn mail_server(app: &App) -> Result<Option<MailServer>, AppError> {
    if let Some(fixed) = &app.settings.mail_server {
        return Ok(Some(fixed.clone()));
    }
    let mut db = app.pool.acquire().await?;
    let kept = mail_server::load(&mut db, &app.sealing_key).await;
    kept.map_err(|error| AppError::bad_request(format!("{error:#}")))
}

/// Sends somebody the link by which they set a password. Returns in words what became of it: the link
/// stands in no queue, so that nobody reads it from the database.
///
/// # Errors
/// As [`mail_server`].
pub async fn send_link(
    app: &App,
    (name, email): (&str, &str),
    link: &str,
) -> Result<String, AppError> {
    let Some(server) = mail_server(app).await? else {
        return Ok("No mail was sent, since no mail server is set.".to_owned());
    };
    let text = format!(
        "Hello {name},\n\nset a password for Poolwatch by this link. It works once, within three \
         days:\n\n{link}\n\nIf you expect no such mail, ignore it.\n"
    );
    Ok(match server.send_text(email, "Your account of Poolwatch", text).await {
        Ok(_) => format!("It was sent to {email}."),
        Err(error) => format!("It could not be sent to {email}: {error}."),
    })
}
