//! People by the console: the first administrator, invitations, roles, sessions, tokens, second
//! factors, and the log of it all.

use jiff::SignedDuration;
use poolwatch_model::{Clock, person::Role};
use poolwatch_server::{accounts::links, auth::second_factor::Authenticator};
use poolwatch_store::audit::{self, AuditFilter, Outcome};
use reqwest::{Response, header};

use crate::server::{Server, TestClock, json, now};

const PASSWORD: &str = "correct horse battery";

fn form(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Server {
    pub(crate) async fn post_form(
        &self,
        path: &str,
        cookie: &str,
        fields: &[(&str, &str)],
    ) -> Response {
        let request = self.client.post(format!("{}{path}", self.url)).header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("user-agent", "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0");
        request.body(form(fields)).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.url)).header("cookie", cookie);
        request.send().await.unwrap()
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Response {
        self.post_form("/login", "", &[("email", email), ("password", password)]).await
    }

    pub(crate) async fn entries(&self) -> Vec<(String, String, String, Outcome, String)> {
        let mut db = self.app.pool.acquire().await.unwrap();
        let found = audit::list(&mut db, &AuditFilter::default(), 100, 0).await.unwrap();
        let entry = |(_, one): (i64, audit::AuditEntry)| {
            (one.actor, one.action, one.target, one.outcome, one.detail)
        };
        found.into_iter().map(entry).collect()
    }
}

fn session_of(response: &Response) -> String {
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    cookies.find(|cookie| cookie.starts_with("poolwatch=")).expect("a session").to_owned()
}

/// The secret of a link in a page.
fn link_in(page: &str) -> String {
    let at = page.find("/welcome?link=").expect("a link") + "/welcome?link=".len();
    page[at..at + 64].to_owned()
}

fn token_in(page: &str) -> String {
    let at = page.find("pwa_").expect("a token");
    page[at..at + 68].to_owned()
}

/// A server with its first administrator, and the session of theirs.
async fn with_administrator(server: &Server) -> String {
    let link = links::make_first(&server.app).await.unwrap().expect("nobody is administrator");
    let link = link_in(&link);
    let fields =
        [("link", &*link), ("name", "Ana"), ("email", "ana@example.com"), ("password", PASSWORD)];
    let done = server.post_form("/welcome", "", &fields).await;
    assert_eq!(done.status(), 303);
    session_of(&done)
}

#[tokio::test]
async fn the_first_administrator_comes_by_a_link_that_works_once() {
    let server = Server::start().await;
    let link = link_in(&links::make_first(&server.app).await.unwrap().unwrap());
    let page = server.get(&format!("/welcome?link={link}"), "").await;
    assert!(page.text().await.unwrap().contains("Become the first administrator"));
    let fields = |password| {
        [
            ("link", link.clone()),
            ("name", "Ana".into()),
            ("email", "ana@x".into()),
            ("password", password),
        ]
    };
    let send = async |password: &str| {
        let fields = fields(password.to_owned());
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        server.post_form("/welcome", "", &fields).await
    };
    let short = send("short").await;
    assert_eq!(short.status(), 400);
    let text = short.text().await.unwrap();
    assert!(text.contains("at least 10 characters") && !text.contains("short"), "{text}");
    let (one, other) = tokio::join!(send(PASSWORD), send(PASSWORD));
    let mut statuses = [one.status().as_u16(), other.status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    let done = if one.status() == 303 { one } else { other };
    let cookie = session_of(&done);
    assert_eq!(server.get("/settings", &cookie).await.status(), 200);
    assert_eq!(server.get(&format!("/welcome?link={link}"), "").await.status(), 410);
    assert_eq!(links::make_first(&server.app).await.unwrap(), None, "there is one");
}

#[tokio::test]
async fn a_person_is_invited_sets_a_password_and_sees_what_the_role_lets_them_see() {
    let server = Server::start().await;
    let admin = with_administrator(&server).await;
    let fields = [("name", "Ben"), ("email", "ben@example.com"), ("role", "viewer")];
    let added = server.post_form("/settings/people", &admin, &fields).await;
    assert_eq!(added.status(), 200);
    let link = link_in(&added.text().await.unwrap());
    let again = server.post_form("/settings/people", &admin, &fields).await;
    assert_eq!(again.status(), 409);
    assert_eq!(server.sign_in("ben@example.com", "").await.status(), 401, "no password yet");

    let fields = [("link", &*link), ("password", "a new password")];
    let ben = session_of(&server.post_form("/welcome", "", &fields).await);
    let home = server.get("/", &ben).await.text().await.unwrap();
    assert!(!home.contains("/settings") && home.contains("/account"));
    assert_eq!(server.get("/settings/people", &ben).await.status(), 403);

    let id = person_id(&server, &admin, "ben@example.com").await;
    let fields = [("name", "Ben"), ("role", "admin")];
    let changed = server.post_form(&format!("/settings/people/{id}"), &admin, &fields).await;
    assert_eq!(changed.status(), 303);
    assert_eq!(server.get("/settings/people", &ben).await.status(), 200, "at once");

    let disable = format!("/settings/people/{id}/disable");
    assert_eq!(server.post_form(&disable, &admin, &[]).await.status(), 303);
    assert_eq!(server.get("/", &ben).await.status(), 303, "signed out at once");
    assert_eq!(server.sign_in("ben@example.com", "a new password").await.status(), 401);
    assert_eq!(server.post_form(&disable.replace("dis", "en"), &admin, &[]).await.status(), 303);
    assert_eq!(server.sign_in("ben@example.com", "a new password").await.status(), 303);
    let delete = format!("/settings/people/{id}/delete");
    assert_eq!(server.post_form(&delete, &admin, &[]).await.status(), 303);
    assert_eq!(server.get(&format!("/settings/people/{id}"), &admin).await.status(), 404);
}

async fn person_id(server: &Server, admin: &str, email: &str) -> i64 {
    let list: serde_json::Value = json(server.get("/api/v1/people", admin).await).await;
    let one = list.as_array().unwrap().iter().find(|one| one["email"] == email);
    one.unwrap()["id"].as_i64().unwrap()
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let server = Server::start().await;
    let admin = with_administrator(&server).await;
    let token = server.api_token(Role::Admin).await;
    let id = person_id(&server, &admin, "ana@example.com").await;
    let path = format!("/settings/people/{id}");
    let as_viewer = [("name", "Ana"), ("role", "viewer")];
    assert_eq!(server.post_form(&path, &admin, &as_viewer).await.status(), 400);
    for action in ["disable", "delete"] {
        let answer = server.post_form(&format!("{path}/{action}"), &admin, &[]).await;
        assert_eq!(answer.status(), 400, "{action}");
    }
    // Somebody who was invited and has no password is no second one.
    let fields = [("name", "Ben"), ("email", "ben@example.com"), ("role", "admin")];
    server.post_form("/settings/people", &admin, &fields).await;
    let url = format!("{}/api/v1/people/{id}", server.url);
    let deleted = server.client.delete(url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(deleted.status(), 400);
    let problem: serde_json::Value = json(deleted).await;
    assert!(problem["detail"].as_str().unwrap().contains("only administrator"), "{problem}");
}

#[tokio::test]
async fn links_of_before_and_old_ones_open_nothing() {
    let clock = TestClock::new(now());
    let server = Server::start_at(clock.clone()).await;
    let admin = with_administrator(&server).await;
    let fields = [("name", "Ben"), ("email", "ben@example.com"), ("role", "viewer")];
    let first = server.post_form("/settings/people", &admin, &fields).await;
    let first = link_in(&first.text().await.unwrap());
    let id = person_id(&server, &admin, "ben@example.com").await;
    let second = server.post_form(&format!("/settings/people/{id}/link"), &admin, &[]).await;
    let second = link_in(&second.text().await.unwrap());
    assert_eq!(server.get(&format!("/welcome?link={first}"), "").await.status(), 410);
    assert_eq!(server.get(&format!("/welcome?link={second}"), "").await.status(), 200);
    clock.set(clock.now() + SignedDuration::from_hours(73));
    assert_eq!(server.get(&format!("/welcome?link={second}"), "").await.status(), 410);
}

#[tokio::test]
async fn sessions_are_listed_and_end_one_by_one_and_all_with_a_new_password() {
    let server = Server::start().await;
    let first = with_administrator(&server).await;
    let fields = [("email", "ana@example.com"), ("password", PASSWORD)];
    let signed_in = server.post_form("/login", &first, &fields).await;
    let second = session_of(&signed_in);
    assert_ne!(first, second);
    assert_eq!(server.get("/account", &first).await.status(), 303, "rotated at sign-in");
    let third = session_of(&server.post_form("/login", "", &fields).await);
    let page = server.get("/account", &second).await.text().await.unwrap();
    assert_eq!(page.matches("/account/sessions/").count(), 2, "{page}");
    assert!(page.contains("Firefox on Windows") && page.contains("127.0.0.1"), "{page}");
    // The later one stands first.
    let at = page.find("/account/sessions/").unwrap();
    let path = page[at..].split('"').next().unwrap();
    assert_eq!(server.post_form(path, &second, &[]).await.status(), 303);
    assert_eq!(server.get("/account", &third).await.status(), 303, "ended at once");
    assert_eq!(server.post_form(path, &second, &[]).await.status(), 404);

    let other = session_of(&server.post_form("/login", "", &fields).await);
    let wrong = [("old", "not it"), ("new", "another password")];
    let refused = server.post_form("/account/password", &second, &wrong).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("The password of now is wrong."));
    let right = [("old", PASSWORD), ("new", "another password")];
    let changed = server.post_form("/account/password", &second, &right).await;
    assert_eq!(changed.status(), 303);
    let renewed = session_of(&changed);
    for ended in [&second, &other] {
        assert_eq!(server.get("/account", ended).await.status(), 303);
    }
    assert_eq!(server.get("/account", &renewed).await.status(), 200);
    assert_eq!(server.sign_in("ana@example.com", PASSWORD).await.status(), 401);
    assert_eq!(server.sign_in("ana@example.com", "another password").await.status(), 303);
}

#[tokio::test]
async fn tokens_do_what_they_may_until_they_are_revoked_and_those_of_people_no_more_than_they() {
    let clock = TestClock::new(now());
    let server = Server::start_at(clock.clone()).await;
    let admin = with_administrator(&server).await;
    let make = async |path: &str, cookie: &str, role: &str, days: &str| {
        let fields = [("name", "nightly"), ("role", role), ("days", days)];
        server.post_form(path, cookie, &fields).await
    };
    let status = async |token: &str, path: &str| {
        let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    let read = make("/settings/tokens", &admin, "viewer", "30").await;
    let read = token_in(&read.text().await.unwrap());
    assert_eq!(status(&read, "/api/v1/hosts").await, 200);
    assert_eq!(status(&read, "/api/v1/people").await, 403);
    assert_eq!(status(&read, "/account").await, 403, "a token has no account");
    let own = token_in(&make("/account/tokens", &admin, "admin", "").await.text().await.unwrap());
    assert_eq!(status(&own, "/api/v1/people").await, 200);
    let page = server.get("/settings/tokens", &admin).await.text().await.unwrap();
    assert!(!page.contains(&read) && page.contains("nightly"), "shown once");

    // An operator's token administers nothing, and an administrator's no more once they are none.
    let fields = [("name", "Ben"), ("email", "ben@example.com"), ("role", "admin")];
    let added = server.post_form("/settings/people", &admin, &fields).await;
    let link = link_in(&added.text().await.unwrap());
    let fields = [("link", &*link), ("password", PASSWORD)];
    let ben = session_of(&server.post_form("/welcome", "", &fields).await);
    let of_ben = token_in(&make("/account/tokens", &ben, "admin", "").await.text().await.unwrap());
    assert_eq!(status(&of_ben, "/api/v1/people").await, 200);
    let id = person_id(&server, &admin, "ben@example.com").await;
    let fields = [("name", "Ben"), ("role", "operator")];
    server.post_form(&format!("/settings/people/{id}"), &admin, &fields).await;
    assert_eq!(status(&of_ben, "/api/v1/people").await, 403);
    assert_eq!(status(&of_ben, "/api/v1/hosts").await, 200);
    assert_eq!(make("/account/tokens", &ben, "admin", "").await.status(), 403);
    server.post_form(&format!("/settings/people/{id}/disable"), &admin, &[]).await;
    assert_eq!(status(&of_ben, "/api/v1/hosts").await, 401);

    let url = format!("{}/api/v1/tokens", server.url);
    let listed: serde_json::Value =
        json(server.client.get(&url).bearer_auth(&own).send().await.unwrap()).await;
    let listed = listed.as_array().unwrap();
    assert!(listed.iter().all(|one| one.get("token").is_none()));
    let of_service = listed.iter().find(|one| one["owner"].is_null()).unwrap();
    assert!(of_service["last_used"].is_string() && of_service["created_by"] == "Ana");
    let url = format!("{url}/{}", of_service["id"]);
    let revoked = server.client.delete(&url).bearer_auth(&own).send().await.unwrap();
    assert_eq!(revoked.status(), 204);
    assert_eq!(status(&read, "/api/v1/hosts").await, 401, "at once");

    let ending = make("/settings/tokens", &admin, "viewer", "1").await;
    let ending = token_in(&ending.text().await.unwrap());
    assert_eq!(status(&ending, "/api/v1/hosts").await, 200);
    clock.set(clock.now() + SignedDuration::from_hours(25));
    server.app.callers.forget_all();
    assert_eq!(status(&ending, "/api/v1/hosts").await, 401);
    assert_eq!(make("/settings/tokens", &own, "viewer", "0").await.status(), 303, "signed out");
}

/// What stands in a hidden field.
fn field(page: &str, name: &str) -> String {
    let at = page.find(&format!("name=\"{name}\" value=\"")).expect(name);
    page[at..].split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_each_code_counts_once() {
    let clock = TestClock::new(now());
    let server = Server::start_at(clock.clone()).await;
    let admin = with_administrator(&server).await;
    let page = server.get("/account/second-factor", &admin).await.text().await.unwrap();
    let secret = page.split("this secret: <code>").nth(1).unwrap().split('<').next().unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).with_account_name("x").build().unwrap();
    let code = || totp.generate(clock.now().as_second() as u64).to_string();
    let sealed = field(&page, "sealed");
    let wrong = [("sealed", &*sealed), ("code", "000000")];
    assert_eq!(server.post_form("/account/second-factor", &admin, &wrong).await.status(), 400);
    let forged = "00".repeat(48);
    let now_code = code();
    let other = [("sealed", &*forged), ("code", &*now_code)];
    assert_eq!(server.post_form("/account/second-factor", &admin, &other).await.status(), 400);
    let right = [("sealed", &*sealed), ("code", &*now_code)];
    let enabled = server.post_form("/account/second-factor", &admin, &right).await;
    assert_eq!(enabled.status(), 200);
    let codes = enabled.text().await.unwrap();
    let codes = codes.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    let codes: Vec<&str> = codes.lines().collect();
    assert_eq!(codes.len(), 10);

    let pending = server.sign_in("ana@example.com", PASSWORD).await;
    assert_eq!(pending.status(), 200);
    assert!(pending.headers().get(header::SET_COOKIE).is_none(), "no session yet");
    let pending = field(&pending.text().await.unwrap(), "pending");
    let send = async |code: &str| {
        server.post_form("/login/code", "", &[("pending", &*pending), ("code", code)]).await
    };
    assert_eq!(send(&now_code).await.status(), 401, "it was used to turn it on");
    clock.set(clock.now() + SignedDuration::from_secs(31));
    let next_code = code();
    assert_eq!(send(&next_code).await.status(), 303);
    assert_eq!(send(&next_code).await.status(), 401, "each counts once");
    assert_eq!(send(codes[3]).await.status(), 303);
    assert_eq!(send(codes[3]).await.status(), 401, "so do recovery codes");
    clock.set(clock.now() + SignedDuration::from_mins(6));
    assert_eq!(send(&code()).await.status(), 401, "the password is too long ago");

    // Guessing has an end, and an administrator can turn it off for who lost it.
    let pending = server.sign_in("ana@example.com", PASSWORD).await;
    let pending = field(&pending.text().await.unwrap(), "pending");
    let mut statuses = Vec::new();
    for _ in 0..10 {
        let guess = [("pending", &*pending), ("code", "123456")];
        statuses.push(server.post_form("/login/code", "", &guess).await.status().as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
    let token = server.api_token(Role::Admin).await;
    let id = person_id(&server, &admin, "ana@example.com").await;
    let url = format!("{}/api/v1/people/{id}/second-factor", server.url);
    let reset = server.client.delete(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(reset.status(), 204);
    assert_eq!(server.sign_in("ana@example.com", PASSWORD).await.status(), 303);
    assert!(Authenticator::generate("a:b@c").is_ok());
}

#[tokio::test]
async fn every_sign_in_and_change_is_in_the_audit_log_and_stays_there() {
    let server = Server::start().await;
    let admin = with_administrator(&server).await;
    server.sign_in("ana@example.com", "not the password").await;
    let viewer = server.session(Role::Viewer).await;
    server.post_form("/settings/people", &viewer, &[]).await;
    let fields = [("name", "Ben"), ("email", "ben@example.com"), ("role", "operator")];
    server.post_form("/settings/people", &admin, &fields).await;
    server.post_form("/incidents/77/resolve", &admin, &[]).await;
    server.post_form("/logout", &admin, &[]).await;
    let entries = server.entries().await;
    let found = |actor: &str, action: &str, target: &str, outcome, detail: &str| {
        entries.iter().any(|entry| {
            entry.0.starts_with(actor)
                && entry.1 == action
                && entry.2 == target
                && entry.3 == outcome
                && entry.4.contains(detail)
        })
    };
    let ana = "Ana (ana@example.com)";
    let add = "POST /settings/people";
    assert!(
        found(ana, "set password by link", "ana@example.com", Outcome::Done, ""),
        "{entries:?}"
    );
    let wrong = "wrong e-mail address or password";
    assert!(found("ana@example.com", "sign in", "", Outcome::Refused, wrong), "{entries:?}");
    assert!(found(ana, add, "ben@example.com", Outcome::Done, "Ben, operator"), "{entries:?}");
    let refused = "This requires the role admin";
    assert!(found("test", add, "/settings/people", Outcome::Refused, refused), "{entries:?}");
    let resolve = "POST /incidents/{id}/resolve";
    assert!(found(ana, resolve, "/incidents/77/resolve", Outcome::Refused, ""), "{entries:?}");
    assert!(found(ana, "sign out", "", Outcome::Done, ""), "{entries:?}");
    let texts = format!("{entries:?}");
    assert!(!texts.contains(PASSWORD) && !texts.contains("not the password"));

    let pool = &server.app.pool;
    for change in [
        "UPDATE audit_log SET actor = 'nobody'",
        "UPDATE audit_log SET detail = ''",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ] {
        let error = sqlx::query(change).execute(pool).await.unwrap_err().to_string();
        assert!(error.contains("append-only"), "{change}: {error}");
    }
    let mut db = pool.acquire().await.unwrap();
    let old = audit::AuditEntry {
        at: now() - SignedDuration::from_hours(24 * 731),
        actor: "long ago".into(),
        address: String::new(),
        action: "sign in".into(),
        target: String::new(),
        outcome: Outcome::Done,
        detail: String::new(),
        request_id: String::new(),
    };
    audit::add(&mut db, &old).await.unwrap();
    let before = now() - SignedDuration::from_hours(24 * 730);
    assert_eq!(audit::forget(&mut db, before, 100).await.unwrap(), 1);

    let token = server.api_token(Role::Admin).await;
    let url = format!("{}/api/v1/audit?outcome=refused&who=test", server.url);
    let answer = server.client.get(url).bearer_auth(&token).send().await.unwrap();
    let answer: serde_json::Value = json(answer).await;
    let entries = answer["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{answer}");
    assert_eq!(entries[0]["address"], "127.0.0.1");
    assert!(entries[0]["request_id"].as_str().unwrap().len() > 30);
    let url = format!("{}/settings/audit.csv?what=people", server.url);
    let file = server.client.get(url).bearer_auth(&token).send().await.unwrap();
    let file = file.text().await.unwrap();
    assert!(file.starts_with("at,actor,address,action"), "{file}");
    assert!(file.contains("ben@example.com"), "{file}");
}

#[tokio::test]
async fn nothing_is_done_that_the_audit_log_does_not_know_of() {
    let server = Server::start().await;
    let admin = with_administrator(&server).await;
    let pool = &server.app.pool;
    let add = async |name: &str| {
        let email = format!("{name}@example.com");
        let fields = [("name", name), ("email", email.as_str()), ("role", "viewer")];
        server.post_form("/settings/people", &admin, &fields).await.status()
    };
    let is_there = async |name: &str| {
        let query = "SELECT EXISTS (SELECT FROM users WHERE name = $1)";
        sqlx::query_scalar::<_, bool>(query).bind(name).fetch_one(pool).await.unwrap()
    };
    // The log cannot be written: nothing is done.
    sqlx::query("ALTER TABLE audit_log RENAME TO elsewhere").execute(pool).await.unwrap();
    assert!(add("Ben").await.is_server_error());
    assert!(!is_there("Ben").await);
    sqlx::query("ALTER TABLE elsewhere RENAME TO audit_log").execute(pool).await.unwrap();

    // What became of it cannot be written: it is done, answered as done, and known to be begun.
    sqlx::query("CREATE RULE deaf AS ON UPDATE TO audit_log DO INSTEAD NOTHING")
        .execute(pool)
        .await
        .unwrap();
    assert!(add("Cleo").await.as_u16() < 400);
    assert!(is_there("Cleo").await);
    let entries = server.entries().await;
    assert!(
        entries.iter().any(|entry| entry.1 == "POST /settings/people" && entry.3 == Outcome::Begun)
    );
    sqlx::query("DROP RULE deaf ON audit_log").execute(pool).await.unwrap();

    // It is told once, and tells nothing else of the entry. A statement that the rule turned into
    // nothing stays so on its connection.
    let pool = sqlx::PgPool::connect_with((*pool.connect_options()).clone()).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let entry = "SELECT id FROM audit_log WHERE outcome = 'begun'";
    let entry: i64 = sqlx::query_scalar(entry).fetch_one(&mut *db).await.unwrap();
    let other = "UPDATE audit_log SET outcome = 'done', actor = 'nobody' WHERE outcome = 'begun'";
    assert!(sqlx::query(other).execute(&mut *db).await.is_err());
    audit::complete(&mut db, entry, "x", Outcome::Failed, "cut off").await.unwrap();
    assert!(audit::complete(&mut db, entry, "x", Outcome::Done, "").await.is_err());
}

/// A mail server that says each answer in turn, and what it was told.
async fn mail_server(answers: &'static [&'static str]) -> (u16, tokio::task::JoinHandle<String>) {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let conversation = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut told = String::new();
        for answer in answers {
            stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            while stream.read_line(&mut told).await.unwrap_or(0) > 0 {
                if !answer.starts_with("354") || told.ends_with("\r\n.\r\n") {
                    break;
                }
            }
        }
        told
    });
    (port, conversation)
}

#[tokio::test]
async fn a_mail_server_is_kept_with_its_password_sealed_and_a_test_shows_its_own_words() {
    let server = Server::start().await;
    let admin = with_administrator(&server).await;
    let none = server.post_form("/settings/mail/test", &admin, &[("to", "ben@example.com")]).await;
    assert_eq!(none.status(), 400);
    let refusing = &["220 x", "250 x", "250 ok", "550 5.7.1 We relay nothing for you", "221 bye"];
    let (port, conversation) = mail_server(refusing).await;
    let port = port.to_string();
    let fields = [
        ("host", "127.0.0.1"),
        ("port", &*port),
        ("security", "none"),
        ("from", "Poolwatch <poolwatch@example.com>"),
    ];
    assert_eq!(server.post_form("/settings/mail", &admin, &fields).await.status(), 303);
    let page = server.post_form("/settings/mail/test", &admin, &[("to", "ben@example.com")]).await;
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(
        page.contains("was not accepted") && page.contains("We relay nothing for you"),
        "{page}"
    );
    assert!(conversation.await.unwrap().contains("RCPT TO:<ben@example.com>"));

    let taking =
        &["220 x", "250 x", "250 ok", "250 ok", "354 go on", "250 Queued as 4711", "221 bye"];
    let (port, _conversation) = mail_server(taking).await;
    let port = port.to_string();
    let fields = [fields[0], ("port", &*port), fields[2], fields[3]];
    server.post_form("/settings/mail", &admin, &fields).await;
    let page = server.post_form("/settings/mail/test", &admin, &[("to", "ben@example.com")]).await;
    let page = page.text().await.unwrap();
    assert!(page.contains("accepted a mail to") && page.contains("Queued as 4711"), "{page}");

    let secret = [
        ("host", "mail.example.com"),
        ("security", "tls"),
        ("user", "pool"),
        ("password", "hunter2-hunter2"),
        ("from", "poolwatch@example.com"),
    ];
    assert_eq!(server.post_form("/settings/mail", &admin, &secret).await.status(), 303);
    let mut db = server.app.pool.acquire().await.unwrap();
    let kept = poolwatch_store::settings::get(&mut db, "mail server").await.unwrap().unwrap();
    assert!(!kept.value.to_string().contains("hunter2"), "{}", kept.value);
    let page = server.get("/settings/mail", &admin).await.text().await.unwrap();
    assert!(page.contains("mail.example.com") && !page.contains("hunter2"));
    let key = &server.app.sealing_key;
    let address = async |db: &mut sqlx::PgConnection| {
        poolwatch_server::mail_server::load(db, key).await.unwrap().unwrap().smtp_url
    };
    let with_password = address(&mut db).await;
    let same = [secret[0], secret[1], secret[2], secret[4]];
    server.post_form("/settings/mail", &admin, &same).await;
    assert_eq!(address(&mut db).await, with_password, "an empty password keeps the old one");
    // Whoever changes the server must not have the password sent there.
    let elsewhere = [("host", "evil.example.com"), secret[1], secret[2], secret[4]];
    server.post_form("/settings/mail", &admin, &elsewhere).await;
    assert!(!address(&mut db).await.contains("%68%75%6E%74%65%72"));
    for (name, value) in [("host", "a b"), ("host", "x/y"), ("from", "nobody"), ("security", "?")] {
        let fields = secret.map(|field| if field.0 == name { (name, value) } else { field });
        let answer = server.post_form("/settings/mail", &admin, &fields).await;
        assert_eq!(answer.status(), 400, "{name} {value}");
    }
    let entries = format!("{:?}", server.entries().await);
    assert!(entries.contains("mail.example.com") && !entries.contains("hunter2"), "{entries}");
}

#[tokio::test]
async fn a_person_has_so_many_tokens_and_no_more() {
    let server = Server::start().await;
    let ana = server.session(Role::Viewer).await;
    let ben = server.session(Role::Viewer).await;
    let make = async |cookie: &str| {
        let fields = [("name", "t"), ("role", "viewer"), ("days", "30")];
        server.post_form("/account/tokens", cookie, &fields).await.status()
    };
    let made = async || {
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(make(&ana).await);
        }
        statuses.iter().filter(|status| status.is_success()).count()
    };
    assert_eq!(made().await, 50);
    assert!(make(&ben).await.is_success(), "others have their own");
}
