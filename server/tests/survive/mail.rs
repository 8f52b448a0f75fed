//! The server dies between sending a mail and noting that it was sent.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use poolwatch_model::Clock;
use poolwatch_model::event::Event;
use poolwatch_protocol::v1::messages::EventsRequest;
use poolwatch_server::clock::SystemClock;
use poolwatch_store::testing;

use crate::world::World;

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
    let pool = world.database().await;
    testing::end_mail_leases(&mut pool.acquire().await.unwrap()).await.unwrap();
    world.serve().await;
    let again = mails.recv_timeout(MAIL).unwrap();
    assert_eq!(again.message_id(), first.message_id());
    assert!(again.text.contains("fs-02"), "{}", again.text);
    again.accept.send(()).unwrap();

    assert!(mails.recv_timeout(SILENCE).is_err(), "it was accepted");
    world.kill_server();
    testing::end_mail_leases(&mut pool.acquire().await.unwrap()).await.unwrap();
    world.serve().await;
    assert!(mails.recv_timeout(SILENCE).is_err(), "it was noted as sent");
}
