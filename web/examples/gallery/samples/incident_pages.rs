//! The incident of the classic case as a page and as a mail.

use super::*;

pub(crate) fn incidents() -> IncidentsPage {
    IncidentsPage {
        shell: shell("/incidents"),
        open: 3,
        list: listed(&INCIDENTS, "/incidents", 3, causes()),
    }
}

fn picture() -> Picture {
    Picture {
        trigger: Trigger::PoolEmpty { pool: Pool::Nonpaged },
        at: ago(1_200),
        since: ago(1_200 + 24 * 3600),
        grew: vec![Evidence::PoolGrowth {
            pool: Pool::Nonpaged,
            grown: Bytes(116 * MB),
            over_s: 24 * 3600,
        }],
        held: vec![Evidence::ProcessHandles {
            image: "mybadapp.exe".into(),
            pid: 416,
            handles: 90_472,
        }],
        changed: vec![Change {
            at: ago(3 * 24 * 3600),
            attribute: Attribute::Driver { name: "foo.sys".into(), version: Some("5.1".into()) },
            before: Some("5.0".into()),
            kind: ChangeKind::Changed,
        }],
        reason: Reason::ProgramHolds { image: "mybadapp.exe".into(), tag: PoolTag::new(*b"Thre") },
    }
}

fn comparison() -> Vec<AttributeCounts> {
    vec![AttributeCounts {
        attribute: Attribute::Driver { name: "foo.sys".into(), version: Some("5.1".into()) },
        affected: 39,
        affected_of: 41,
        healthy: 3,
        healthy_of: 960,
        odds_ratio: 4_200.0,
        p: 1e-40,
    }]
}

fn note(seconds: i64, by: Option<&str>, what: Noted) -> Note {
    Note { at: ago(seconds), by: by.map(str::to_owned), what }
}

pub(crate) fn incident_page() -> IncidentPage {
    IncidentPage {
        shell: shell("/incidents/17"),
        incident: incident(17, 1, classic_diagnosis()),
        hosts: vec![IncidentHost {
            host: fs02(),
            os: Some(server_2003()),
            level: classic_level(),
            growth: Some(116 * MB as i64),
            trend: Sparkline::bytes(rising(88 * MB, 204 * MB)).marked(true),
        }],
        owner: Some("Ana".into()),
        acknowledged: Some(Acknowledgement { by: "Bo".into(), at: ago(1_000) }),
        confirmation: Some(Confirmation {
            by: "Bo".into(),
            at: ago(500),
            is_right: true,
            suspect: "mybadapp.exe (Thre)".into(),
        }),
        merged_into: None,
        others: vec![OtherIncident { id: IncidentId(16), title: "Leak: foo.sys 5.1".into() }],
        silences: vec![alert_pages::until_worse()],
        deliveries: alert_pages::deliveries(),
        people: vec!["Ana".into(), "Bo".into()],
        may_act: true,
        seen_on: 2,
        worst_on: Some(fs02()),
        changes: vec![DriverChangeRow {
            name: "foo.sys".into(),
            is_new: false,
            before: Some("5.0".into()),
            after: Some("5.1".into()),
            hosts: 1,
            first: ago(3 * 24 * 3600),
            last: ago(3 * 24 * 3600),
        }],
        notes: vec![
            note(400, Some("Bo"), Noted::TookIn(IncidentId(9))),
            note(500, Some("Bo"), Noted::Confirmed("mybadapp.exe (Thre)".into())),
            note(600, Some("Bo"), Noted::Comment("Restarted BadApp.\nThe vendor is asked.".into())),
            note(700, None, Noted::SilenceEnded("it is worse than when it was silenced".into())),
            note(800, Some("Bo"), Noted::Silenced("Patch night".into())),
            note(850, Some("Bo"), Noted::Acknowledged),
            note(900, Some("Bo"), Noted::Owner(Some("Ana".into()))),
            note(1_200, None, Noted::State(IncidentState::Worsening)),
            note(90_000, None, Noted::State(IncidentState::Open)),
        ],
        picture: Some(picture()),
        comparison: comparison(),
        steps: ordered_steps(),
        events: events().into_iter().filter(|row| row.host.id == HostId(1)).collect(),
    }
}

pub(crate) fn mail() -> IncidentMail {
    IncidentMail {
        change: IncidentChange::Opened,
        host: "FS-02".into(),
        hosts: 1,
        os: Some(server_2003()),
        group: Some("Berlin/Files".into()),
        pool: Some(Pool::Nonpaged),
        event: Some(NoticeEvent { id: 2019, time: ago(1_200) }),
        used: Some(Bytes::from_kib(209_844)),
        ceiling: Some(measured()),
        commit: None,
        diagnosis: classic_diagnosis(),
        tags: tag_rows()
            .into_iter()
            .take(5)
            .map(|row| MailTag {
                tag: row.tag,
                bytes: row.bytes,
                outstanding: row.outstanding,
                meaning: row.meaning.map(|meaning| meaning.text),
            })
            .collect(),
        processes: process_rows()
            .into_iter()
            .take(3)
            .map(|row| MailProcess {
                image: row.process.image,
                pid: row.process.key.pid,
                handles: row.process.handles.unwrap_or(0),
                services: row.process.services,
            })
            .collect(),
        steps: steps().into_iter().take(2).collect(),
        chart: Some(PoolChart {
            hours: (0..24)
                .map(|hour: u64| match hour {
                    5 => None,
                    0..5 => Some((150 << 20) + (hour << 20)),
                    _ => Some((60 << 20) + ((hour - 6) << 23)),
                })
                .collect(),
            limit: Some(217_112 << 10),
        }),
        host_url: "https://poolwatch.corp.example/hosts/1".into(),
        incident_url: "https://poolwatch.corp.example/incidents/17".into(),
        console_url: "https://poolwatch.corp.example/".into(),
    }
}
