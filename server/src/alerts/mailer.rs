//! Mails by SMTP.

use std::time::Duration;

use anyhow::Context;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use poolwatch_model::{
    alerting::{AlertLevel, ChannelKind, HostScope, Recipient},
    incident::IncidentId,
};
use poolwatch_store::deliveries::LeasedDelivery;

use super::answer::DeliveryFailure;
use crate::answer_words::{error_in_words, smtp_answer};
use crate::cli::MailOptions;

/// How long the mail server may take for one step.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What a mail server says of who sends, not of what is sent: sign-in, or that it takes nothing yet.
const ABOUT_THE_SENDER: [u16; 4] = [530, 534, 535, 538];

/// Sends mails.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    domain: String,
    console_url: String,
}

/// Where people say what they want to be told (RFC 2369).
#[derive(Debug, Clone)]
struct ListUnsubscribe(String);

impl Header for ListUnsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), self.0.clone())
    }
}

/// The recipients on the command line: they are told of everything.
///
/// # Errors
/// When an address is malformed.
pub fn standing_recipients(options: &MailOptions) -> anyhow::Result<Vec<Recipient>> {
    let recipient = |to: &String| {
        let mailbox: Mailbox = to.trim().parse().with_context(|| format!("recipient {to}"))?;
        let address = mailbox.email.to_string();
        Ok(Recipient {
            id: None,
            kind: ChannelKind::Mail,
            name: mailbox.name.unwrap_or_else(|| address.clone()),
            address,
            scope: HostScope::default(),
            least: AlertLevel::Note,
            by: None,
        })
    };
    options.mail_to.iter().map(recipient).collect()
}

impl Mailer {
    /// The mailer that the options describe, if they do.
    ///
    /// # Errors
    /// When an address is malformed.
    pub fn new(options: &MailOptions, console_url: &str) -> anyhow::Result<Option<Self>> {
        let (Some(url), Some(from)) = (&options.smtp_url, &options.mail_from) else {
            return Ok(None);
        };
        let from: Mailbox = from.parse().with_context(|| format!("sender {from}"))?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .context("the mail server's address is not smtp://… or smtps://…")?
            .timeout(Some(TIMEOUT))
            .build();
        let domain = from.email.domain().to_owned();
        Ok(Some(Self { transport, from, domain, console_url: console_url.to_owned() }))
    }

    /// Sends a mail. Returns what the mail server said of it.
    ///
    /// # Errors
    /// What the mail server said, or why it was not reached.
    pub async fn send(&self, delivery: &LeasedDelivery) -> Result<String, DeliveryFailure> {
        let mail = self
            .compose(delivery)
            .map_err(|error| DeliveryFailure { is_final: true, answer: format!("{error:#}") })?;
        match self.transport.send(mail).await {
            Ok(response) => Ok(smtp_answer(&response)),
            Err(error) => {
                let code = error.status().map(u16::from);
                Err(DeliveryFailure {
                    is_final: error.is_permanent()
                        && !code.is_some_and(|code| ABOUT_THE_SENDER.contains(&code)),
                    answer: error_in_words(&error),
                })
            }
        }
    }

    fn compose(&self, delivery: &LeasedDelivery) -> anyhow::Result<Message> {
        let words = &delivery.words;
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, delivery.address.parse()?))
            .subject(header_text(&words.subject))
            .message_id(Some(format!("<poolwatch.{}@{}>", delivery.message, self.domain)))
            .header(ListUnsubscribe(format!("<{}/alerts#recipients>", self.console_url)));
        if let Some(IncidentId(incident)) = delivery.subject.incident {
            let thread = format!("<poolwatch.incident.{incident}@{}>", self.domain);
            builder = builder.references(thread.clone()).in_reply_to(thread);
        }
        let body = MultiPart::alternative_plain_html(words.text.clone(), words.html.clone());
        Ok(builder.multipart(body)?)
    }
}

/// A text on one line that no reader of mail takes for an encoded one (RFC 2047).
fn header_text(text: &str) -> String {
    let spaced = |letter: char| if letter.is_control() { ' ' } else { letter };
    text.chars().map(spaced).collect::<String>().replace("=?", "= ?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_subject_are_read_as_they_are() {
        assert_eq!(header_text("=?utf-8?q?all_is_well?=: x"), "= ?utf-8?q?all_is_well?=: x");
        assert_eq!(header_text("a.exe\r\nBcc: x@y"), "a.exe  Bcc: x@y");
    }
}
