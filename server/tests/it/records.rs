//! One record of an incident: page, list, mail and interface say the same at every moment.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag,
    diagnosis::{
        Bound, Diagnosis, Evidence, Headroom, Suspect, SuspectKind, TagFinding, TagObservation,
        TimeLeft, Verdict,
    },
    incident::{Incident, IncidentChange, IncidentState},
    person::Role,
};
use poolwatch_server::{
    alerts::{
        self,
        dispatch::{Dispatched, dispatch_due},
    },
    fleet::refresh::{Keeper, refresh},
    jobs::resolve_quiet_incidents,
    judging::record::{Judged, Kind, Notice, is_lifecycle, record},
};
use poolwatch_store::{check::find_damaged_documents, outbox::MessageWords};
use poolwatch_web::words;
use serde_json::Value;
use sqlx::Connection;

use crate::{
    events::incidents as listed,
    server::{Server, classic, now},
};

const FOOO: PoolTag = PoolTag::new(*b"Fooo");
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

pub(crate) fn leak(days_left: u64) -> Diagnosis {
    let pool = Pool::Nonpaged;
    let suspect = Suspect {
        tags: vec![FOOO],
        confidence: 0.2,
        evidence: vec![Evidence::TagUse {
            tag: FOOO,
            pool,
            bytes: Bytes(1 << 30),
            outstanding: 1 << 20,
        }],
        ..Suspect::default()
    };
    let likely_s = days_left * 86_400;
    Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(pool),
        suspects: vec![suspect],
        tags: vec![TagObservation {
            tag: FOOO,
            pool,
            bytes: Bytes(1 << 30),
            outstanding: 1 << 20,
            finding: TagFinding::Leaks,
            bytes_per_day: Some(Bytes(100_000_000)),
        }],
        headroom: Some(Headroom { pool, left: Bytes(1 << 31), bound: Bound::MeasuredLimit }),
        time_left: Some(TimeLeft { pool, likely_s, least_s: likely_s, most_s: None }),
        ..Diagnosis::default()
    }
}

fn named(diagnosis: Diagnosis) -> Diagnosis {
    let mut named = diagnosis;
    let suspect = &mut named.suspects[0];
    suspect.kind = SuspectKind::Driver;
    (suspect.name, suspect.version) = (Some("foo.sys".into()), Some("5.1".into()));
    suspect.confidence = 0.8;
    named
}

fn exhausted(diagnosis: Diagnosis) -> Diagnosis {
    Diagnosis { verdict: Verdict::Exhausted, headroom: None, time_left: None, ..diagnosis }
}

/// Keeps what was found on a host at a moment, with the messages that follow.
pub(crate) async fn find(
    server: &Server,
    host: HostId,
    at: Timestamp,
    diagnoses: &[Diagnosis],
) -> Vec<Notice> {
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut transaction = db.begin().await.unwrap();
    let kind = Kind::Study;
    let judged = Judged { host, at, uptime_s: 864_000, diagnoses, outcomes: &[], kind };
    let outcome = record(&mut transaction, &judged).await.unwrap();
    for notice in &outcome.notices {
        alerts::incident::enqueue(&mut transaction, notice, None, at).await.unwrap();
    }
    transaction.commit().await.unwrap();
    outcome.notices
}

async fn mails_at(server: &Server, at: Timestamp) -> Vec<MessageWords> {
    let mut mails = Vec::new();
    while let Some(dispatched) = dispatch_due(&server.app, at).await.unwrap() {
        if let Dispatched::Sent(words, _) = dispatched {
            mails.push(words);
        }
    }
    mails
}

pub(crate) async fn hosts(server: &Server, number: usize) -> Vec<HostId> {
    let mut ids = Vec::new();
    for place in 0..number {
        let mut agent = server.enrol(&format!("web-{place}")).await;
        let frame = agent.frame(classic(0));
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
        ids.push(agent.id);
    }
    ids
}

async fn get(server: &Server, path: &str) -> String {
    let token = server.api_token(Role::Viewer).await;
    let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(token);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap().replace("&#60;", "<").replace('\u{a0}', " ")
}

/// Sees to it that whoever shows the one incident says the same. Returns it.
async fn assert_all_say_the_same(server: &Server, mail: Option<&MessageWords>) -> Incident {
    let (_, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    let incident = listed(server).await.remove(0);
    let title = words::title(&incident.diagnosis).replace('\u{a0}', " ");
    let headline = words::headline(&incident.diagnosis).replace('\u{a0}', " ");
    let path = format!("/incidents/{}", incident.id.0);
    let mut places = vec![(path.clone(), &title), (path.clone(), &headline)];
    places.push((format!("{path}/report.txt"), &headline));
    places.push(("/incidents?show=all".to_owned(), &title));
    if incident.state.is_active() {
        places.push(("/".to_owned(), &title));
    }
    for (place, words) in places {
        let page = get(server, &place).await;
        assert!(page.contains(words), "{words} is not in {place}:\n{page}");
    }
    let pack: Value =
        serde_json::from_str(&get(server, &format!("{path}/evidence.json")).await).unwrap();
    let packed: Diagnosis = serde_json::from_value(pack["incident"]["diagnosis"].clone()).unwrap();
    assert_eq!(packed, incident.diagnosis);
    if let Some(mail) = mail {
        assert!(mail.subject.contains(&title), "{title} is not in {}", mail.subject);
        let is_over = incident.state == IncidentState::Resolved;
        let said = if is_over { &title } else { &headline };
        assert!(mail.text.contains(said), "{said} is not in\n{}", mail.text);
    }
    incident
}

#[tokio::test]
async fn page_list_mail_and_interface_say_the_same_at_each_step_of_an_incident() {
    let server = Server::start().await;
    let hosts = hosts(&server, 4).await;
    let begin = now();
    let at = |minutes: i64| begin + MINUTE * i32::try_from(minutes).unwrap();

    find(&server, hosts[0], at(0), &[leak(30)]).await;
    assert_eq!(mails_at(&server, at(0)).await, [], "a first message waits");
    assert_all_say_the_same(&server, None).await;

    // The same moment again, with what a comparison told: it belongs to the first message.
    find(&server, hosts[0], at(0), &[named(leak(30))]).await;
    find(&server, hosts[1], at(0), &[named(leak(18))]).await;
    let mails = mails_at(&server, at(1)).await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert_eq!(
        mails[0].subject,
        "[Poolwatch] WARNING 2 hosts: Nonpaged pool leak: foo.sys 5.1 (Fooo); first full in about 18 d"
    );
    let incident = assert_all_say_the_same(&server, mails.first()).await;
    assert_eq!((incident.worst, incident.findings), (Some(hosts[1]), 2));

    // Who lasts longer comes last, and one that can name nobody: nothing sinks.
    find(&server, hosts[0], at(70), &[named(leak(25))]).await;
    find(&server, hosts[1], at(70), &[leak(18)]).await;
    assert_eq!(mails_at(&server, at(72)).await, []);
    let incident = assert_all_say_the_same(&server, None).await;
    assert_eq!(incident.diagnosis.left_s(), Some(18 * 86_400));
    assert_eq!(incident.diagnosis.suspects[0].name.as_deref(), Some("foo.sys"));

    // It spreads, and a pool is empty: nobody waits.
    find(&server, hosts[2], at(80), &[exhausted(named(leak(1)))]).await;
    let mails = mails_at(&server, at(80)).await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert_eq!(
        mails[0].subject,
        "[Poolwatch] CRITICAL 3 hosts: worse, Nonpaged pool exhausted: foo.sys 5.1 (Fooo)"
    );
    assert!(mails[0].text.contains("Hosts:  3, worst off web-2"), "{}", mails[0].text);
    assert_all_say_the_same(&server, mails.first()).await;

    // Milder look-alikes.
    for (place, minute) in [(0, 90), (1, 90), (3, 90), (2, 91)] {
        find(&server, hosts[place], at(minute), &[named(leak(40))]).await;
    }
    assert_eq!(mails_at(&server, at(100)).await, []);
    let incident = assert_all_say_the_same(&server, None).await;
    assert_eq!((incident.diagnosis.verdict, incident.worst), (Verdict::Exhausted, Some(hosts[2])));

    let week = 8 * 24 * 60;
    for host in &hosts {
        find(&server, *host, at(week), &[]).await;
    }
    let mails = mails_at(&server, at(week + 1)).await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert!(mails[0].subject.starts_with("[Poolwatch] RESOLVED 4 hosts: "), "{}", mails[0].subject);
    let incident = assert_all_say_the_same(&server, mails.first()).await;
    assert_eq!(incident.state, IncidentState::Resolved);

    find(&server, hosts[3], at(week + 60), &[named(leak(9))]).await;
    let mails = mails_at(&server, at(week + 62)).await;
    assert_eq!(mails.len(), 1, "{mails:#?}");
    assert!(mails[0].subject.contains("back again, "), "{}", mails[0].subject);
    assert_all_say_the_same(&server, mails.first()).await;
}

#[tokio::test]
async fn every_diagnosis_worth_telling_has_an_incident_a_line_and_a_mail() {
    let high = |tags| Diagnosis {
        verdict: Verdict::HighUse,
        suspects: Vec::new(),
        headroom: None,
        time_left: None,
        tags,
        ..leak(1)
    };
    let commit = Diagnosis {
        verdict: Verdict::CommitExhaustion,
        evidence: vec![Evidence::CommitUse { committed: Bytes(31 << 30), limit: Bytes(32 << 30) }],
        ..Diagnosis::default()
    };
    for (diagnosis, level) in
        [(commit, "CRITICAL"), (high(Vec::new()), "NOTE"), (high(leak(1).tags), "NOTE")]
    {
        let server = Server::start().await;
        let host = hosts(&server, 1).await[0];
        let notices = find(&server, host, now(), std::slice::from_ref(&diagnosis)).await;
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].change, IncidentChange::Opened);
        let mails = mails_at(&server, now() + MINUTE).await;
        assert_eq!(mails.len(), 1);
        let expected = format!("[Poolwatch] {level} web-0: {}", words::title(&diagnosis));
        assert_eq!(mails[0].subject, expected);
        let incident = assert_all_say_the_same(&server, mails.first()).await;
        assert_eq!(incident.hosts, [host]);
    }
}

#[tokio::test]
async fn a_cause_that_returns_after_its_incident_was_given_up_is_told() {
    let server = Server::start().await;
    let host = hosts(&server, 1).await[0];
    let begin = now();
    find(&server, host, begin, &[leak(30)]).await;
    assert_eq!(mails_at(&server, begin + MINUTE).await.len(), 1);
    let later = begin + SignedDuration::from_hours(91 * 24);
    let mut db = server.app.pool.acquire().await.unwrap();
    resolve_quiet_incidents::run(&mut db, later).await.unwrap();
    assert_eq!(listed(&server).await[0].state, IncidentState::Resolved);

    let notices = find(&server, host, later + MINUTE, &[leak(30)]).await;
    assert_eq!(notices[0].change, IncidentChange::Regressed);
    let again = listed(&server).await;
    assert_eq!((again.len(), again[0].state), (1, IncidentState::Regressed));
    assert_eq!(mails_at(&server, later + MINUTE * 2).await.len(), 1);
}

#[tokio::test]
async fn an_incident_whose_state_cannot_be_read_is_no_new_one_and_keeps_no_other_from_it() {
    let server = Server::start().await;
    let host = hosts(&server, 1).await[0];
    find(&server, host, now(), &[leak(30)]).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    sqlx::query("UPDATE incidents SET lifecycle = '{\"state\": \"tired\"}'")
        .execute(&mut *db)
        .await
        .unwrap();
    let mut other = leak(30);
    let barr = PoolTag::new(*b"Barr");
    (other.suspects[0].tags, other.tags[0].tag) = (vec![barr], barr);
    let diagnoses = [leak(30), other];
    let kind = Kind::Study;
    let judged =
        Judged { host, at: now(), uptime_s: 60, diagnoses: &diagnoses, outcomes: &[], kind };
    let outcome = record(&mut db, &judged).await.unwrap();
    assert_eq!((outcome.found, outcome.incidents.len()), (true, 1));
    assert_eq!(listed(&server).await.len(), 2);
    let damaged = find_damaged_documents(&mut db, is_lifecycle).await.unwrap();
    assert_eq!(
        damaged.iter().map(|row| (row.table, row.id)).collect::<Vec<_>>(),
        [("incidents", 1)]
    );
}
