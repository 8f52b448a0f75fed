//! A mail server that fails as it is told to.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::Mutex,
};
use tokio_rustls::TlsAcceptor;

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
    /// It says nothing any more once it is told who sends.
    Hang,
}

#[derive(Debug, Default)]
struct State {
    deeds: VecDeque<Deed>,
    mails: Vec<String>,
    conversations: usize,
    /// How one may sign in, and the line by which one does.
    asks: Option<(String, String)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Relay {
    /// One that does this with the mails that come, one after another, and accepts all others.
    pub(crate) async fn start(deeds: &[Deed]) -> Self {
        Self::start_with(deeds, None).await
    }

    /// One that speaks TLS from the start, by a certificate that nobody has reason to trust.
    pub(super) async fn start_tls() -> Self {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let secret = PrivatePkcs8KeyDer::from(key.signing_key.serialize_der());
        let chain = vec![key.cert.der().clone()];
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(chain, PrivateKeyDer::Pkcs8(secret)).unwrap();
        Self::start_with(&[], Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start_with(deeds: &[Deed], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let deeds = deeds.iter().copied().collect();
        let state = Arc::new(Mutex::new(State { deeds, ..State::default() }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (state, tls) = (shared.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, &state).await,
                        Some(tls) => converse(tls.accept(stream).await?, &state).await,
                    }
                });
            }
        });
        Self { address, state }
    }

    /// One that takes mails only of who signs in by this line.
    pub(super) async fn start_asking(mechanisms: &str, line: &str) -> Self {
        let relay = Self::start(&[]).await;
        relay.state.lock().await.asks = Some((mechanisms.to_owned(), line.to_owned()));
        relay
    }

    /// Conversations that came to a sender.
    pub(super) async fn conversations(&self) -> usize {
        self.state.lock().await.conversations
    }

    /// All mails that came whole, accepted or not.
    pub(crate) async fn mails(&self) -> Vec<String> {
        self.state.lock().await.mails.clone()
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 relay.test\r\n").await?;
    let mut deed = Deed::Accept;
    let asks = state.lock().await.asks.clone();
    let greeting = match &asks {
        Some((mechanisms, _)) => format!("250-relay.test\r\n250 AUTH {mechanisms}"),
        None => "250 relay.test".to_owned(),
    };
    let mut is_in = asks.is_none();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let answer: &str = match line.get(..4).unwrap_or_default() {
            "EHLO" => &greeting,
            "AUTH" => {
                is_in = asks.as_ref().is_some_and(|(_, wanted)| line.trim_end() == wanted);
                if is_in { "235 2.7.0 welcome" } else { "535 5.7.8 not known" }
            }
            "MAIL" if !is_in => "530 5.7.0 sign in first",
            "MAIL" => {
                let mut state = state.lock().await;
                state.conversations += 1;
                deed = state.deeds.pop_front().unwrap_or(Deed::Accept);
                if deed == Deed::Hang {
                    drop(state);
                    std::future::pending::<()>().await;
                }
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
