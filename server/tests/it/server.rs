//! A server to test with, on a database of its own.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use poolwatch_model::{
    BootId, Bytes, Clock, HostId, PoolTag, SharedClock, Snapshot,
    alerting::{AlertLevel, ChannelKind, HostScope, Recipient},
    host::HostFacts,
    memory::Memory,
    person::{Role, Scope},
    process::ProcessUse,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{
    Batch, Encoder, SenderClock, Stamp,
    messages::{EnrolReply, EnrolRequest, FRAMES_CONTENT_TYPE},
};
use poolwatch_server::{
    app::{App, AppParts, Settings, SharedApp},
    auth::{sealing::SealingKey, secrets},
    clock::SystemClock,
    connections::{self, ConnectionLimits, ConnectionTimes},
    metrics::Metrics,
    router,
    writer::Writer,
};
use poolwatch_store::{
    PgConnectOptions, PgPool,
    approval_rules::{self, RuleConditions},
    enrolment_tokens::{self, NewEnrolmentToken},
    people,
    sessions::{self, SignInPlace},
    testing,
    tokens::{self, NewApiToken},
};
use reqwest::{Client, Response};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Who is told of everything.
pub(crate) const OPERATORS: &str = "operators@example.com";
pub(crate) const TOKEN: &str = "pwe_test";
pub(crate) const CAREFUL_TOKEN: &str = "pwe_careful";

/// The time of the machine, which servers under test go by.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// A clock that a test sets.
#[derive(Debug)]
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn new(at: Timestamp) -> Arc<Self> {
        Arc::new(Self(Mutex::new(at)))
    }

    pub(crate) fn set(&self, at: Timestamp) {
        *self.0.lock().unwrap() = at;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub(crate) struct Server {
    pub(crate) app: SharedApp,
    pub(crate) url: String,
    pub(crate) client: Client,
    /// Ends once it has stopped.
    pub(crate) stopped: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let pool = testing::database().await.unwrap();
        Self::start_with(pool.clone(), Writer::start(pool)).await
    }

    pub(crate) async fn start_with(pool: PgPool, writer: Writer) -> Self {
        Self::prepared(Self::on(pool, writer, Arc::new(SystemClock)).await).await
    }

    /// A server that goes by a clock of its own.
    pub(crate) async fn start_at(clock: Arc<TestClock>) -> Self {
        Self::start_on(testing::database().await.unwrap(), clock).await
    }

    /// A server on this database that goes by a clock of its own.
    pub(crate) async fn start_on(pool: PgPool, clock: Arc<TestClock>) -> Self {
        Self::prepared(Self::on(pool.clone(), Writer::start(pool), clock).await).await
    }

    async fn prepared(server: Self) -> Self {
        let mut db = server.app.pool.acquire().await.unwrap();
        for (token, approved) in [(TOKEN, true), (CAREFUL_TOKEN, false)] {
            let hash = secrets::hash(token);
            let token = NewEnrolmentToken { name: "test", hash: &hash, ..Default::default() };
            let id = enrolment_tokens::create(&mut db, &token, now()).await.unwrap();
            if approved {
                let conditions = RuleConditions { token: Some(id), ..Default::default() };
                approval_rules::create(&mut db, "test", &conditions, "test", 10, now())
                    .await
                    .unwrap();
            }
        }
        drop(db);
        server
    }

    /// A server on the same database that knows nothing of what this one holds in memory.
    pub(crate) async fn restarted(&self) -> Self {
        let pool = self.app.pool.clone();
        Self::on(pool.clone(), Writer::start(pool), self.app.clock.clone()).await
    }

    /// A server whose console is reached by TLS.
    pub(crate) async fn start_secure() -> Self {
        Self::start_set_up(|settings| settings.secure = true).await
    }

    /// A server that is set up otherwise.
    pub(crate) async fn start_set_up(set_up: impl FnOnce(&mut Settings)) -> Self {
        let pool = testing::database().await.unwrap();
        let writer = Writer::start(pool.clone());
        Self::prepared(Self::with(pool, writer, Arc::new(SystemClock), set_up).await).await
    }

    pub(crate) async fn on(pool: PgPool, writer: Writer, clock: SharedClock) -> Self {
        Self::with(pool, writer, clock, |_| ()).await
    }

    async fn with(
        pool: PgPool,
        writer: Writer,
        clock: SharedClock,
        set_up: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings {
            public_url: "https://poolwatch.test".into(),
            interval_s: 60,
            standing_recipients: vec![Recipient {
                id: None,
                kind: ChannelKind::Mail,
                name: OPERATORS.into(),
                address: OPERATORS.into(),
                scope: HostScope::default(),
                least: AlertLevel::Note,
                per_hour: Recipient::PER_HOUR,
                digest: None,
                by: None,
            }],
            ..Settings::default()
        };
        set_up(&mut settings);
        let background = PgConnectOptions::clone(&pool.connect_options());
        let app = Arc::new(App::new(AppParts {
            clock,
            background_pool: PgPool::connect_lazy_with(background),
            pool,
            writer,
            sealing_key: SealingKey::for_this_run().unwrap(),
            metrics: Metrics::install().unwrap(),
            settings,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let (router, stop) = (router::router(&app), app.stop.clone());
        let limits = ConnectionLimits {
            total: 1000,
            per_address: 100,
            // It asks for others, as a test says by `x-forwarded-for`.
            trusted_proxies: vec![address.ip()],
            refusals: None,
            times: ConnectionTimes::DEFAULT,
        };
        let grace = Duration::from_secs(1);
        let stopped = tokio::spawn(async move {
            connections::serve(listener, None, router, limits, &stop, grace).await;
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        let redirects = reqwest::redirect::Policy::none();
        let client = Client::builder().redirect(redirects).build().unwrap();
        Self { app, url: format!("http://{address}"), client, stopped }
    }

    pub(crate) async fn api_token(&self, role: Role) -> String {
        self.scoped_token(role, Scope::WholeFleet).await
    }

    /// A token that sees a part of the fleet.
    pub(crate) async fn scoped_token(&self, role: Role, scope: Scope) -> String {
        let token = secrets::generate().unwrap();
        let hash = secrets::hash(&token);
        let mut db = self.app.pool.acquire().await.unwrap();
        let new = NewApiToken {
            name: "test",
            role,
            scope,
            user: None,
            created_by: "test",
            expires: None,
        };
        tokens::create_api(&mut db, new, &hash, now()).await.unwrap();
        token
    }

    /// The cookie of a person of this role who is signed in.
    pub(crate) async fn session(&self, role: Role) -> String {
        self.scoped_session(role, &Scope::WholeFleet).await
    }

    /// The cookie of a person who sees a part of the fleet.
    pub(crate) async fn scoped_session(&self, role: Role, scope: &Scope) -> String {
        let token = secrets::generate().unwrap();
        let mut db = self.app.pool.acquire().await.unwrap();
        let (now, email) = (self.app.clock.now(), format!("{}@test", Uuid::new_v4()));
        let user = people::create_user(&mut db, &email, "test", role, "", now).await.unwrap();
        people::set_scope(&mut db, user.unwrap(), scope).await.unwrap();
        let place = SignInPlace { address: "127.0.0.1", user_agent: "test" };
        let expires = now + jiff::SignedDuration::from_hours(12);
        let hash = secrets::hash(&token);
        sessions::create(&mut db, &hash, user.unwrap(), place, now, expires).await.unwrap();
        format!("poolwatch={token}")
    }

    pub(crate) async fn enrol(&self, name: &str) -> Agent<'_> {
        let response = self.enrol_with(TOKEN, name).await;
        assert_eq!(response.status(), 201);
        let reply: EnrolReply = json(response).await;
        Agent::new(self, reply)
    }

    pub(crate) async fn enrol_with(&self, token: &str, name: &str) -> Response {
        let request = EnrolRequest {
            token: token.into(),
            instance_id: Uuid::new_v4(),
            facts: HostFacts { fqdn: name.into(), ..HostFacts::default() },
            versions: vec![1],
            labels: Vec::new(),
        };
        self.post("/agent/v1/enrol", None, &serde_json::to_vec(&request).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, token: Option<&str>, body: &[u8]) -> Response {
        let mut request = self.client.post(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let content_type =
            if path.ends_with("/frames") { FRAMES_CONTENT_TYPE } else { "application/json" };
        request.header("content-type", content_type).body(body.to_vec()).send().await.unwrap()
    }

    pub(crate) async fn stored_frames(&self, host: HostId) -> Vec<(i32, u64)> {
        let mut db = self.app.pool.acquire().await.unwrap();
        let now = now();
        let day = jiff::SignedDuration::from_hours(24);
        let (from, to) = (now.checked_sub(day).unwrap(), now.checked_add(day).unwrap());
        let frames = poolwatch_store::frames::chain(&mut db, host, from, to).await.unwrap();
        frames.into_iter().map(|frame| (frame.boot_no, frame.seq)).collect()
    }
}

/// An agent to test with.
pub(crate) struct Agent<'a> {
    server: &'a Server,
    pub(crate) id: HostId,
    pub(crate) key: String,
    encoder: Encoder,
    pub(crate) boot: BootId,
    seq: u64,
    /// Milliseconds between two frames.
    pub(crate) step_ms: u64,
}

impl<'a> Agent<'a> {
    pub(crate) fn new(server: &'a Server, reply: EnrolReply) -> Self {
        let boot = BootId(Uuid::new_v4());
        let encoder = Encoder::default();
        Self {
            server,
            id: reply.host_id,
            key: reply.host_key,
            encoder,
            boot,
            seq: 0,
            step_ms: 60_000,
        }
    }

    pub(crate) fn frame(&mut self, snapshot: Snapshot) -> Vec<u8> {
        self.seq += 1;
        let stamp = Stamp {
            boot: self.boot,
            seq: self.seq,
            uptime_ms: self.seq * self.step_ms,
            wall: now(),
        };
        self.encoder.encode(stamp, snapshot)
    }

    /// Windows is started anew.
    pub(crate) fn restart(&mut self) {
        (self.boot, self.seq) = (BootId(Uuid::new_v4()), 0);
        self.encoder.restart_chain();
    }

    pub(crate) fn restart_chain(&mut self) {
        self.encoder.restart_chain();
    }

    pub(crate) fn batch(&self, frames: &[&[u8]]) -> Vec<u8> {
        let uptime_ms = self.seq * self.step_ms;
        let clock = SenderClock { boot: self.boot, uptime_ms, wall: now() };
        Batch { clock, frames: frames.to_vec() }.to_bytes()
    }

    pub(crate) async fn send(&self, frames: &[&[u8]]) -> Response {
        self.server.post("/agent/v1/frames", Some(&self.key), &self.batch(frames)).await
    }
}

pub(crate) async fn json<T: serde::de::DeserializeOwned>(response: Response) -> T {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// The classic case, with a few more objects at each step.
pub(crate) fn classic(step: u64) -> Snapshot {
    let row = |tag: &[u8; 4], bytes, outstanding| TagUse {
        tag: PoolTag::new(*tag),
        paged: TagCounters::default(),
        nonpaged: TagCounters { bytes, outstanding, allocs: 3 * outstanding },
    };
    let mut process = ProcessUse::new(416, None, "mybadapp.exe");
    process.services = vec!["BadApp".into()];
    process.handles = Some(90_472);
    Snapshot {
        memory: Memory {
            nonpaged: Some(Bytes::from_kib(209_844)),
            nonpaged_limit: Some(Bytes::from_kib(217_112)),
            ..Memory::default()
        },
        tags: Some(TagTable::new(
            AllocCounting::Wrapping32,
            true,
            vec![
                row(b"Thre", 76_892_800 + step * 640, 120_145 + step),
                row(b"File", 29_946_176, 187_113),
            ],
        )),
        processes: Some(vec![process]),
        ..Snapshot::default()
    }
}
