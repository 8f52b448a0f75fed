//! A way to Postgres that is as bad as networks and disks can be: slow, cut off, or dead without a word.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    time::sleep,
};

/// Where a Postgres listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// On a socket of this machine.
    Socket(PathBuf),
    /// On an address.
    Address(SocketAddr),
}

/// The proxy. It ends with the runtime that it was started on.
#[derive(Debug, Clone)]
pub struct FaultyProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: Mutex<Upstream>,
    /// What each piece waits for, milliseconds.
    delay_ms: AtomicU64,
    /// Bytes until the connection that carries the next one is cut.
    until_cut: Mutex<Option<u64>>,
    cuts: AtomicU64,
    opened: AtomicU64,
    ended: watch::Sender<Ended>,
}

/// Connections that were opened before these numbers are over.
#[derive(Debug, Clone, Copy, Default)]
struct Ended {
    /// Closed.
    closed: u64,
    /// Open for both sides, but nothing goes through any more.
    dead: u64,
}

impl FaultyProxy {
    /// Starts a proxy, which does no harm until it is told to.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(upstream: Upstream) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            delay_ms: AtomicU64::new(0),
            until_cut: Mutex::new(None),
            cuts: AtomicU64::new(0),
            opened: AtomicU64::new(0),
            ended: watch::Sender::default(),
        });
        let accepting = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let _ = client.set_nodelay(true);
                let shared = accepting.clone();
                tokio::spawn(async move { shared.carry(client).await });
            }
        });
        Ok(Self { address, shared })
    }

    /// A proxy before the Postgres of these options, and how to connect by it.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn before(options: &PgConnectOptions) -> io::Result<(Self, PgConnectOptions)> {
        let port = options.get_port();
        let upstream = match options.get_socket() {
            Some(folder) => Upstream::Socket(folder.join(format!(".s.PGSQL.{port}"))),
            None => Upstream::Address((Ipv4Addr::LOCALHOST, port).into()),
        };
        let proxy = Self::start(upstream).await?;
        let by_proxy = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(proxy.address.port())
            .username(options.get_username())
            .database(options.get_database().unwrap_or("postgres"));
        Ok((proxy, by_proxy))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads connections that are opened from now on elsewhere.
    pub fn lead_to(&self, upstream: Upstream) {
        *lock(&self.shared.upstream) = upstream;
    }

    /// Holds every piece up for so long.
    pub fn delay(&self, each: Duration) {
        self.shared.delay_ms.store(each.as_millis() as u64, Relaxed);
    }

    /// Closes all connections.
    pub fn close_all(&self) {
        let opened = self.shared.opened.load(Relaxed);
        self.shared.ended.send_modify(|ended| ended.closed = opened);
    }

    /// Lets all connections stay open, with nothing going through them any more.
    pub fn deaden_all(&self) {
        let opened = self.shared.opened.load(Relaxed);
        self.shared.ended.send_modify(|ended| ended.dead = opened);
    }

    /// Cuts a connection in the middle of what it carries, so many bytes from now; never with `None`.
    pub fn cut_after(&self, bytes: Option<u64>) {
        *lock(&self.shared.until_cut) = bytes;
    }

    /// How often connections were cut in the middle.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Relaxed)
    }
}

impl Shared {
    async fn carry(&self, client: TcpStream) {
        let number = self.opened.fetch_add(1, Relaxed);
        let upstream = lock(&self.upstream).clone();
        let _ = match upstream {
            Upstream::Socket(path) => match UnixStream::connect(path).await {
                Ok(server) => self.join(number, client, server).await,
                Err(error) => Err(error),
            },
            Upstream::Address(address) => match TcpStream::connect(address).await {
                Ok(server) => self.join(number, client, server).await,
                Err(error) => Err(error),
            },
        };
    }

    async fn join(
        &self,
        number: u64,
        client: TcpStream,
        server: impl AsyncRead + AsyncWrite,
    ) -> io::Result<()> {
        let mut ended = self.ended.subscribe();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = tokio::io::split(server);
        tokio::select! {
            _ = ended.wait_for(|ended| number < ended.closed) => Ok(()),
            ended = self.pump(number, from_client, to_server) => ended,
            ended = self.pump(number, from_server, to_client) => ended,
        }
    }

    async fn pump(
        &self,
        number: u64,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> io::Result<()> {
        let mut piece = vec![0; 16 << 10];
        loop {
            let read = from.read(&mut piece).await?;
            if number < self.ended.borrow().dead {
                return std::future::pending().await;
            }
            if read == 0 {
                return Ok(());
            }
            let delay = self.delay_ms.load(Relaxed);
            if delay > 0 {
                sleep(Duration::from_millis(delay)).await;
            }
            let allowed = self.allow(read);
            to.write_all(&piece[..allowed]).await?;
            if allowed < read {
                self.cuts.fetch_add(1, Relaxed);
                return Ok(());
            }
        }
    }

    /// How many of these bytes go through before the connection is cut.
    fn allow(&self, bytes: usize) -> usize {
        let mut until_cut = lock(&self.until_cut);
        match *until_cut {
            Some(left) if left < bytes as u64 => {
                *until_cut = None;
                left as usize
            }
            Some(left) => {
                *until_cut = Some(left - bytes as u64);
                bytes
            }
            None => bytes,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
