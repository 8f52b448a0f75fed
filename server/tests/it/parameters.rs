//! What the parameters of addresses, forms and documents may be: everything that people and scripts can
//! ask for, with values made of good ones by chance, of seeds that stay.

use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Method, Request},
};
use http_body_util::BodyExt;
use poolwatch_model::person::Role;
use poolwatch_server::{
    client_address::ClientAddress,
    fleet::refresh::{Keeper, refresh},
    router,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt;

use crate::{
    events::{event, send},
    mutations::Chance,
    server::{Server, classic, now},
};

const METHODS: [Method; 5] =
    [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// Requests in all.
const REQUESTS: usize = 10_000;
/// Who send them at once.
const SENDERS: usize = 4;
/// No answer takes longer.
const SOON: Duration = Duration::from_secs(20);
/// A person is signed in anew after so many requests: some end their own session.
const SIGN_IN_EVERY: usize = 20;

/// A request that a route takes.
#[derive(Debug, Clone)]
struct Example {
    method: Method,
    path: String,
    fields: Fields,
}

#[derive(Debug, Clone, PartialEq)]
enum Fields {
    /// Of an address, or of a form.
    Text(Vec<(&'static str, &'static str)>),
    Document(Value),
}

/// Parameters of addresses, by path. The others take none.
const QUERIES: [(&str, &str); 27] = [
    ("/", "group=Contoso&hours=24"),
    ("/hosts", "q=fs&state=high&sort=name&order=asc&page=2&columns=left.seen"),
    ("/hosts.csv", "q=fs&state=high&sort=name"),
    ("/hosts/waiting", "q=fs&state=waiting&domain=a&token=b&page=1"),
    ("/hosts/rules", "name=a&host_name=fs-*&domain=contoso.test&address_range=10.0.0.0/8&token=1"),
    ("/hosts/{id}", "hours=24&tag=Thre&pid=416"),
    ("/hosts/{id}/pools.json", "hours=24"),
    ("/compare", "host=1&at=2026-03-01T00:00:00Z&host=1&at=24h&group=a&by=tags&equal=show&page=1"),
    ("/compare.csv", "host=1&at=2026-03-01T00:00:00Z&host=1"),
    ("/compare.json", "host=1&at=7d&host=1"),
    ("/incidents", "show=past"),
    ("/tags", "q=Thre&pool=paged&known=all&sort=bytes&order=desc&page=1"),
    ("/tags/{tag}", "pool=paged&sort=bytes&page=1"),
    ("/applications", "q=bad&sort=name&page=1"),
    ("/applications/{image}", "sort=name&page=1"),
    ("/drivers", "q=foo&show=all&sort=name"),
    ("/drivers/{name}", "version=5.1&page=1"),
    ("/events", "host=fs&id=2019&page=2"),
    ("/search", "q=fs"),
    ("/settings/people", "q=ana&page=1"),
    ("/settings/audit", "who=ana&what=host&outcome=done&page=1"),
    ("/api/v1/hosts", "after=0"),
    ("/api/v1/hosts/{id}", "largest=5"),
    ("/api/v1/hosts/{id}/tags/{tag}", "pool=nonpaged&since=2026-11-01T00:00:00Z&points=10"),
    (
        "/api/v1/tags/{tag}/series",
        "pool=paged&hosts=1,2&since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z",
    ),
    ("/api/v1/tags/{tag}/hosts", "pool=paged&at=2026-11-01T00:00:00Z&limit=5"),
    ("/api/v1/audit", "who=a&what=b&outcome=done&before=5"),
];

/// Fields of forms, by path.
const FORMS: &[(&str, &str)] = &[
    ("/login", "email=ana@contoso.test&password=guess&next=/hosts"),
    ("/login/code", "pending=a&code=123456&next=/hosts"),
    ("/welcome", "link=a&name=Ana&email=ana@contoso.test&password=long enough to be one"),
    ("/logout", ""),
    (
        "/hosts/decide",
        "decision=approve&host=2&all=no&seen=2026-03-01T00:00:00Z&state=waiting&q=a&domain=b&token=1&back=/hosts",
    ),
    ("/hosts/delete", "host=2&all=no&seen=2026-03-01T00:00:00Z&state=waiting&back=/hosts"),
    ("/hosts/rules", "name=a&host_name=fs-*&domain=contoso.test&address_range=10.0.0.0/8&token=1"),
    ("/hosts/rules/{id}/up", ""),
    ("/hosts/rules/{id}/delete", ""),
    ("/hosts/{id}/merge", "into=1"),
    ("/hosts/silence", "host=1&hours=4&reason=patch night&back=/hosts"),
    ("/hosts/label", "host=1&all=no&labels=web&change=add&back=/hosts"),
    ("/hosts/{id}/describe", "labels=web, berlin&note=in rack 4"),
    (
        "/settings/groups",
        "name=a&host_name=fs-*&domain=contoso.test&ou=Servers&site=Berlin&label=web",
    ),
    ("/settings/groups/{id}", "name=b"),
    (
        "/settings/groups/{id}/rules",
        "host_name=fs-*&domain=contoso.test&ou=Servers&site=Berlin&label=web",
    ),
    ("/settings/groups/{id}/rules/{place}/delete", ""),
    ("/settings/groups/{id}/delete", ""),
    ("/settings/retention", "full_hours=48&ten_minute_days=60&hourly_days=400&confirm=yes"),
    (
        "/settings/sign-in",
        "issuer=https://127.0.0.1:1/&client_id=a&secret=b&scopes=groups&groups_claim=groups&rules=admins: admin",
    ),
    ("/api/v1/incidents/{id}/resolve", ""),
    ("/api/v1/incidents/{id}/acknowledge", ""),
    ("/api/v1/alerts/deliveries/resend", ""),
    ("/api/v1/incidents/{id}/reopen", ""),
    ("/api/v1/enrolment/keep-apart/{id}", ""),
    ("/api/v1/enrolment/rules/{id}/up", ""),
    ("/api/v1/people/{id}/sessions/{session}", ""),
    ("/tags/pooltag/offered", "file=aa&take=yes"),
    ("/api/v1/alerts/deliveries/{id}/resend", ""),
    ("/api/v1/alerts/recipients/{id}", ""),
    ("/api/v1/alerts/silences/{id}", ""),
    ("/api/v1/alerts/windows/{id}", ""),
    ("/hosts/{id}/revoke-key", ""),
    ("/hosts/{id}/keep-apart", ""),
    ("/deploy/tokens", "name=a&days=5&max_uses=5&per_minute=5"),
    ("/deploy/tokens/{id}/revoke", ""),
    (
        "/deploy/kit",
        "token=pwe_1&share=%5C%5Cfs%5Capps&proxy=none&labels=web&interval_s=30&spread_minutes=5",
    ),
    ("/incidents/{id}/comments", "text=seen it"),
    ("/incidents/{id}/owner", "owner=ana"),
    ("/incidents/{id}/resolve", ""),
    ("/incidents/{id}/reopen", ""),
    ("/incidents/{id}/merge", "into=1"),
    ("/incidents/{id}/confirm", "right=yes"),
    ("/incidents/{id}/acknowledge", ""),
    ("/incidents/{id}/silence", "hours=5&reason=patch night&until_worse=on"),
    (
        "/alerts/rules/{name}/set",
        "is_on=on&least_hosts=3&threshold=24&minutes=30&program=a.exe&group=b",
    ),
    (
        "/alerts/rules",
        "kind=handles&is_on=on&least_hosts=3&threshold=1000&minutes=30&program=a.exe&group=b",
    ),
    ("/alerts/rules/{name}/remove", ""),
    (
        "/alerts/windows",
        "pattern=fs-*&group=a&tag=Thre&days=mon,tue&begins=22:00&ends=06:00&zone=Europe/Berlin&last=2026-12-24&reason=patch night&confirm=no",
    ),
    ("/alerts/windows/{id}/remove", ""),
    (
        "/alerts/silences",
        "pattern=fs-*&group=a&tag=Thre&incident=1&from=2026-03-01T00:00&until=2026-12-24T00:00&zone=Europe/Berlin&reason=patch night&confirm=no",
    ),
    ("/alerts/silences/{id}/end", "back=/incidents/1"),
    (
        "/alerts/recipients",
        "name=ops&kind=mail&address=ops@contoso.test&secret=a&group=b&pattern=fs-*&least=note&per_hour=5&digest=daily&hour=7&zone=UTC",
    ),
    ("/alerts/recipients/test", "kind=mail&address=nobody@contoso.test"),
    ("/alerts/recipients/{id}/remove", ""),
    ("/alerts/settings", "heartbeat=mail&url=http://contoso.test&hours=24&allows_private=on"),
    ("/alerts/deliveries/resend", ""),
    ("/alerts/deliveries/{id}/resend", ""),
    ("/tags/{tag}/note", "meaning=threads&owner=nt"),
    ("/evidence/{id}/keep", "host=fs-02"),
    ("/account/password", "old=guess&new=long enough to be one"),
    ("/account/sessions/{id}/end", ""),
    ("/account/second-factor", "sealed=a&code=123456"),
    ("/account/second-factor/disable", "password=guess"),
    ("/account/tokens", "name=a&role=viewer&days=5"),
    ("/account/tokens/{id}/revoke", ""),
    ("/views", "name=quiet ones&address=/hosts"),
    ("/views/forget", "name=quiet ones&back=/hosts"),
    ("/settings/people", "name=Bob&email=bob@contoso.test&role=viewer"),
    ("/settings/people/{id}", "name=Bob&role=viewer"),
    ("/settings/people/{id}/link", ""),
    ("/settings/people/{id}/disable", ""),
    ("/settings/people/{id}/enable", ""),
    ("/settings/people/{id}/delete", ""),
    ("/settings/people/{id}/second-factor/reset", ""),
    ("/settings/people/{id}/sessions/{session}/end", ""),
    ("/settings/tokens", "name=a&role=viewer&days=5"),
    ("/settings/tokens/{id}/revoke", ""),
    (
        "/settings/mail",
        "host=127.0.0.1&port=25&security=none&user=a&password=b&from=a@contoso.test",
    ),
    ("/api/v1/enrolment/revoke-key/{id}", ""),
    ("/api/v1/enrolment/rules/{id}", ""),
    ("/api/v1/enrolment/tokens/{id}", ""),
    ("/api/v1/people/{id}/link", ""),
    ("/api/v1/people/{id}/second-factor", ""),
    ("/api/v1/tokens/{id}", ""),
    ("/api/v1/pooltag.txt", "Thre - nt!ps - Thread objects"),
    ("/tags/pooltag", "Thre - nt!ps - Thread objects"),
];

/// Sends a mail to wherever its field says, and files of any content.
const ELSEWHERE: [&str; 4] =
    ["/settings/mail/test", "/api/v1/settings/mail/test", "/evidence/diagnose", "/api/v1/evidence"];

fn document(path: &str) -> Option<Value> {
    Some(match path {
        "/api/v1/alerts/recipients" => json!({
            "name": "a", "kind": "mail", "address": "a@contoso.test", "least": "note",
            "secret": "b", "group": "Berlin", "pattern": "fs-*", "per_hour": 5,
            "digest": "daily", "hour": 7, "zone": "UTC",
        }),
        "/api/v1/alerts/rules" | "/api/v1/alerts/rules/{name}" => json!({
            "kind": "program-handles", "is_on": true, "least_hosts": 1, "threshold": 3_000,
            "minutes": 0, "program": "a.exe", "group": "Berlin", "pattern": "fs-*",
            "system": "*2022*", "role": "server",
        }),
        "/api/v1/alerts/recipients/test" => {
            json!({"kind": "mail", "address": "nobody@contoso.test"})
        }
        "/api/v1/alerts/settings" => {
            json!({"heartbeat": "off", "url": "", "hours": 24, "allows_private": false})
        }
        "/api/v1/host-silences" => json!({"hosts": [1], "hours": 4, "reason": "patch night"}),
        "/api/v1/evidence/{id}/keep" => json!({"host": "fs-02"}),
        "/api/v1/incidents/{id}/merge" => json!({"into": 1}),
        "/api/v1/incidents/{id}/confirm" => json!({"is_right": true}),
        "/api/v1/enrolment/kit" => json!({
            "token": "pwe_1", "share": r"\\fs\apps", "proxy": "none", "labels": "web",
            "interval_s": 30, "spread_minutes": 5,
        }),
        "/api/v1/offered-tag-lists" => json!({"file": "aa", "take": true}),
        "/api/v1/alerts/silences" => json!({
            "pattern": "fs-*", "group": "Berlin", "tag": "Thre", "incident": "1",
            "from": "2027-01-01 00:00", "until": "2027-01-02 00:00", "zone": "UTC",
            "reason": "a", "confirm": "",
        }),
        "/api/v1/alerts/windows" => json!({
            "pattern": "fs-*", "group": "Berlin", "tag": "Thre", "days": "Mon", "begins": "22:00",
            "ends": "23:00", "zone": "UTC", "last": "2027-01-02", "reason": "a", "confirm": "",
        }),
        "/api/v1/tag-notes" => json!({"tag": "Thre", "group": false, "owner": "a", "meaning": "b"}),
        "/api/v1/snapshots" => json!({"host": "fs-09", "time": now(), "snapshot": classic(1)}),
        "/api/v1/enrolment/hosts/{decision}" | "/api/v1/enrolment/delete" => json!({"hosts": [2]}),
        "/api/v1/enrolment/merge/{id}" => json!({"into": 1}),
        "/api/v1/enrolment/rules" | "/api/v1/enrolment/try-rule" => json!({
            "name": "a", "host_name": "fs-*", "domain": "contoso.test",
            "address_range": "10.0.0.0/8", "token": 1,
        }),
        "/api/v1/enrolment/tokens" => {
            json!({"name": "a", "expires_days": 5, "max_uses": 5, "per_minute": 5})
        }
        "/api/v1/people" => json!({"name": "Bob", "email": "bob@contoso.test", "role": "viewer"}),
        "/api/v1/people/{id}" => json!({"name": "Bob", "role": "viewer", "disabled": false}),
        "/api/v1/tokens" => json!({"name": "a", "role": "viewer", "days": 5}),
        "/api/v1/groups" | "/api/v1/groups/{id}" => {
            json!({"name": "a", "rules": [{"host_name": "fs-*", "label": "web"}]})
        }
        "/api/v1/hosts/{id}/description" => json!({"labels": ["web"], "note": "in rack 4"}),
        "/api/v1/host-labels" => json!({"hosts": [1], "add": ["web"], "remove": ["old"]}),
        "/api/v1/incidents/{id}/comments" => json!({"text": "seen it"}),
        "/api/v1/incidents/{id}/owner" => json!({"owner": "ana"}),
        "/api/v1/incidents/{id}/silence" => {
            json!({"hours": 5, "reason": "patch night", "until_worse": true})
        }
        "/api/v1/settings/mail" => {
            json!({"host": "127.0.0.1", "port": 25, "security": "none", "from": "a@contoso.test"})
        }
        "/api/v1/settings/retention" => {
            json!({"full_hours": 48, "ten_minute_days": 60, "hourly_days": 400})
        }
        "/api/v1/settings/sign-in" => json!({"issuer": "https://127.0.0.1:1/", "client_id": "a"}),
        "/mcp" => json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}),
        _ => return None,
    })
}

fn fields(text: &'static str) -> Fields {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    Fields::Text(pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect())
}

/// Every route of people and scripts by every method that it has, with an example of what it takes.
async fn examples(server: &Server) -> Vec<Example> {
    let declared = router::declared(&server.app);
    let paths: BTreeSet<&str> = declared.iter().map(|route| route.path).collect();
    for (path, _) in QUERIES.iter().chain(FORMS) {
        assert!(paths.contains(path), "there is no {path}");
    }
    let (router, mut examples) = (router::router(&server.app), Vec::new());
    for path in paths {
        if path.starts_with("/agent/") || ELSEWHERE.contains(&path) {
            continue;
        }
        for method in METHODS {
            let request = Request::builder()
                .method(&method)
                .uri(with_values(path))
                .extension(ClientAddress(Ipv4Addr::LOCALHOST.into()))
                .body(Body::empty());
            let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
            if answer.status() == 405 {
                continue;
            }
            let of = |table: &[(&str, &'static str)]| {
                table.iter().find(|(of, _)| *of == path).map(|(_, text)| fields(text))
            };
            let fields = match method {
                Method::GET => of(&QUERIES).unwrap_or(Fields::Text(Vec::new())),
                _ => document(path)
                    .map(Fields::Document)
                    .or_else(|| of(FORMS))
                    .unwrap_or_else(|| panic!("{method} {path} needs an example")),
            };
            examples.push(Example { method, path: path.to_owned(), fields });
        }
    }
    examples
}

/// A path with values in its places.
fn with_values(path: &str) -> String {
    places(path).into_iter().map(|(text, _)| text).collect::<Vec<_>>().join("/")
}

/// The parts of a path, and which of them stand in a place.
fn places(path: &str) -> Vec<(String, bool)> {
    let value = |part: &str| match part {
        "{tag}" => "Thre",
        "{image}" => "mybadapp.exe",
        "{name}" if path.contains("/alerts/") => "leak",
        "{name}" => "foo.sys",
        "{path}" => "style.css",
        "{decision}" => "approve",
        "{id}" if path.starts_with("/evidence") => "018f0000-0000-7000-8000-000000000000",
        _ => "1",
    };
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => (value(part).to_owned(), true),
        false => (part.to_owned(), false),
    });
    parts.collect()
}

/// What somebody may write in place of a good value.
fn damaged(chance: &mut Chance, good: &str) -> Vec<u8> {
    let values: [&[u8]; 24] = [
        b"",
        b"\0",
        b"a\0b",
        b"0",
        b"-1",
        b"2147483647",
        b"2147483648",
        b"-2147483649",
        b"9223372036854775807",
        b"9223372036854775808",
        b"18446744073709551616",
        b"1e300",
        b"NaN",
        b"\xFF\xFE",
        b"a\x01b",
        b"a\r\nSubject: b",
        b"%",
        b"\\",
        b"'\"<b>",
        b"-004800-01-01T00:00:00Z",
        b"-009999-01-02T01:59:59Z",
        b"1969-12-31T23:59:59Z",
        b"9999-12-30T22:00:00Z",
        "\u{202e}\u{10FFFF}".as_bytes(),
    ];
    match chance.below(values.len() + 8) {
        0 => b"x".repeat(3_000),
        1..=7 => chance.damaged(good.as_bytes()),
        other => values[other - 8].to_vec(),
    }
}

fn encode(bytes: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
            char::from(*byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(encode).collect()
}

impl Example {
    /// A request of it with one value damaged.
    fn request(&self, chance: &mut Chance, cookie: &str) -> (String, Request<Body>) {
        let mut path = places(&self.path);
        let in_path = path.iter().filter(|(_, is_place)| *is_place).count();
        let of_fields = match &self.fields {
            Fields::Text(fields) => fields.len(),
            Fields::Document(_) => 8,
        };
        let at = chance.below(in_path + of_fields);
        for (number, (text, _)) in path.iter_mut().filter(|(_, is)| *is).enumerate() {
            let bytes = text.as_bytes().to_vec();
            let bytes = if number == at { damaged(chance, text) } else { bytes };
            *text = encode(&bytes);
        }
        let mut path = path.into_iter().map(|(text, _)| text).collect::<Vec<_>>().join("/");
        let mut body = Vec::new();
        let mut content_type = "application/x-www-form-urlencoded";
        match &self.fields {
            Fields::Text(fields) => {
                let mut pairs = Vec::new();
                for (number, (name, value)) in fields.iter().enumerate() {
                    let is_damaged = in_path + number == at;
                    let bytes =
                        if is_damaged { damaged(chance, value) } else { value.as_bytes().to_vec() };
                    pairs.push(format!("{name}={}", encode(&bytes)));
                }
                match self.method {
                    Method::GET => path = format!("{path}?{}", pairs.join("&")),
                    _ => body = pairs.join("&").into_bytes(),
                }
            }
            Fields::Document(document) => {
                content_type = "application/json";
                let bytes = serde_json::to_vec(document).unwrap();
                body = match chance.below(4) {
                    0 => chance.damaged(&bytes),
                    _ => chance.replaced(document),
                };
            }
        }
        let said =
            format!("{} {path} with {}", self.method, String::from_utf8_lossy(&body).into_owned());
        let request = Request::builder()
            .method(&self.method)
            .uri(&path)
            .header("content-type", content_type)
            .header("cookie", cookie)
            .extension(ClientAddress(Ipv4Addr::LOCALHOST.into()))
            .body(Body::from(body));
        (said, request.unwrap())
    }
}

async fn send_damaged(
    server: &Server,
    router: &Router,
    example: &Example,
    chance: &mut Chance,
    count: usize,
    failures: &mut Vec<String>,
) {
    let mut cookie = String::new();
    for number in 0..count {
        if number % SIGN_IN_EVERY == 0 {
            cookie = server.session(Role::Admin).await;
        }
        let (said, request) = example.request(chance, &cookie);
        let answer = tokio::time::timeout(SOON, router.clone().oneshot(request)).await;
        let answer = answer.unwrap_or_else(|_| panic!("no answer to {said}")).unwrap();
        let status = answer.status().as_u16();
        if status >= 500 && status != 503 {
            failures.push(format!("{status} for {said}"));
        }
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body);
        if body.contains("a year before history") {
            failures.push(format!("only the database refused {said}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_parameter_of_any_route_fails_the_server_or_gets_as_far_as_the_database() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.contoso.test").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    send(&server, &agent.key, vec![event(2019, 7, now())]).await;
    let (_, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    drop(agent);
    let examples = examples(&server).await;
    assert!(examples.len() > 120, "{}", examples.len());
    let each = REQUESTS / examples.len() + 1;
    let (server, mut senders) = (Arc::new(server), JoinSet::new());
    for sender in 0..SENDERS {
        let server = server.clone();
        let own: Vec<Example> = examples.iter().skip(sender).step_by(SENDERS).cloned().collect();
        senders.spawn(async move {
            let router = router::router(&server.app);
            let (mut chance, mut failures) = (Chance::new(sender as u8), Vec::new());
            for example in own {
                send_damaged(&server, &router, &example, &mut chance, each, &mut failures).await;
            }
            failures
        });
    }
    let failures: Vec<String> = senders.join_all().await.concat();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test]
async fn what_no_database_can_hold_is_refused_with_a_word_that_says_what_it_was() {
    let server = Server::start().await;
    let token = server.api_token(Role::Admin).await;
    for (address, word) in [
        ("/hosts?q=%00", "A parameter of the address holds a NUL character"),
        ("/tags/%00", "The address holds a NUL character"),
        ("/hosts/99999999999", "The address cannot be read"),
        ("/events?page=99999999999", "page"),
        ("/api/v1/tags/Thre/hosts?pool=paged&at=-004800-01-01T00:00:00Z", "1970 and 2999"),
        ("/api/v1/tags/Thre/hosts?pool=paged&at=-009999-01-02T00:00:00Z", "a time is written like"),
        ("/api/v1/hosts/1?largest=-1", "largest"),
        ("/api/v1/tags/Thre/series?pool=paged&hosts=1&until=9999-12-30T00:00:00Z", "1970 and 2999"),
    ] {
        let url = format!("{}{address}", server.url);
        let answer = server.client.get(url).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{address}");
        let text = answer.text().await.unwrap();
        assert!(text.contains(word), "{address}: {text}");
    }
    let form = server.client.post(format!("{}/login", server.url));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let answer = form.body("email=a%00b&password=c").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("A field of the form holds a NUL character"));
    let note = json!({"tag": "Thre", "meaning": "a\0b"}).to_string();
    let answer = server.post("/api/v1/tag-notes", Some(&token), note.as_bytes()).await;
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("A text of the document holds a NUL"));
}
