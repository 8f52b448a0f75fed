//! What the uploader does with good, bad and absent servers.

use std::{cell::RefCell, fs, net::TcpListener, time::Duration};

use poolwatch_agent::{
    agent::Agent,
    spool::SpooledEvent,
    survey::Survey,
    system_folders::SystemFolders,
    upload::{Step, Uploader},
};
use poolwatch_model::{Snapshot, event::Event};
use poolwatch_tagscan::synthetic::DriverFile;
use tempfile::TempDir;
use wiremock::ResponseTemplate;

use crate::{
    fixture::{Fixture, TOKEN, uploader},
    server::{Known, Server},
};

/// Steps until there is nothing to do, or nothing that can be done.
async fn steps(uploader: &mut Uploader, agent: &RefCell<Agent>) -> Step {
    for _ in 0..200 {
        match uploader.step(agent).await {
            Step::Again => {}
            end => return end,
        }
    }
    panic!("the uploader goes round in circles");
}

fn received(known: &Known) -> Vec<Snapshot> {
    known.snapshots.iter().map(|stamped| stamped.snapshot.clone()).collect()
}

fn seqs_have_no_gap(known: &Known) -> bool {
    known.snapshots.windows(2).all(|pair| pair[1].stamp.seq == pair[0].stamp.seq + 1)
}

#[tokio::test]
async fn a_new_host_enrols_and_what_arrives_is_what_was_measured() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    fixture.sample(7);
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    fixture.sample(2);
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);

    let known = server.known();
    assert_eq!(received(&known), fixture.taken);
    assert!(seqs_have_no_gap(&known));
    assert_eq!(known.batches, [7, 2]);
    assert_eq!(known.enrolments, 1);
    assert_eq!(known.inventories.len(), 1);
    assert_eq!(known.inventories[0].inventory.drivers.len(), 3);
    assert_eq!(known.inventories[0].facts.fqdn, "fs-02.example.net");
    assert_eq!(fixture.waiting(), 0);
}

/// Steps until something is true, or a survey takes too long.
async fn steps_until(uploader: &mut Uploader, agent: &RefCell<Agent>, is_done: impl Fn() -> bool) {
    for _ in 0..6_000 {
        steps(uploader, agent).await;
        if is_done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came");
}

#[tokio::test]
async fn driver_files_are_told_with_their_hashes_and_scanned_when_the_server_asks() {
    let folder = TempDir::new().unwrap();
    let drivers = folder.path().join("System32/drivers");
    fs::create_dir_all(&drivers).unwrap();
    let mut file = DriverFile::new(true, &["ExAllocatePool2"]);
    file.add(b"\x41\xB8Fooq\x33\xC9").call("ExAllocatePool2");
    fs::write(drivers.join("foo.sys"), file.build()).unwrap();
    let folders = SystemFolders { windows: folder.path().into(), drive: folder.path().into() };
    let survey = Survey::start(folders, |inventory| inventory.updates.push("KB1".into())).unwrap();

    let server = Server::start().await;
    server.known().asks_for_scans = true;
    let mut fixture = Fixture::new();
    fixture.agent.borrow_mut().survey = Some(survey);
    fixture.sample(3);
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    // Snapshots do not wait for the survey.
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    assert_eq!(fixture.waiting(), 0);
    steps_until(&mut uploader, &fixture.agent, || !server.known().scans.is_empty()).await;
    let known = server.known();
    let [request] = &known.inventories[..] else { panic!("{:?}", known.inventories) };
    assert_eq!(request.inventory.updates, ["KB1"]);
    let foo = request.inventory.drivers.iter().find(|one| one.name == "foo.sys").unwrap();
    let [scan] = &known.scans[..] else { panic!("{:?}", known.scans) };
    assert_eq!(Some(scan.sha256), foo.sha256);
    assert_eq!(scan.tags[0].tag.to_string(), "Fooq");
}

#[tokio::test]
async fn a_server_that_asks_for_nothing_gets_no_scans() {
    let folder = TempDir::new().unwrap();
    let folders = SystemFolders { windows: folder.path().into(), drive: folder.path().into() };
    let server = Server::start().await;
    let fixture = Fixture::new();
    fixture.agent.borrow_mut().survey = Some(Survey::start(folders, |_| ()).unwrap());
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    steps_until(&mut uploader, &fixture.agent, || !server.known().inventories.is_empty()).await;
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    let known = server.known();
    assert_eq!((known.inventories.len(), known.scans.len()), (1, 0));
}

fn event(record_id: u64) -> Event {
    Event {
        channel: "System".into(),
        record_id,
        time: "2026-03-01T10:20:30.1234567Z".parse().unwrap(),
        provider: "Srv".into(),
        event_id: 2019,
        level: Some(2),
        computer: Some("fs-02.example.net".into()),
        data: vec![r"\Device\LanmanServer".into()],
        exhaustion: None,
    }
}

#[tokio::test]
async fn events_arrive_between_the_snapshots_that_they_were_written_between() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    fixture.sample(2);
    let spooled = |gap_before, record_id| SpooledEvent { gap_before, event: event(record_id) };
    let events = vec![spooled(true, 7), spooled(false, 8)];
    fixture.agent.borrow_mut().spool.push_events(events).unwrap();
    fixture.sample(1);
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);

    let known = server.known();
    assert_eq!(received(&known), fixture.taken);
    assert_eq!(known.batches, [2, 1]);
    assert_eq!(known.events.len(), 1);
    assert!(known.events[0].gap);
    assert_eq!(known.events[0].events, [event(7), event(8)]);
}

#[tokio::test]
async fn while_the_server_is_down_snapshots_wait_and_then_all_arrive() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut fixture = Fixture::new();
    let mut uploader = uploader(&format!("http://{address}"), Some(TOKEN));
    let mut waits = Vec::new();
    for _ in 0..5 {
        fixture.sample(60);
        match steps(&mut uploader, &fixture.agent).await {
            Step::Wait(wait) => waits.push(wait),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(fixture.waiting(), 300);
    assert!(waits[4] > waits[0], "{waits:?}");

    let server = Server::start_on(TcpListener::bind(address).unwrap()).await;
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    let known = server.known();
    assert_eq!(received(&known), fixture.taken);
    assert!(seqs_have_no_gap(&known));
    assert_eq!(known.batches, [256, 44]);
}

#[tokio::test]
async fn a_host_whose_key_is_forgotten_enrols_again() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    fixture.sample(3);
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    steps(&mut uploader, &fixture.agent).await;
    server.known().key = Some("another".into());
    fixture.sample(3);
    assert!(matches!(steps(&mut uploader, &fixture.agent).await, Step::Wait(_)));
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    let known = server.known();
    assert_eq!(known.enrolments, 2);
    assert_eq!(received(&known), fixture.taken);
}

#[tokio::test]
async fn a_key_that_is_refused_for_a_while_is_not_thrown_away() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    fixture.sample(1);
    steps(&mut uploader(&server.http.uri(), Some(TOKEN)), &fixture.agent).await;
    // Another server answers in its place, and the token has expired by now.
    let key = server.known().key.replace("another".into());
    let mut uploader = uploader(&server.http.uri(), Some("expired"));
    fixture.sample(2);
    for _ in 0..5 {
        assert!(matches!(steps(&mut uploader, &fixture.agent).await, Step::Wait(_)));
    }
    let failure = fixture.agent.borrow().uploads.last_failure.clone().unwrap();
    assert!(failure.contains("does not take the enrolment token"), "{failure}");
    server.known().key = key;
    while steps(&mut uploader, &fixture.agent).await != Step::Idle {}
    let known = server.known();
    assert_eq!((known.enrolments, received(&known)), (1, fixture.taken.clone()));
}

#[tokio::test]
async fn words_of_a_server_are_cut_and_hold_no_line_of_their_own() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    steps(&mut uploader, &fixture.agent).await;
    fixture.sample(1);
    let detail = format!("wait\r\nINFO all is well {}", "x".repeat(100_000));
    let problem = serde_json::json!({ "type": "x", "title": "x", "status": 503, "detail": detail });
    let answer = ResponseTemplate::new(503).set_body_json(problem);
    server.known().refusals.push_back(answer);
    assert!(matches!(steps(&mut uploader, &fixture.agent).await, Step::Wait(_)));
    let failure = fixture.agent.borrow().uploads.last_failure.clone().unwrap();
    assert!(failure.contains("all is well") && failure.len() < 1000, "{}", failure.len());
    assert!(!failure.contains(char::is_control), "{failure}");
}

#[tokio::test]
async fn without_a_token_a_host_keeps_what_it_has() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    fixture.sample(3);
    for (token, said) in [
        (None, "no enrolment token is set"),
        (Some("wrong"), "the server does not take the enrolment token"),
    ] {
        let mut uploader = uploader(&server.http.uri(), token);
        assert!(matches!(steps(&mut uploader, &fixture.agent).await, Step::Wait(_)));
        let failure = fixture.agent.borrow().uploads.last_failure.clone().unwrap();
        assert!(failure.contains(said), "{failure}");
    }
    assert_eq!(fixture.waiting(), 3);
}

#[tokio::test]
async fn a_key_is_sent_to_no_other_server() {
    let (first, second) = (Server::start().await, Server::start().await);
    let mut fixture = Fixture::new();
    fixture.sample(1);
    steps(&mut uploader(&first.http.uri(), Some(TOKEN)), &fixture.agent).await;
    fixture.sample(1);
    steps(&mut uploader(&second.http.uri(), Some(TOKEN)), &fixture.agent).await;
    assert_eq!(second.known().enrolments, 1);
    for request in second.http.received_requests().await.unwrap() {
        let is_enrolment = request.url.path() == "/agent/v1/enrol";
        assert_eq!(request.headers.contains_key("authorization"), !is_enrolment);
    }
    // The new server got a key frame, though the first one had one.
    assert_eq!(second.known().snapshots.len(), 1);
}

#[tokio::test]
async fn a_batch_too_large_is_sent_in_parts() {
    let server = Server::start().await;
    server.known().max_frames = Some(3);
    let mut fixture = Fixture::new();
    fixture.sample(16);
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    assert_eq!(received(&server.known()), fixture.taken);
}

#[tokio::test]
async fn a_frame_that_is_refused_all_alone_is_forgotten() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    fixture.sample(2);
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    steps(&mut uploader, &fixture.agent).await;
    for status in [413, 400, 422] {
        fixture.sample(1);
        server.known().refusals.push_back(ResponseTemplate::new(status));
        assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle, "{status}");
        // The next is a key frame: it needs nothing of the one that is lost.
        let lost = fixture.taken.pop();
        assert!(lost.is_some());
        fixture.sample(1);
        assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle, "{status}");
        assert_eq!(received(&server.known()), fixture.taken);
    }
}

#[tokio::test]
async fn a_busy_server_is_left_alone_for_as_long_as_it_asks() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    steps(&mut uploader, &fixture.agent).await;
    fixture.sample(2);
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    let later = "Wed, 21 Oct 2026 07:30:00 GMT";
    for (status, header, least, most) in [
        (503, Some("40"), 40, 50),
        (429, Some("7"), 7, 9),
        (403, Some("120"), 120, 150),
        (503, Some(later), 120, 150),
        (503, Some("999999"), 3600, 3900),
        (503, None, 60, 75),
        (500, None, 0, 300),
    ] {
        let mut answer = ResponseTemplate::new(status);
        if let Some(value) = header {
            answer = answer.insert_header("retry-after", value).insert_header("date", date);
        }
        server.known().refusals.push_back(answer);
        match steps(&mut uploader, &fixture.agent).await {
            Step::Wait(wait) => {
                let bounds = Duration::from_secs(least)..=Duration::from_secs(most);
                assert!(bounds.contains(&wait), "{status} {header:?}: {wait:?}");
            }
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(fixture.waiting(), 2, "{status}");
    }
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    assert_eq!(received(&server.known()), fixture.taken);
}

#[tokio::test]
async fn an_older_server_and_a_wrong_address_lose_nothing() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    steps(&mut uploader, &fixture.agent).await;
    fixture.sample(2);
    for answer in [
        ResponseTemplate::new(415),
        ResponseTemplate::new(404),
        ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:9/"),
        ResponseTemplate::new(200).set_body_string("<html>a proxy's login page</html>"),
    ] {
        server.known().refusals.push_back(answer);
        assert!(matches!(steps(&mut uploader, &fixture.agent).await, Step::Wait(_)));
        assert_eq!(fixture.waiting(), 2);
    }
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    assert_eq!(received(&server.known()), fixture.taken);
}

#[tokio::test]
async fn a_server_that_lost_the_base_gets_a_key_frame_next() {
    let server = Server::start().await;
    let mut fixture = Fixture::new();
    let mut uploader = uploader(&server.http.uri(), Some(TOKEN));
    steps(&mut uploader, &fixture.agent).await;
    fixture.sample(2);
    steps(&mut uploader, &fixture.agent).await;
    server.known().forget_base();
    fixture.sample(1);
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    assert_eq!(fixture.waiting(), 0, "what was refused is forgotten");
    fixture.sample(1);
    assert_eq!(steps(&mut uploader, &fixture.agent).await, Step::Idle);
    let known = server.known();
    assert_eq!(received(&known).last(), fixture.taken.last());
    assert_eq!(known.snapshots.len(), 3);
}

#[tokio::test]
async fn suggestions_are_kept_for_the_schedule() {
    let server = Server::start().await;
    server.known().suggestions.interval_s = Some(120);
    let mut fixture = Fixture::new();
    fixture.sample(1);
    steps(&mut uploader(&server.http.uri(), Some(TOKEN)), &fixture.agent).await;
    assert_eq!(fixture.agent.borrow().suggested.get().interval_s, Some(120));
}
