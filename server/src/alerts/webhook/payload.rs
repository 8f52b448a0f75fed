//! What a webhook says, in the forms that others take.

use poolwatch_model::{
    alerting::{AlertLevel, ChannelKind, MessageSubject},
    incident::IncidentChange,
};
use poolwatch_store::{deliveries::LeasedDelivery, outbox::MessageWords};
use poolwatch_web::links;
use serde_json::{Value, json};

/// Letters of a body that a chat shows.
const CHAT_CHARS: usize = 2500;
/// Letters of a summary that PagerDuty takes.
const SUMMARY_CHARS: usize = 1024;

/// The body of a request.
pub(super) fn make(delivery: &LeasedDelivery, console_url: &str) -> Value {
    let LeasedDelivery { message, subject, words, .. } = delivery;
    let url = match &subject.incident {
        Some(id) => format!("{console_url}{}", links::incident(id)),
        None => console_url.to_owned(),
    };
    match delivery.kind {
        ChannelKind::Slack => slack(words, &url),
        ChannelKind::Teams => teams(words, &url),
        ChannelKind::PagerDuty => {
            pagerduty(subject, words, &url, *message, delivery.secret.as_deref())
        }
        ChannelKind::Webhook | ChannelKind::Mail => json!({
            "version": 1,
            "message": message,
            "incident": subject.incident,
            "change": subject.change,
            "level": subject.level,
            "subject": words.subject,
            "text": words.text,
            "url": url,
        }),
    }
}

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>
fn slack(words: &MessageWords, url: &str) -> Value {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let (subject, text) = (plain(&words.subject), plain(&cut(&words.text, CHAT_CHARS)));
    json!({ "text": format!("*{subject}*\n<{url}|Open in Poolwatch>\n```{text}```") })
}

/// A card as workflows of Teams post it: <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>
fn teams(words: &MessageWords, url: &str) -> Value {
    let block = |text: &str, weight: &str, font: &str| {
        json!({
            "type": "TextBlock", "text": text, "wrap": true, "weight": weight, "fontType": font,
        })
    };
    let text = cut(&words.text, CHAT_CHARS).replace('\n', "\n\n");
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    block(&words.subject, "Bolder", "Default"),
                    block(&text, "Default", "Monospace"),
                ],
                "actions": [
                    { "type": "Action.OpenUrl", "title": "Open in Poolwatch", "url": url },
                ],
            },
        }],
    })
}

/// <https://developer.pagerduty.com/docs/events-api-v2-overview>: one alert for each incident.
fn pagerduty(
    subject: &MessageSubject,
    words: &MessageWords,
    url: &str,
    message: i64,
    key: Option<&str>,
) -> Value {
    let is_over = subject.change == Some(IncidentChange::Resolved);
    let alert = match subject.incident {
        Some(id) => format!("poolwatch.incident.{}", id.0),
        None => format!("poolwatch.{message}"),
    };
    json!({
        "routing_key": key,
        "event_action": if is_over { "resolve" } else { "trigger" },
        "dedup_key": alert,
        "payload": {
            "summary": cut(&words.subject, SUMMARY_CHARS),
            "source": "Poolwatch",
            "severity": match subject.level {
                AlertLevel::Critical => "critical",
                AlertLevel::Warning => "warning",
                AlertLevel::Note => "info",
            },
            "custom_details": { "text": words.text },
        },
        "links": [{ "href": url, "text": "Open in Poolwatch" }],
    })
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{alerting::DeliveryId, incident::IncidentId};

    use super::*;

    fn delivery(kind: ChannelKind, change: IncidentChange) -> LeasedDelivery {
        LeasedDelivery {
            id: DeliveryId(1),
            message: 9,
            subject: MessageSubject {
                incident: Some(IncidentId(17)),
                change: Some(change),
                level: AlertLevel::Critical,
            },
            kind,
            address: "https://example.com/".into(),
            secret: Some("key".into()),
            words: MessageWords {
                subject: "<!channel> & more".into(),
                text: "a\nb".into(),
                html: String::new(),
            },
            attempts: 1,
        }
    }

    #[test]
    fn each_template_says_it_as_the_other_side_takes_it() {
        let made = |kind, change| make(&delivery(kind, change), "https://poolwatch.test");
        let generic = made(ChannelKind::Webhook, IncidentChange::Opened);
        assert_eq!((&generic["incident"], &generic["change"]), (&17.into(), &"opened".into()));
        assert_eq!((&generic["level"], &generic["message"]), (&"critical".into(), &9.into()));
        assert_eq!(generic["url"], "https://poolwatch.test/incidents/17");
        let slack = made(ChannelKind::Slack, IncidentChange::Opened);
        let text = slack["text"].as_str().unwrap();
        assert!(text.starts_with("*&lt;!channel&gt; &amp; more*\n"), "calls nobody: {text}");
        let teams = made(ChannelKind::Teams, IncidentChange::Opened);
        let card = &teams["attachments"][0]["content"];
        assert_eq!(card["body"][1]["text"], "a\n\nb");
        assert_eq!(card["actions"][0]["url"], "https://poolwatch.test/incidents/17");
        let [opened, resolved] = [IncidentChange::Opened, IncidentChange::Resolved]
            .map(|change| made(ChannelKind::PagerDuty, change));
        assert_eq!(opened["dedup_key"], resolved["dedup_key"]);
        assert_eq!(opened["event_action"], "trigger");
        assert_eq!(
            (&resolved["event_action"], &resolved["routing_key"]),
            (&"resolve".into(), &"key".into())
        );
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
