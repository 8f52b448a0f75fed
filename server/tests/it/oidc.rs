//! Signing in by an identity provider that signs its tokens as real ones do.
#![expect(clippy::disallowed_types, reason = "a provider that the server talks to")]

use std::sync::{Arc, Mutex};

use axum::{
    Form, Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response as AxumResponse},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use poolwatch_model::{
    host_group::GroupRule,
    person::{Role, Scope},
};
use poolwatch_server::enrolment::groups;
use poolwatch_store::{people, sessions};
use reqwest::{Response, header};
use ring::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use crate::server::{Server, now};

/// What the provider is told to say, and what it was asked.
struct Provider {
    issuer: String,
    key: EcdsaKeyPair,
    /// Claims that come in place of, or beside, those of an honest provider.
    claims: Mutex<Value>,
    /// What the last authorization asked for.
    asked: Mutex<Vec<(String, String)>>,
    /// Whether tokens are signed by somebody else.
    is_forged: Mutex<bool>,
}

type Shared = State<Arc<Provider>>;

impl Provider {
    async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let provider = Arc::new(Self {
            issuer,
            key: new_key(),
            claims: Mutex::new(json!({})),
            asked: Mutex::default(),
            is_forged: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discover))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    fn say(&self, claims: Value) {
        *self.claims.lock().unwrap() = claims;
    }

    fn asked(&self, name: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone())
    }

    fn id_token(&self) -> String {
        let at = now().as_second();
        let mut claims = json!({
            "iss": self.issuer, "aud": "poolwatch", "sub": "248289761001", "iat": at,
            "exp": at + 300, "nonce": self.asked("nonce"), "email": "ana@corp.example",
            "name": "Ana Example", "groups": ["ops"],
        });
        for (name, value) in self.claims.lock().unwrap().as_object().unwrap() {
            claims[name] = value.clone();
        }
        let encode = |value: &Value| BASE64.encode(value.to_string());
        let head = json!({ "alg": "ES256", "kid": "1", "typ": "JWT" });
        let signed = format!("{}.{}", encode(&head), encode(&claims));
        let other = new_key();
        let key = if *self.is_forged.lock().unwrap() { &other } else { &self.key };
        let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64.encode(signature))
    }
}

fn new_key() -> EcdsaKeyPair {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
}

async fn discover(State(provider): Shared) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn keys(State(provider): Shared) -> Json<Value> {
    // The uncompressed point: 4, x, y.
    let point = provider.key.public_key().as_ref();
    let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
    Json(json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "1", "x": x, "y": y },
    ]}))
}

async fn token(State(provider): Shared, Form(form): Form<Vec<(String, String)>>) -> AxumResponse {
    let value = |name: &str| {
        form.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value.as_str())
    };
    let challenge =
        BASE64.encode(digest::digest(&digest::SHA256, value("code_verifier").as_bytes()));
    let is_proved = provider.asked("code_challenge").as_deref() == Some(challenge.as_str());
    if value("code") != "a-code" || !is_proved {
        let error = Json(json!({ "error": "invalid_grant" }));
        return (StatusCode::BAD_REQUEST, error).into_response();
    }
    Json(json!({
        "access_token": "unused", "token_type": "Bearer", "expires_in": 300,
        "id_token": provider.id_token(),
    }))
    .into_response()
}

/// A server that knows the provider, with a group of hosts.
async fn start() -> (Server, Arc<Provider>, Scope) {
    let (server, provider) = (Server::start().await, Provider::start().await);
    let mut db = server.app.pool.acquire().await.unwrap();
    let rule = GroupRule { host_name: Some("*".into()), ..GroupRule::default() };
    let group = groups::create(&mut db, "All", vec![rule], "test", now()).await.unwrap();
    drop(db);
    let admin = server.api_token(Role::Admin).await;
    let body = json!({
        "issuer": provider.issuer, "client_id": "poolwatch", "secret": "shared secret",
        "scopes": "email profile", "rules": [
            { "value": "ops", "role": "operator" },
            { "value": "berlin", "role": "viewer", "groups": [group.id] },
            { "value": "root", "role": "admin" },
        ],
    });
    let url = format!("{}/api/v1/settings/sign-in", server.url);
    let set = server.client.put(url).bearer_auth(admin).header("content-type", "application/json");
    assert_eq!(set.body(body.to_string()).send().await.unwrap().status(), 204);
    (server, provider, Scope::of_groups([group.id]))
}

fn cookie(response: &Response, name: &str) -> Option<String> {
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.find(|cookie| cookie.starts_with(&format!("{name}="))).map(str::to_owned)
}

fn location(response: &Response) -> String {
    response.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

/// Goes to the provider. Returns the browser's cookie.
async fn begin(server: &Server, provider: &Provider, next: &str) -> String {
    let begun = server.get(&format!("/login/provider?next={next}"), "").await;
    assert_eq!(begun.status(), 303, "{}", begun.text().await.unwrap());
    let url: reqwest::Url = location(&begun).parse().unwrap();
    assert!(url.as_str().starts_with(&format!("{}/authorize?", provider.issuer)));
    *provider.asked.lock().unwrap() = url.query_pairs().into_owned().collect();
    cookie(&begun, "poolwatch-provider").unwrap()
}

/// Comes back from it, with what it gave.
async fn come_back(server: &Server, provider: &Provider, cookie: &str) -> Response {
    let state = provider.asked("state").unwrap();
    server.get(&format!("/login/provider/done?code=a-code&state={state}"), cookie).await
}

/// The whole way.
async fn sign_in(server: &Server, provider: &Provider) -> Response {
    let cookie = begin(server, provider, "/hosts").await;
    come_back(server, provider, &cookie).await
}

#[tokio::test]
async fn a_person_signs_in_by_the_provider_with_what_its_groups_may_do() {
    let (server, provider, berlin) = start().await;
    let page = server.get("/login?next=/hosts", "").await.text().await.unwrap();
    assert!(
        page.contains("/login/provider?next=") && page.contains("Sign in with 127.0.0.1"),
        "{page}"
    );
    let done = sign_in(&server, &provider).await;
    assert_eq!((done.status().as_u16(), location(&done)), (303, "/hosts".to_owned()));
    for (name, value) in [
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
        ("scope", "openid email profile"),
        ("redirect_uri", "https://poolwatch.test/login/provider/done"),
    ] {
        assert_eq!(provider.asked(name).as_deref(), Some(value), "{name}");
    }
    let session = cookie(&done, "poolwatch").unwrap();
    let account = server.get("/account", &session).await.text().await.unwrap();
    assert!(account.contains("Ana Example") && account.contains("ana@corp.example"), "{account}");
    let user = async |session: &str| {
        let hash = poolwatch_server::auth::secrets::hash(session.split('=').nth(1).unwrap());
        let mut db = server.app.pool.acquire().await.unwrap();
        sessions::user(&mut db, &hash, now()).await.unwrap().unwrap().0
    };
    let first = user(&session).await;
    assert_eq!((first.role, &first.scope), (Role::Operator, &Scope::WholeFleet));

    // Another time with other groups and another name: the same account, and what these may do.
    provider
        .say(json!({ "groups": "berlin", "name": "Ana Other", "email": "ana.other@corp.example" }));
    let again = user(&cookie(&sign_in(&server, &provider).await, "poolwatch").unwrap()).await;
    assert_eq!((again.id, again.role, again.scope), (first.id, Role::Viewer, berlin));
    assert_eq!(again.email, "ana.other@corp.example");
    // It has no password, gets none, and is changed at the provider alone.
    assert_eq!(server.sign_in("ana.other@corp.example", "").await.status(), 401);
    let admin = server.session(Role::Admin).await;
    let path = format!("/settings/people/{}", first.id);
    assert_eq!(server.post_form(&format!("{path}/link"), &admin, &[]).await.status(), 400);
    let fields = [("name", "A"), ("role", "admin")];
    assert_eq!(server.post_form(&path, &admin, &fields).await.status(), 400);
    // Disabled here stays out.
    assert_eq!(server.post_form(&format!("{path}/disable"), &admin, &[]).await.status(), 303);
    let refused = sign_in(&server, &provider).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.unwrap().contains("disabled your account"));
    let tried = server.entries().await;
    let mut told = tried.iter().filter(|entry| entry.1 == "sign in").map(|entry| &entry.4);
    assert!(told.any(|detail| detail.contains(&provider.issuer)), "{tried:?}");
}

#[tokio::test]
async fn what_an_identity_provider_says_wrongly_opens_nothing() {
    let (server, provider, _) = start().await;
    let at = now().as_second();
    for (claims, words) in [
        (json!({ "nonce": "another" }), "not valid"),
        (json!({ "aud": "another client" }), "not valid"),
        (json!({ "iss": "https://evil.example" }), "not valid"),
        (json!({ "exp": at - 600, "iat": at - 1200 }), "not valid"),
        (json!({ "groups": ["nobody"] }), "None of your groups"),
        (json!({ "groups": null }), "None of your groups"),
        (json!({ "groups": null, "_claim_names": { "groups": "src1" } }), "too many groups"),
        (json!({ "email": null }), "no e-mail address"),
    ] {
        provider.say(claims.clone());
        let refused = sign_in(&server, &provider).await;
        assert_eq!(refused.status(), 401, "{claims}");
        assert!(cookie(&refused, "poolwatch").is_none());
        let page = refused.text().await.unwrap();
        assert!(page.contains(words), "{claims}: {page}");
    }
    provider.say(json!({}));
    *provider.is_forged.lock().unwrap() = true;
    assert_eq!(sign_in(&server, &provider).await.status(), 401, "signed by somebody else");
    *provider.is_forged.lock().unwrap() = false;

    // Another browser, another state, or a cookie that is not ours.
    let kept = begin(&server, &provider, "/").await;
    assert_eq!(come_back(&server, &provider, "").await.status(), 401);
    let forged = "poolwatch-provider=00ff";
    assert_eq!(come_back(&server, &provider, forged).await.status(), 401);
    let other = server.get("/login/provider/done?code=a-code&state=x", &kept).await;
    assert_eq!(other.status(), 401);
    let denied = format!(
        "/login/provider/done?state={}&error=access_denied&error_description=%3Cb%3Eno",
        provider.asked("state").unwrap()
    );
    let denied = server.get(&denied, &kept).await.text().await.unwrap();
    assert!(denied.contains("&#60;b&#62;no") || denied.contains("&lt;b&gt;no"), "{denied}");
    // PKCE: a code that another began is of no use.
    let first = begin(&server, &provider, "/").await;
    let state = provider.asked("state").unwrap();
    begin(&server, &provider, "/").await;
    let path = format!("/login/provider/done?code=a-code&state={state}");
    assert_eq!(server.get(&path, &first).await.status(), 401);
}

#[tokio::test]
async fn an_address_that_has_an_account_is_not_taken_over_and_that_account_stays() {
    let (server, provider, _) = start().await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let (email, name) = ("ANA@corp.example", "Break glass");
    people::create_user(&mut db, email, name, Role::Admin, "$argon2id$", now()).await.unwrap();
    drop(db);
    provider.say(json!({ "groups": ["root"] }));
    let refused = sign_in(&server, &provider).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.unwrap().contains("Another account has your e-mail address"));
    // Signing in never leads elsewhere.
    provider.say(json!({ "email": "other@corp.example" }));
    let cookie = begin(&server, &provider, "//evil.example/").await;
    assert_eq!(location(&come_back(&server, &provider, &cookie).await), "/");
}

#[tokio::test]
async fn the_secret_is_kept_sealed_and_never_shown() {
    let (server, _, _) = start().await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let kept = poolwatch_store::settings::get(&mut db, "identity provider").await.unwrap().unwrap();
    assert!(!kept.value.to_string().contains("shared secret"));
    let admin = server.session(Role::Admin).await;
    for path in ["/settings/sign-in", "/api/v1/settings/sign-in"] {
        let shown = server.get(path, &admin).await.text().await.unwrap();
        assert!(shown.contains("poolwatch") && !shown.contains("shared secret"), "{path}");
    }
}
