//! Who is told of what, and what became of it.

use jiff::SignedDuration;
use poolwatch_model::{
    HostId,
    alerting::{
        AlertLevel, AlertRule, AlertSettings, ChannelKind, Delivery, DeliveryId, DeliveryState,
        DigestEvery, DigestSchedule, Heartbeat, HostScope, IncidentExtent, Recipient, RecipientId,
        RecurringWindow, RuleSetting, Silence, SilenceId, SilenceMatcher, Weekdays, WindowId,
    },
    incident::{IncidentChange, IncidentId},
};
use poolwatch_web::{
    alerts::{AlertsPage, DeliveryRow, RecipientRow, RuleAlertRow, RulePage, RulePast, SilenceRow},
    mail::{DigestLine, DigestMail, RuleAlertHost, RuleAlertMail},
};

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
        per_hour: Recipient::PER_HOUR,
        digest: None,
        by: Some("Ana".into()),
    }
}

pub(crate) fn alerts() -> AlertsPage {
    let operators = "operators@example.com";
    let storage = Recipient {
        scope: HostScope::from_typed("Berlin/Files", "FS-*"),
        least: AlertLevel::Warning,
        digest: Some(DigestSchedule {
            every: DigestEvery::Week,
            hour: 8,
            zone: "Europe/Berlin".into(),
        }),
        ..recipient(Some(2), ChannelKind::Mail, "Storage team", "storage@example.com")
    };
    let sent = delivery(1, ChannelKind::Mail, operators, DeliveryState::Sent(ago(600)));
    AlertsPage {
        shell: shell("/alerts"),
        may_operate: true,
        may_administer: true,
        rules: AlertRule::ALL
            .into_iter()
            .map(RuleSetting::default_of)
            .chain([legacy_handles()])
            .collect(),
        alerting: vec!["host-silent".into()],
        silences: silences(),
        windows: vec![RecurringWindow {
            id: WindowId(1),
            matcher: SilenceMatcher {
                scope: HostScope::from_typed("", "FS-*"),
                ..SilenceMatcher::default()
            },
            reason: "Patch night".into(),
            by: "Ana".into(),
            zone: "Europe/Berlin".into(),
            weekdays: Weekdays::from_bits(0b10_0010).expect("there are days in it"),
            begins: 22 * 60,
            ends: 4 * 60,
            last: ago(-20_000_000),
        }],
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
        rules: AlertRule::ALL.map(RuleSetting::default_of).into(),
        alerting: vec![],
        silences: vec![],
        windows: vec![],
        recipients: vec![],
        deliveries: vec![],
        waiting: 0,
        given_up: 0,
        settings: AlertSettings::default(),
        ..alerts()
    }
}

fn legacy_handles() -> RuleSetting {
    RuleSetting {
        name: "program-handles-1".into(),
        is_on: true,
        program: Some("legacy.exe".into()),
        ..RuleSetting::default_of(AlertRule::ProgramHandles)
    }
}

pub(crate) fn rule() -> RulePage {
    let default = RuleSetting::default_of(AlertRule::Leak);
    RulePage {
        shell: shell("/alerts/rules/leak"),
        setting: RuleSetting { least_hosts: 3, threshold: 168, ..default },
        may_administer: true,
        fails_since: None,
        past: RulePast::Incidents { told: 2, found: 7 },
        alerts: vec![],
        groups: vec!["Berlin/Files".into()],
    }
}

pub(crate) fn host_rule() -> RulePage {
    RulePage {
        shell: shell("/alerts/rules/program-handles-1"),
        setting: legacy_handles(),
        fails_since: Some(ago(1_900)),
        past: RulePast::Alerts(3),
        alerts: vec![
            RuleAlertRow {
                opened: ago(900),
                ended: None,
                hosts: vec![(fs02(), 2_410)],
                host_count: 1,
                worst: Some(2_410),
            },
            RuleAlertRow {
                opened: ago(90_000),
                ended: Some(ago(80_000)),
                hosts: vec![(fs02(), 2_130)],
                host_count: 41,
                worst: Some(2_130),
            },
        ],
        ..rule()
    }
}

pub(crate) fn rule_mail() -> RuleAlertMail {
    let console = "https://poolwatch.corp.example";
    let host = |name: &str, minutes: u64| RuleAlertHost {
        name: name.into(),
        url: format!("{console}/hosts/1"),
        value: minutes,
        since: ago(60 * minutes as i64),
    };
    RuleAlertMail {
        change: IncidentChange::Opened,
        rule: RuleSetting::default_of(AlertRule::HostSilent),
        opened: ago(600),
        hosts: vec![host("FS-02", 95), host("FS-11.branch-office.corp.example", 71)],
        host_count: 41,
        worst: Some(95),
        rule_url: format!("{console}/alerts/rules/host-silent"),
        console_url: console.into(),
    }
}

pub(crate) fn digest_mail() -> DigestMail {
    let console = "https://poolwatch.corp.example";
    let line = |title: &str, detail: &str, seconds| DigestLine {
        title: title.into(),
        detail: detail.into(),
        url: format!("{console}/incidents/17"),
        at: ago(seconds),
    };
    DigestMail {
        every: DigestEvery::Day,
        period: ("2026-03-02 08:00".into(), "2026-03-03 08:00 Europe/Berlin".into()),
        began: vec![line(
            "Nonpaged pool leak: foo.sys 5.1 (Fooo)",
            "41 hosts; first full in about 6 h",
            40_000,
        )],
        goes_on: vec![line("High use: MmSt", "12 hosts", 400_000)],
        ended: vec![line("Commit exhausted", "on no host any more", 80_000)],
        alerts: vec![line("A host is silent", "2 hosts; over", 30_000)],
        reporting: 960,
        silent: 2,
        undelivered: 0,
        console_url: console.into(),
    }
}
