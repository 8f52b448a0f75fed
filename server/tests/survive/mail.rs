//! Something dies on the way from an event to the mail that tells of it, at any step of it.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    time::{Duration, Instant},
};

use poolwatch_model::Clock;
use poolwatch_model::event::Event;
use poolwatch_protocol::v1::messages::EventsRequest;
use poolwatch_server::clock::SystemClock;

use crate::{processes, world::World};

/// How long a mail may take from the event on.
const MAIL: Duration = Duration::from_secs(60);
/// The server looks into its outbox every 2 s.
const SILENCE: Duration = Duration::from_secs(6);

/// A mail that has arrived; the sender hears nothing until it is accepted.
struct Mail {
    text: String,
    accept: Sender<()>,
}

impl Mail {
    fn message_id(&self) -> &str {
        self.text.lines().find(|line| line.starts_with("Message-ID:")).unwrap()
    }
}

/// A mail server that holds each mail until the test accepts it.
fn catch_mails() -> (SocketAddr, Receiver<Mail>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (caught, mails) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let caught = caught.clone();
            // A client that dies ends its conversation alone.
            std::thread::spawn(move || converse(&stream, &caught));
        }
    });
    (address, mails)
}

fn converse(mut stream: &TcpStream, caught: &Sender<Mail>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    stream.write_all(b"220 catcher\r\n")?;
    while let Some(line) = lines.next() {
        let answer: &[u8] = match line?.get(..4) {
            Some("DATA") => {
                stream.write_all(b"354 go on\r\n")?;
                let mut text = String::new();
                for line in lines.by_ref() {
                    let line = line?;
                    if line == "." {
                        break;
                    }
                    text = text + &line + "\n";
                }
                let (accept, accepted) = mpsc::channel();
                let _ = caught.send(Mail { text, accept });
                if accepted.recv().is_err() {
                    return Ok(());
                }
                b"250 accepted\r\n"
            }
            Some("QUIT") => b"221 bye\r\n",
            _ => b"250 yes\r\n",
        };
        stream.write_all(answer)?;
    }
    Ok(())
}

/// A host tells that its nonpaged pool was empty.
async fn report_event_2019(world: &World) {
    let key = world.enrol_host("fs-02.contoso.test").await;
    let now = SystemClock.now();
    let event = Event {
        channel: "System".into(),
        record_id: 7,
        time: now,
        provider: "Srv".into(),
        event_id: 2019,
        level: Some(2),
        computer: None,
        data: vec!["\\Device\\LanmanServer".into()],
        exhaustion: None,
    };
    let events = EventsRequest { wall: now, events: vec![event], gap: false };
    world.post("/agent/v1/events", Some(&key), &events).await;
}

#[tokio::test]
#[ignore = "takes a while: make test and make soak run it"]
async fn a_mail_that_may_have_gone_out_goes_out_again_as_the_same_and_then_never_more() {
    let (address, mails) = catch_mails();
    let mut world = World::new();
    world.mail_to(address);
    world.serve().await;
    report_event_2019(&world).await;

    let first = mails.recv_timeout(MAIL).unwrap();
    world.kill_server();
    world.serve().await;
    let again = mails.recv_timeout(MAIL).unwrap();
    assert_eq!(again.message_id(), first.message_id());
    assert!(again.text.contains("fs-02"), "{}", again.text);
    again.accept.send(()).unwrap();

    assert!(mails.recv_timeout(SILENCE).is_err(), "it was accepted");
    world.kill_server();
    world.serve().await;
    assert!(mails.recv_timeout(SILENCE).is_err(), "it was noted as sent");
}

/// What dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Database,
    /// The mail server ends its first conversation once it has the whole mail.
    Relay,
}

/// Who dies, and how long after the event was acknowledged, ms: while it waits to be judged, while a
/// diagnosis is made, while the message is put into words, while the mail is on its way.
const DEATHS: [(Victim, u64); 10] = [
    (Victim::Server, 0),
    (Victim::Server, 150),
    (Victim::Server, 500),
    (Victim::Server, 1_200),
    (Victim::Server, 2_500),
    (Victim::Database, 0),
    (Victim::Database, 300),
    (Victim::Database, 1_000),
    (Victim::Database, 2_000),
    (Victim::Relay, 0),
];

async fn tell_in_spite_of(victim: Victim, after: Duration) {
    let (address, mails) = catch_mails();
    let mut world = World::new();
    world.mail_to(address);
    world.serve().await;
    report_event_2019(&world).await;
    tokio::time::sleep(after).await;
    match victim {
        Victim::Server => world.kill_server(),
        Victim::Database => processes::kill(world.postmaster().unwrap()),
        Victim::Relay => drop(mails.recv_timeout(MAIL).unwrap()),
    }
    let begun = Instant::now();
    let mut accepted = Vec::new();
    let mut until = MAIL;
    while begun.elapsed() < until {
        // A server that ended with its database is started again, as a service manager does.
        world.serve().await;
        match mails.try_recv() {
            Ok(mail) => {
                accepted.push(mail.message_id().to_owned());
                // Who died before hears nothing of it.
                let _ = mail.accept.send(());
                until = begun.elapsed() + SILENCE;
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    assert!(!accepted.is_empty(), "{victim:?} after {after:?}: nobody was told");
    let ids: BTreeSet<&String> = accepted.iter().collect();
    assert_eq!(ids.len(), 1, "{victim:?} after {after:?}: {accepted:?}");
    let most = if victim == Victim::Relay { 1 } else { 2 };
    assert!(accepted.len() <= most, "{victim:?} after {after:?}: {accepted:?}");
}

#[test]
#[ignore = "takes a while: make test and make soak run it"]
fn whatever_dies_between_an_event_and_its_mail_it_is_told_and_as_one_message() {
    // Other tests run meanwhile, and each death has a server and a Postgres of its own.
    for deaths in DEATHS.chunks(3) {
        std::thread::scope(|scope| {
            for &(victim, after_ms) in deaths {
                scope.spawn(move || {
                    let mut runtime = tokio::runtime::Builder::new_current_thread();
                    let after = Duration::from_millis(after_ms);
                    runtime.enable_all().build().unwrap().block_on(tell_in_spite_of(victim, after));
                });
            }
        });
    }
}
