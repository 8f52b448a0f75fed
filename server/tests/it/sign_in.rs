//! Signing in, and those who guess.

use std::time::{Duration, Instant};

use poolwatch_model::person::Role;
use poolwatch_server::auth::passwords;
use poolwatch_store::people;
use reqwest::Response;
use tokio::task::JoinSet;

use crate::server::{Server, now};

const PASSWORD: &str = "correct horse battery";

async fn server_with_ana() -> Server {
    let server = Server::start().await;
    let hash = passwords::hash(PASSWORD).unwrap();
    let mut db = server.app.pool.acquire().await.unwrap();
    let (email, role) = ("ana@example.com", Role::Viewer);
    people::create_user(&mut db, email, "Ana", role, &hash, now()).await.unwrap();
    drop(db);
    server
}

/// Tries to sign in from an address, with cookies.
async fn sign_in(
    server: &Server,
    from: &str,
    (email, password): (&str, &str),
    cookies: &str,
) -> Response {
    let body = format!("email={email}&password={}", password.replace(' ', "+"));
    let request = server.client.post(format!("{}/login", server.url));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let request = request.header("x-forwarded-for", from).header("cookie", cookies);
    request.body(body).send().await.unwrap()
}

#[tokio::test]
async fn many_who_sign_in_at_once_take_turns_and_those_beyond_are_told_to_come_back() {
    let server = server_with_ana().await;
    let mut tries = JoinSet::new();
    for n in 0..200 {
        let url = format!("{}/login", server.url);
        let request = server.client.post(url).header("x-forwarded-for", format!("10.0.0.{n}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(format!("email=a{n}&password=guess"));
        tries.spawn(async move { request.send().await.unwrap() });
    }
    let begun = Instant::now();
    let health = server.client.get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert_eq!(health.status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let answers = tries.join_all().await;
    let count = |status: u16| answers.iter().filter(|one| one.status() == status).count();
    assert!(count(401) > 0 && count(503) > 0);
    assert_eq!(count(401) + count(503), 200);
    let mut refused = answers.iter().filter(|one| one.status() == 503);
    assert!(refused.all(|one| one.headers().contains_key("retry-after")));
}

#[tokio::test]
async fn guesses_that_come_at_once_count_and_lock_out_neither_other_addresses_nor_known_devices() {
    let server = server_with_ana().await;
    let (ana, wrong) = (("ana@example.com", PASSWORD), ("Ana@Example.com", "guess"));
    let first = sign_in(&server, "10.0.0.1", ana, "").await;
    assert_eq!(first.status(), 303);
    let cookies = first.headers().get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    let device = cookies.find(|cookie| cookie.starts_with("poolwatch-device=")).unwrap().to_owned();

    let guesses = (0..16).map(|_| sign_in(&server, "10.0.0.2", wrong, ""));
    let mut statuses = Vec::new();
    let mut set = Vec::from_iter(guesses);
    // Two at once, again and again.
    while let (Some(one), other) = (set.pop(), set.pop()) {
        let other = async { Some(other?.await.status().as_u16()) };
        let (one, other) = tokio::join!(one, other);
        statuses.extend([Some(one.status().as_u16()), other].into_iter().flatten());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    let limited = sign_in(&server, "10.0.0.2", ana, "").await;
    assert_eq!(limited.status(), 429);
    assert!(limited.headers().contains_key("retry-after"));

    assert_eq!(sign_in(&server, "10.0.0.3", ana, "").await.status(), 303, "another address");
    let known = sign_in(&server, "10.0.0.2", ana, &device).await;
    assert_eq!(known.status(), 303, "a device that has signed in before");
    let forged = device.replace('.', ".0");
    assert_eq!(sign_in(&server, "10.0.0.2", ana, &forged).await.status(), 429);
}

#[tokio::test]
async fn a_name_that_no_mail_system_takes_is_not_looked_up_and_not_repeated() {
    let server = server_with_ana().await;
    for (name, status, words) in [
        ("x".repeat(60_000), 401, "E-mail address or password is wrong"),
        ("ana%00".to_owned(), 400, "holds a NUL character"),
    ] {
        let answer = sign_in(&server, "10.0.0.4", (&name, "guess"), "").await;
        assert_eq!(answer.status(), status);
        let page = answer.text().await.unwrap();
        assert!(page.len() < 10_000 && page.contains(words));
    }
}
