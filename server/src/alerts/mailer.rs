//! Mails by SMTP.

use std::time::Duration;

use anyhow::Context;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::AsyncSmtpTransportBuilder,
};
use poolwatch_model::{
    alerting::{AlertId, AlertLevel, ChannelKind, HostScope, Recipient},
    incident::IncidentId,
};
use poolwatch_store::deliveries::LeasedDelivery;

use super::answer::DeliveryFailure;
use crate::{
    answer_words::{error_in_words, smtp_answer},
    cli::MailOptions,
    oauth::{EXCHANGE_SCOPE, OAuthClient, TokenSource},
};

/// How long the mail server may take for one step.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What a mail server says of who sends, not of what is sent: sign-in, or that it takes nothing yet.
const ABOUT_THE_SENDER: [u16; 4] = [530, 534, 535, 538];

/// Sends mails.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    oauth: Option<Box<OAuthSignIn>>,
    from: Mailbox,
    domain: String,
    console_url: String,
}

/// Signing in by a token that is renewed.
#[derive(Debug, Clone)]
struct OAuthSignIn {
    user: String,
    tokens: TokenSource,
    builder: AsyncSmtpTransportBuilder,
}

/// The name by which the HTML of a mail refers to its picture.
pub const CHART: &str = "chart";

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
            per_hour: Recipient::PER_HOUR,
            digest: None,
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
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .context("the mail server's address is not smtp://… or smtps://…")?
            .timeout(Some(TIMEOUT));
        let oauth = oauth_client(options)?.map(|client| {
            Box::new(OAuthSignIn {
                user: from.email.to_string(),
                tokens: TokenSource::new(client),
                builder: builder.clone(),
            })
        });
        let domain = from.email.domain().to_owned();
        let (transport, console_url) = (builder.build(), console_url.to_owned());
        Ok(Some(Self { transport, oauth, from, domain, console_url }))
    }

    /// Sends a mail. Returns what the mail server said of it.
    ///
    /// # Errors
    /// What the mail server said, or why it was not reached.
    pub async fn send(&self, delivery: &LeasedDelivery) -> Result<String, DeliveryFailure> {
        let mail = self
            .compose(delivery)
            .map_err(|error| DeliveryFailure { is_final: true, answer: format!("{error:#}") })?;
        let transport = match &self.oauth {
            None => self.transport.clone(),
            Some(sign_in) => {
                let signed_in = sign_in.tokens.sign_in(&sign_in.builder, &sign_in.user).await;
                signed_in.map_err(|error| DeliveryFailure {
                    is_final: false,
                    answer: format!("{error:#}"),
                })?
            }
        };
        match transport.send(mail).await {
            Ok(response) => Ok(smtp_answer(&response)),
            Err(error) => {
                let code = error.status().map(u16::from);
                if let Some(sign_in) = &self.oauth
                    && code.is_some_and(|code| ABOUT_THE_SENDER.contains(&code))
                {
                    sign_in.tokens.forget().await;
                }
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
        let thread = match (delivery.subject.incident, delivery.subject.alert) {
            (Some(IncidentId(incident)), _) => Some(format!("incident.{incident}")),
            (None, Some(AlertId(alert))) => Some(format!("alert.{alert}")),
            (None, None) => None,
        };
        if let Some(thread) = thread {
            let thread = format!("<poolwatch.{thread}@{}>", self.domain);
            builder = builder.references(thread.clone()).in_reply_to(thread);
        }
        let (text, html) = (words.text.clone(), words.html.clone());
        let body = match &words.chart {
            None => MultiPart::alternative_plain_html(text, html),
            Some(chart) => {
                let picture = Attachment::new_inline(CHART.to_owned());
                let picture = picture.body(chart.clone(), ContentType::parse("image/png")?);
                let shown = MultiPart::related().singlepart(SinglePart::html(html));
                MultiPart::alternative()
                    .singlepart(SinglePart::plain(text))
                    .multipart(shown.singlepart(picture))
            }
        };
        Ok(builder.multipart(body)?)
    }
}

/// How tokens are got, if the options say so.
///
/// # Errors
/// When they say it by half.
pub fn oauth_client(options: &MailOptions) -> anyhow::Result<Option<OAuthClient>> {
    let Some(token_url) = &options.smtp_oauth_token_url else { return Ok(None) };
    let named = |value: &Option<String>, option: &str| {
        value.clone().with_context(|| format!("--smtp-oauth-token-url needs {option}"))
    };
    Ok(Some(OAuthClient {
        token_url: token_url.clone(),
        client_id: named(&options.smtp_oauth_client_id, "--smtp-oauth-client-id")?,
        client_secret: named(&options.smtp_oauth_client_secret, "--smtp-oauth-client-secret")?,
        scope: options.smtp_oauth_scope.clone().unwrap_or_else(|| EXCHANGE_SCOPE.to_owned()),
    }))
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
