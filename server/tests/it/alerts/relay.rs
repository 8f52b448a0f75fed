//! A mail server that fails as it is told to.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Mutex,
};

/// What it does with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Accept,
    /// It does not know the sender yet.
    Greylist,
    /// There is no such mailbox.
    Refuse,
    /// It ends the connection in the middle of the mail.
    DieInData,
    /// It takes the mail whole, and ends the connection before it says so.
    DieAfterData,
}

#[derive(Debug, Default)]
struct State {
    deeds: VecDeque<Deed>,
    mails: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Relay {
    /// One that does this with the mails that come, one after another, and accepts all others.
    pub(crate) async fn start(deeds: &[Deed]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let deeds = deeds.iter().copied().collect();
        let state = Arc::new(Mutex::new(State { deeds, mails: Vec::new() }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                tokio::spawn(async move {
                    let _ = converse(stream, &state).await;
                });
            }
        });
        Self { address, state }
    }

    /// All mails that came whole, accepted or not.
    pub(crate) async fn mails(&self) -> Vec<String> {
        self.state.lock().await.mails.clone()
    }
}

async fn converse(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 relay.test\r\n").await?;
    let mut deed = Deed::Accept;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer: &str = match line.get(..4).unwrap_or_default() {
            "EHLO" => "250 relay.test",
            "MAIL" => {
                deed = state.lock().await.deeds.pop_front().unwrap_or(Deed::Accept);
                "250 2.1.0 sender ok"
            }
            "RCPT" => match deed {
                Deed::Greylist => "451 4.7.1 Greylisted, try again later",
                Deed::Refuse => "550 5.1.1 No such mailbox here",
                _ => "250 2.1.5 recipient ok",
            },
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await? == 0 || deed == Deed::DieInData {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    mail += &line;
                }
                state.lock().await.mails.push(mail);
                if deed == Deed::DieAfterData {
                    return Ok(());
                }
                "250 2.0.0 Ok: queued as 4XkQ"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}
