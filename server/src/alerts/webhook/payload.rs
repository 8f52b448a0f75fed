//! What a webhook says, in the forms that others take.

use poolwatch_model::{
    alerting::{AlertLevel, ChannelKind, MessageSubject},
    incident::IncidentChange,
};
use poolwatch_store::{deliveries::LeasedDelivery, outbox::MessageWords};
use poolwatch_web::links;
use reqwest::Url;
use serde_json::{Value, json};

/// Letters of a body that a chat shows.
const CHAT_CHARS: usize = 2500;
/// Letters of a heading that Slack takes.
const SLACK_HEAD_CHARS: usize = 150;
/// Letters of a summary that PagerDuty takes.
const SUMMARY_CHARS: usize = 1024;
/// Letters of a message and of a description that Opsgenie takes.
const OPSGENIE_CHARS: [usize; 2] = [130, 15_000];
/// Letters of a description that ServiceNow takes.
const SERVICENOW_CHARS: usize = 4000;

/// The body of a request.
pub(super) fn make(delivery: &LeasedDelivery, secret: Option<&str>, console_url: &str) -> Value {
    let LeasedDelivery { message, subject, words, .. } = delivery;
    let url = match &subject.incident {
        Some(id) => format!("{console_url}{}", links::incident(id)),
        None => console_url.to_owned(),
    };
    match delivery.kind {
        ChannelKind::Slack => slack(words, &url),
        ChannelKind::Teams => teams(words, &url),
        ChannelKind::PagerDuty => pagerduty(subject, words, &url, *message, secret),
        ChannelKind::Opsgenie => opsgenie(subject, words, &url, *message),
        ChannelKind::ServiceNow => servicenow(subject, words, &url, *message),
        ChannelKind::Webhook | ChannelKind::Mail | ChannelKind::Syslog => json!({
            "version": 1,
            "message": message,
            "incident": subject.incident,
            "alert": subject.alert,
            "change": subject.change,
            "level": subject.level,
            "subject": words.subject,
            "text": words.text,
            "url": url,
        }),
    }
}

/// <https://docs.slack.dev/reference/block-kit/blocks>: what hosts call themselves stands in elements that
/// know no markup.
fn slack(words: &MessageWords, url: &str) -> Value {
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let head = json!({
        "type": "plain_text", "text": cut(&words.subject, SLACK_HEAD_CHARS - 1), "emoji": false,
    });
    let link = format!("<{url}|Open in Poolwatch>");
    let text = json!({ "type": "text", "text": cut(&words.text, CHAT_CHARS) });
    json!({
        // Of a notification.
        "text": plain(&words.subject),
        "blocks": [
            { "type": "header", "text": head },
            { "type": "section", "text": { "type": "mrkdwn", "text": link } },
            {
                "type": "rich_text",
                "elements": [{ "type": "rich_text_preformatted", "elements": [text] }],
            },
        ],
    })
}

/// A card as workflows of Teams post it: <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook>.
/// What hosts call themselves stands in runs of text: those know no Markdown.
fn teams(words: &MessageWords, url: &str) -> Value {
    let line = |text: &str, weight: &str, font: &str| {
        let run = json!({ "type": "TextRun", "text": text, "weight": weight, "fontType": font });
        json!({ "type": "RichTextBlock", "spacing": "None", "inlines": [run] })
    };
    let text = cut(&words.text, CHAT_CHARS);
    let lines = text.lines().filter(|text| !text.trim().is_empty());
    let lines = lines.map(|text| line(text, "Default", "Monospace"));
    let body: Vec<Value> =
        [line(&words.subject, "Bolder", "Default")].into_iter().chain(lines).collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
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
    json!({
        "routing_key": key,
        "event_action": if is_over(subject) { "resolve" } else { "trigger" },
        "dedup_key": thread(subject, message),
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

/// Whether a message says that something is over.
pub(super) fn is_over(subject: &MessageSubject) -> bool {
    subject.change == Some(IncidentChange::Resolved)
}

/// What is the same for all messages of one incident or alert.
fn thread(subject: &MessageSubject, message: i64) -> String {
    match (subject.incident, subject.alert) {
        (Some(id), _) => format!("poolwatch.incident.{}", id.0),
        (None, Some(id)) => format!("poolwatch.alert.{}", id.0),
        (None, None) => format!("poolwatch.{message}"),
    }
}

/// <https://docs.opsgenie.com/docs/alert-api>: one alert for each incident, closed at another address.
fn opsgenie(subject: &MessageSubject, words: &MessageWords, url: &str, message: i64) -> Value {
    let [message_chars, description_chars] = OPSGENIE_CHARS;
    if is_over(subject) {
        return json!({ "source": "Poolwatch", "note": cut(&words.subject, description_chars) });
    }
    json!({
        "message": cut(&words.subject, message_chars - 1),
        "alias": thread(subject, message),
        "description": cut(&words.text, description_chars - 1),
        "details": { "url": url },
        "source": "Poolwatch",
        "tags": ["poolwatch", subject.level.as_str()],
        "priority": match subject.level {
            AlertLevel::Critical => "P1",
            AlertLevel::Warning => "P3",
            AlertLevel::Note => "P5",
        },
    })
}

/// Where the alert of an incident that is over is closed.
pub(super) fn opsgenie_close(mut url: Url, subject: &MessageSubject, message: i64) -> Url {
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(&thread(subject, message)).push("close");
    }
    url.query_pairs_mut().append_pair("identifierType", "alias");
    url
}

/// An event of Event Management (`/api/global/em/jsonv2`); events with one key are one alert.
fn servicenow(subject: &MessageSubject, words: &MessageWords, url: &str, message: i64) -> Value {
    json!({ "records": [{
        "source": "Poolwatch",
        "event_class": "Poolwatch",
        "node": "Poolwatch",
        "type": "kernel pool",
        "message_key": thread(subject, message),
        "severity": match (is_over(subject), subject.level) {
            (true, _) => "0",
            (false, AlertLevel::Critical) => "1",
            (false, AlertLevel::Warning) => "3",
            (false, AlertLevel::Note) => "4",
        },
        "resolution_state": if is_over(subject) { "Closing" } else { "New" },
        "description": cut(&format!("{}\n\n{}", words.subject, words.text), SERVICENOW_CHARS - 1),
        "additional_info": json!({ "url": url }).to_string(),
    }] })
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
                alert: None,
                change: Some(change),
                level: AlertLevel::Critical,
            },
            kind,
            address: "https://example.com/".into(),
            sealed_secret: None,
            words: MessageWords {
                subject: "<!channel> & more".into(),
                text: "a\nb".into(),
                html: String::new(),
                chart: None,
            },
            attempts: 1,
        }
    }

    #[test]
    fn each_template_says_it_as_the_other_side_takes_it() {
        let made =
            |kind, change| make(&delivery(kind, change), Some("key"), "https://poolwatch.test");
        let generic = made(ChannelKind::Webhook, IncidentChange::Opened);
        assert_eq!((&generic["incident"], &generic["change"]), (&17.into(), &"opened".into()));
        assert_eq!((&generic["level"], &generic["message"]), (&"critical".into(), &9.into()));
        assert_eq!(generic["url"], "https://poolwatch.test/incidents/17");
        let slack = made(ChannelKind::Slack, IncidentChange::Opened);
        let text = slack["text"].as_str().unwrap();
        assert_eq!(text, "&lt;!channel&gt; &amp; more", "calls nobody");
        let teams = made(ChannelKind::Teams, IncidentChange::Opened);
        let card = &teams["attachments"][0]["content"];
        assert_eq!(card["body"][2]["inlines"][0]["text"], "b");
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
    fn what_hosts_call_themselves_is_no_markup_in_a_chat() {
        let name = "[Sign in](https://evil.example) ```*x*``` <https://evil.example|here>";
        let mut delivery = delivery(ChannelKind::Slack, IncidentChange::Opened);
        (delivery.words.subject, delivery.words.text) = (name.into(), format!("{name}\n\nb"));
        /// Values of a key, where the object beside them is of none of these types.
        fn texts<'a>(value: &'a Value, literal: &[&str], found: &mut Vec<&'a str>) {
            match value {
                Value::Object(fields) => {
                    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
                    if let (Some(text), false) = (fields.get("text"), literal.contains(&kind)) {
                        found.extend(text.as_str());
                    }
                    fields.values().for_each(|value| texts(value, literal, found));
                }
                Value::Array(all) => all.iter().for_each(|value| texts(value, literal, found)),
                _ => {}
            }
        }
        let slack = make(&delivery, None, "https://poolwatch.test");
        let mut marked = Vec::new();
        texts(&slack, &["plain_text", "text"], &mut marked);
        assert_eq!(marked.len(), 2, "{marked:?}");
        assert!(!marked[0].contains('<'), "{marked:?}");
        assert_eq!(marked[1], "<https://poolwatch.test/incidents/17|Open in Poolwatch>");
        delivery.kind = ChannelKind::Teams;
        let teams = make(&delivery, None, "https://poolwatch.test");
        let mut marked = Vec::new();
        texts(&teams, &["TextRun"], &mut marked);
        assert_eq!(marked, [""; 0]);
        assert_eq!(teams["attachments"][0]["content"]["body"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn opsgenie_and_servicenow_have_one_alert_for_an_incident_and_close_it() {
        let made = |kind, change| make(&delivery(kind, change), None, "https://poolwatch.test");
        let opened = made(ChannelKind::Opsgenie, IncidentChange::Opened);
        assert_eq!(
            (&opened["alias"], &opened["priority"]),
            (&"poolwatch.incident.17".into(), &"P1".into())
        );
        let over = made(ChannelKind::Opsgenie, IncidentChange::Resolved);
        assert_eq!(over["note"], "<!channel> & more");
        let subject = delivery(ChannelKind::Opsgenie, IncidentChange::Resolved).subject;
        let base: Url = "https://api.opsgenie.com/v2/alerts".parse().unwrap();
        assert_eq!(
            opsgenie_close(base, &subject, 9).as_str(),
            "https://api.opsgenie.com/v2/alerts/poolwatch.incident.17/close?identifierType=alias"
        );
        let [opened, over] = [IncidentChange::Opened, IncidentChange::Resolved]
            .map(|change| made(ChannelKind::ServiceNow, change)["records"][0].clone());
        assert_eq!(opened["message_key"], over["message_key"]);
        assert_eq!((&opened["severity"], &over["severity"]), (&"1".into(), &"0".into()));
        assert_eq!(over["resolution_state"], "Closing");
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
