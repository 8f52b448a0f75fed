//! Who is told of what, and what became of it.

use jiff::SignedDuration;
use poolwatch_model::{
    HostId,
    alerting::{
        AlertLevel, AlertRule, AlertSettings, ChannelKind, Delivery, DeliveryId, DeliveryState,
        Heartbeat, HostScope, IncidentExtent, Recipient, RecipientId, RuleSetting, Silence,
        SilenceId, SilenceMatcher,
    },
    incident::IncidentId,
};
use poolwatch_web::alerts::{AlertsPage, DeliveryRow, RecipientRow, RulePage, SilenceRow};

use super::{ago, fs02, shell};

fn silence(id: i64, matcher: SilenceMatcher, reason: &str) -> Silence {
    Silence {
        id: SilenceId(id),
        matcher,
        reason: reason.into(),
        by: "Ana".into(),
        from: ago(1_200),
        until: ago(-13_200),
        worse_than: None,
        ended_by: None,
    }
}

pub(crate) fn until_worse() -> Silence {
    let matcher = SilenceMatcher { incident: Some(IncidentId(17)), ..Default::default() };
    let extent = IncidentExtent { per_day: 1e8, hosts: 1, is_urgent: false };
    Silence { worse_than: Some(extent), ..silence(4, matcher, "known, the vendor is asked") }
}

fn silences() -> Vec<SilenceRow> {
    let scope = HostScope::from_typed("Berlin/Files", "FS-*");
    let window = Silence {
        from: ago(-40_000),
        until: ago(-54_400),
        ..silence(5, SilenceMatcher { scope, ..Default::default() }, "Patch night")
    };
    let host = SilenceMatcher { host: Some(HostId(1)), ..Default::default() };
    vec![
        SilenceRow { silence: until_worse(), host: None },
        SilenceRow { silence: window, host: None },
        SilenceRow { silence: silence(6, host, "being rebuilt"), host: Some(fs02()) },
    ]
}

fn delivery(id: i64, kind: ChannelKind, address: &str, state: DeliveryState) -> Delivery {
    Delivery {
        id: DeliveryId(id),
        incident: Some(IncidentId(17)),
        recipient: None,
        kind,
        address: address.into(),
        subject: "[Poolwatch] CRITICAL FS-02: Nonpaged pool exhausted: mybadapp.exe (Thre)".into(),
        created: ago(600),
        attempts: 1,
        state,
        answer: Some("250 2.0.0 Ok: queued as 4XkQ".into()),
    }
}

pub(crate) fn deliveries() -> Vec<DeliveryRow> {
    let sent = DeliveryState::Sent(ago(600));
    let greylisted = Delivery {
        attempts: 3,
        answer: Some("451 4.7.1 Greylisted, try again later".into()),
        ..delivery(3, ChannelKind::Mail, "storage@example.com", DeliveryState::Waiting(ago(-30)))
    };
    let refused = Delivery {
        answer: Some("404 Not Found no_team".into()),
        ..delivery(
            2,
            ChannelKind::Slack,
            "https://hooks.slack.example/services/secret",
            DeliveryState::GivenUp(ago(590)),
        )
    };
    vec![
        DeliveryRow::new(greylisted, true),
        DeliveryRow::new(refused, true),
        DeliveryRow::new(delivery(1, ChannelKind::Mail, "operators@example.com", sent), true),
    ]
}

fn recipient(id: Option<i64>, kind: ChannelKind, name: &str, address: &str) -> Recipient {
    Recipient {
        id: id.map(RecipientId),
        kind,
        name: name.into(),
        address: address.into(),
        scope: HostScope::default(),
        least: AlertLevel::Note,
        by: Some("Ana".into()),
    }
}

pub(crate) fn alerts() -> AlertsPage {
    let operators = "operators@example.com";
    let storage = Recipient {
        scope: HostScope::from_typed("Berlin/Files", "FS-*"),
        least: AlertLevel::Warning,
        ..recipient(Some(2), ChannelKind::Mail, "Storage team", "storage@example.com")
    };
    let sent = delivery(1, ChannelKind::Mail, operators, DeliveryState::Sent(ago(600)));
    AlertsPage {
        shell: shell("/alerts"),
        may_operate: true,
        may_administer: true,
        rules: AlertRule::ALL.into_iter().map(RuleSetting::default_of).collect(),
        silences: silences(),
        recipients: vec![
            RecipientRow {
                recipient: recipient(None, ChannelKind::Mail, operators, operators),
                last: Some(sent),
            },
            RecipientRow { recipient: storage, last: None },
        ],
        groups: vec!["Berlin/Files".into()],
        deliveries: deliveries(),
        waiting: 1,
        given_up: 1,
        settings: AlertSettings {
            allows_private: false,
            heartbeat: Heartbeat::Url("https://dead-man.example/ping".into()),
            heartbeat_every: SignedDuration::from_hours(24),
            heartbeat_at: Some(ago(7_200)),
            heartbeat_answer: Some("200 OK".into()),
        },
    }
}

pub(crate) fn empty() -> AlertsPage {
    AlertsPage {
        may_operate: false,
        may_administer: false,
        silences: vec![],
        recipients: vec![],
        deliveries: vec![],
        waiting: 0,
        given_up: 0,
        settings: AlertSettings::default(),
        ..alerts()
    }
}

pub(crate) fn rule() -> RulePage {
    let default = RuleSetting::default_of(AlertRule::Leak);
    RulePage {
        shell: shell("/alerts/rules/leak"),
        setting: RuleSetting { least_hosts: 3, left_h: 168, ..default },
        may_administer: true,
        found: 7,
        told: 2,
    }
}
