//! Who is limited to groups of hosts sees and acts on their hosts alone, whatever they ask.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use poolwatch_model::{
    Bytes, HostGroupId, HostId, Pool, PoolTag, Snapshot,
    alerting::{HostScope, SilenceMatcher},
    diagnosis::{Diagnosis, Suspect, SuspectKind, Verdict},
    host_group::GroupRule,
    incident::{Cause, IncidentId, IncidentState},
    person::{Role, Scope},
    process::ProcessUse,
    tag::{TagCounters, TagUse},
};
use poolwatch_server::{
    enrolment::groups,
    fleet::{
        drivers::{self, Book},
        refresh::{Keeper, refresh},
    },
    router,
    routes::Permission,
};
use poolwatch_store::{
    approval_rules::{self, RuleConditions},
    enrolment,
    enrolment_tokens::{self, NewEnrolmentToken},
    host_groups::{self, HostBinding},
    hosts,
    incidents::{self, IncidentRecord},
    silences::{self, NewSilence},
};
use reqwest::{Method, StatusCode};

use crate::{
    events::{event, send},
    server::{CAREFUL_TOKEN, Server, classic, now},
};

/// What only names of hosts out of sight hold, in small letters.
const HIDDEN_HOST: &str = "zulu";
/// What only programs, drivers, notes and tags of hosts out of sight are called, in small letters.
const HIDDEN_THING: &str = "quebec";
/// A tag that they alone use.
const HIDDEN_TAG: &[u8; 4] = b"Qbec";

/// A host with a program, driver and tag of its own.
async fn add_host(
    server: &Server,
    name: &str,
    program: &str,
    driver: &str,
    tag: &[u8; 4],
) -> HostId {
    let mut agent = server.enrol(name).await;
    let mut snapshot: Snapshot = classic(3);
    snapshot.processes.as_mut().unwrap().push(ProcessUse::new(77, None, program));
    snapshot.tags.as_mut().unwrap().rows.push(TagUse {
        tag: PoolTag::new(*tag),
        paged: TagCounters::default(),
        nonpaged: TagCounters { bytes: 5_000_000, outstanding: 900, allocs: 1_000 },
    });
    snapshot.tags.as_mut().unwrap().rows.sort_by_key(|row| row.tag);
    let frame = agent.frame(snapshot);
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    let inventory = serde_json::json!({
        "facts": { "fqdn": name, "agent_version": format!("{program}-agent") },
        "inventory": { "drivers": [{ "name": driver, "version": "5.1" }] },
    });
    let body = serde_json::to_vec(&inventory).unwrap();
    let told = server.post("/agent/v1/inventory", Some(&agent.key), &body).await;
    assert_eq!(told.status(), 200);
    send(server, &agent.key, vec![event(2019, 7, now())]).await;
    agent.id
}

fn leak(program: &str, bytes: u64) -> Diagnosis {
    let suspect = Suspect {
        kind: SuspectKind::Process,
        name: Some(program.to_owned()),
        confidence: 0.95,
        ..Suspect::default()
    };
    Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(Pool::Nonpaged),
        suspects: vec![suspect],
        headroom: None,
        evidence: vec![poolwatch_model::diagnosis::Evidence::PoolUse {
            pool: Pool::Nonpaged,
            used: Bytes(bytes),
            ceiling: None,
        }],
        ..Diagnosis::default()
    }
}

/// An incident on hosts, the first of which leads it.
async fn add_incident(server: &Server, cause: &Cause, on: &[(HostId, Diagnosis)]) -> IncidentId {
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut hosts: Vec<HostId> = on.iter().map(|(host, _)| *host).collect();
    hosts.sort_unstable();
    let new = IncidentRecord {
        state: IncidentState::Growing,
        lifecycle: serde_json::json!({ "state": "growing" }),
        diagnosis: &on[0].1,
        worst: Some(on[0].0),
        hosts,
    };
    let id = incidents::open(&mut db, cause, now(), &new).await.unwrap();
    for (host, diagnosis) in on {
        incidents::set_host_diagnosis(&mut db, id, *host, diagnosis).await.unwrap();
        incidents::add_finding(&mut db, id, *host, now(), diagnosis).await.unwrap();
    }
    id
}

struct World {
    server: Server,
    seen: HostId,
    hidden: HostId,
    waiting: HostId,
    shared: IncidentId,
    hidden_incident: IncidentId,
    scope: Scope,
}

/// Two hosts, one of them in a group; each has what the other has not. One incident is on both, and one
/// on the other alone.
async fn world() -> World {
    let server = Server::start().await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let rule = GroupRule { host_name: Some("alpha-*".into()), ..GroupRule::default() };
    let group = groups::create(&mut db, "Alpha", vec![rule], "test", now()).await.unwrap();
    let others = GroupRule { host_name: Some("zulu-*".into()), ..GroupRule::default() };
    let other_group =
        groups::create(&mut db, "Quebec hosts", vec![others], "test", now()).await.unwrap();
    let seen = add_host(&server, "alpha-01", "alpha.exe", "alpha.sys", b"Alph").await;
    let hidden = add_host(&server, "zulu-77", "quebec.exe", "quebec.sys", HIDDEN_TAG).await;
    let note = Some("a quebec note");
    host_groups::describe_host(&mut db, hidden, Some(&["quebec".into()]), note).await.unwrap();
    let binding = HostBinding { group: Some(other_group.id), ..HostBinding::default() };
    let token = NewEnrolmentToken { name: "of quebec", hash: b"x", binding, ..Default::default() };
    enrolment_tokens::create(&mut db, &token, now()).await.unwrap();
    let name_pattern = Some("quebec-*".to_owned());
    let conditions = RuleConditions { name_pattern, ..RuleConditions::default() };
    approval_rules::create(&mut db, "quebec hosts", &conditions, "x", 10, now()).await.unwrap();
    for (pattern, tag) in [("zulu-*", None), ("", Some(PoolTag::new(*HIDDEN_TAG)))] {
        let scope = HostScope::from_typed("", pattern);
        let matcher = SilenceMatcher { scope, tag, ..SilenceMatcher::default() };
        let silence = NewSilence {
            matcher: &matcher,
            reason: "zulu is patched for quebec",
            by: "x",
            from: now(),
            until: now() + SignedDuration::from_hours(1),
            worse_than: None,
            window: None,
        };
        silences::add(&mut db, &silence, now()).await.unwrap();
    }
    let reply = server.enrol_with(CAREFUL_TOKEN, "zulu-88").await;
    let reply: poolwatch_protocol::v1::messages::EnrolReply = crate::server::json(reply).await;
    let program = |image: &str| Cause::Program {
        image: image.into(),
        tag: PoolTag::new(*b"Thre"),
        pool: Pool::Nonpaged,
    };
    let on_both = [(hidden, leak("quebec.exe", 999_000_000)), (seen, leak("alpha.exe", 111_000))];
    let shared = add_incident(&server, &program("sharedapp.exe"), &on_both).await;
    let alone = [(hidden, leak("quebec.exe", 999_000_000))];
    let hidden_incident = add_incident(&server, &program("quebec.exe"), &alone).await;
    drop(db);
    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    refresh(pool, fleet, Keeper::default(), 60, now()).await.1.unwrap();
    drivers::refresh(pool, fleet, &mut Book::default(), now()).await.unwrap();
    let scope = Scope::of_groups([group.id]);
    World { server, seen, hidden, waiting: reply.host_id, shared, hidden_incident, scope }
}

/// Addresses of a route, with what is seen and with what is not.
fn addresses(world: &World, path: &str) -> Vec<String> {
    let ids: Vec<String> = match path {
        _ if path.contains("/incidents/") => {
            [world.shared, world.hidden_incident].map(|id| id.0.to_string()).to_vec()
        }
        _ => [world.seen, world.hidden, world.waiting].map(|id| id.0.to_string()).to_vec(),
    };
    let mut all = vec![path.to_owned()];
    for (name, values) in [
        ("{id}", ids),
        ("{tag}", vec!["Thre".to_owned(), "Qbec".to_owned()]),
        ("{image}", vec!["alpha.exe".to_owned(), "quebec.exe".to_owned()]),
        ("{name}", vec!["alpha.sys".to_owned(), "quebec.sys".to_owned()]),
    ] {
        all = all
            .iter()
            .flat_map(|path| match path.contains(name) {
                true => values.iter().map(|value| path.replace(name, value)).collect(),
                false => vec![path.clone()],
            })
            .collect();
    }
    let (at, hosts) = (now(), format!("{},{}", world.seen, world.hidden));
    let query = match path {
        "/search" => "?q=u".to_owned(),
        "/compare" | "/compare.csv" | "/compare.json" => {
            format!("?host={}&host={}&equal=show", world.seen, world.hidden)
        }
        "/api/v1/tags/{tag}/hosts" => format!("?pool=nonpaged&at={at}"),
        "/api/v1/tags/{tag}/series" => format!("?pool=nonpaged&hosts={hosts}"),
        "/api/v1/hosts/{id}/tags/{tag}" => "?pool=nonpaged".to_owned(),
        "/incidents" => "?show=all".to_owned(),
        "/api/v1/incidents" => "?past=true".to_owned(),
        _ => String::new(),
    };
    all.into_iter().map(|path| path + &query).collect()
}

#[tokio::test]
async fn no_answer_holds_anything_of_hosts_out_of_sight() {
    let world = world().await;
    let server = &world.server;
    let token = server.scoped_token(Role::Operator, world.scope.clone()).await;
    let whole = server.api_token(Role::Operator).await;
    let paths: BTreeSet<&str> = router::declared(&server.app)
        .iter()
        .filter(|route| matches!(route.permission, Permission::AtLeast(Role::Viewer)))
        .map(|route| route.path)
        .collect();
    let (mut answered, mut held_by_all) = (0, 0);
    for path in paths.into_iter().flat_map(|path| addresses(&world, path)) {
        let get = async |token: &str| {
            let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(token);
            let response = request.send().await.unwrap();
            (response.status(), response.text().await.unwrap().to_lowercase())
        };
        let (status, text) = get(&token).await;
        assert!(!status.is_server_error(), "{path}: {text}");
        answered += usize::from(status == StatusCode::OK);
        assert!(!text.contains(HIDDEN_HOST), "{path} names a host:\n{text}");
        // Who asks for a thing by its name knows the name.
        let asks_by_name = path.to_lowercase().contains(HIDDEN_THING);
        assert!(asks_by_name || !text.contains(HIDDEN_THING), "{path} names a thing:\n{text}");
        let asks_by_tag = path.contains("Qbec");
        assert!(asks_by_tag || !text.contains("qbec"), "{path} names a tag:\n{text}");
        assert!(!text.contains("999000000") && !text.contains("952.7"), "{path}: {text}");
        let (_, all) = get(&whole).await;
        held_by_all += usize::from(all.contains(HIDDEN_HOST) || all.contains(HIDDEN_THING));
    }
    // The test would find it: who sees the whole fleet is told of it on many pages.
    assert!(answered > 40 && held_by_all > 25, "{answered} {held_by_all}");
}

#[tokio::test]
async fn a_limited_operator_acts_on_hosts_in_sight_alone() {
    let world = world().await;
    let server = &world.server;
    let token = server.scoped_token(Role::Operator, world.scope.clone()).await;
    let send = async |method: Method, path: &str, body: &str| {
        let kind = match path.starts_with("/api/") {
            true => "application/json",
            false => "application/x-www-form-urlencoded",
        };
        let request = server.client.request(method, format!("{}{path}", server.url));
        let request = request.bearer_auth(&token).header("content-type", kind);
        request.body(body.to_owned()).send().await.unwrap().status().as_u16()
    };
    let (seen, hidden, waiting) = (world.seen, world.hidden, world.waiting);
    for (path, body, status) in [
        (format!("/hosts/{hidden}/describe"), "note=x", 404),
        (format!("/hosts/{seen}/describe"), "note=x", 303),
        (format!("/hosts/{seen}/describe"), "note=x&labels=y", 403),
        (format!("/hosts/{hidden}/revoke-key"), "", 404),
        (format!("/hosts/{hidden}/keep-apart"), "", 404),
        (format!("/hosts/{waiting}/merge"), "into=1", 404),
        ("/hosts/label".into(), "label=x&action=add", 403),
        ("/tags/Thre/note".into(), "meaning=x&owner=", 403),
        ("/alerts/silences".into(), "pattern=*&until=2030-01-01T00:00&zone=UTC&reason=x", 403),
        (format!("/incidents/{}/comments", world.hidden_incident.0), "text=x", 404),
        (format!("/incidents/{}/comments", world.shared.0), "text=x", 303),
        (format!("/incidents/{}/acknowledge", world.shared.0), "", 303),
        (format!("/incidents/{}/resolve", world.shared.0), "", 403),
        (format!("/incidents/{}/resolve", world.hidden_incident.0), "", 404),
        (format!("/incidents/{}/silence", world.shared.0), "hours=1", 403),
    ] {
        assert_eq!(send(Method::POST, &path, body).await, status, "{path} {body}");
    }
    let decide = format!("{{\"hosts\": [{hidden}, {waiting}]}}");
    for decision in ["archive", "approve", "refuse"] {
        let path = format!("/api/v1/enrolment/hosts/{decision}");
        assert_eq!(send(Method::POST, &path, &decide).await, 200);
    }
    let snapshot = r#"{"host": "zulu-77", "snapshot": {}}"#;
    assert_eq!(send(Method::POST, "/api/v1/snapshots", snapshot).await, 403);
    let mut db = server.app.pool.acquire().await.unwrap();
    assert!(hosts::find(&mut db, hidden).await.unwrap().is_some(), "it was not archived");
    let candidate = enrolment::list(&mut db, None, Some(&[waiting]), None, 1).await.unwrap();
    assert_eq!(candidate[0].standing, hosts::Standing::Waiting);
}

#[tokio::test]
async fn an_incident_on_more_hosts_shows_its_record_by_those_in_sight() {
    let world = world().await;
    let server = &world.server;
    let get = async |token: &str, path: String| -> serde_json::Value {
        let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(token);
        crate::server::json(request.send().await.unwrap()).await
    };
    let whole = server.api_token(Role::Viewer).await;
    let limited = server.scoped_token(Role::Viewer, world.scope.clone()).await;
    let path = format!("/api/v1/incidents/{}", world.shared.0);
    let suspect = |record: &serde_json::Value| {
        record["incident"]["diagnosis"]["suspects"][0]["name"].as_str().unwrap().to_owned()
    };
    let all = get(&whole, path.clone()).await;
    assert_eq!(suspect(&all), "quebec.exe");
    assert_eq!(all["incident"]["hosts"].as_array().unwrap().len(), 2);
    let part = get(&limited, path).await;
    assert_eq!(suspect(&part), "alpha.exe");
    assert_eq!(part["incident"]["hosts"], serde_json::json!([world.seen]));
    assert_eq!(
        (&part["incident"]["worst"], &part["incident"]["findings"]),
        (&world.seen.0.into(), &1.into())
    );
    let metrics = server.client.get(format!("{}/metrics", server.url)).bearer_auth(&limited);
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("alpha-01") && !metrics.contains("poolwatch_http_requests"),
        "{metrics}"
    );
}

#[tokio::test]
async fn who_is_called_as_somebody_else_sees_none_of_their_evidence() {
    let world = world().await;
    let server = &world.server;
    // All tokens of these tests bear one name.
    let whole = server.api_token(Role::Operator).await;
    let limited = server.scoped_token(Role::Operator, world.scope.clone()).await;
    let form =
        "--b\r\ncontent-disposition: form-data; name=\"text\"\r\n\r\nPool Nonpaged: 1\r\n--b--\r\n";
    let request = server.client.post(format!("{}/api/v1/evidence", server.url)).bearer_auth(&whole);
    let request = request.header("content-type", "multipart/form-data; boundary=b").body(form);
    let made = request.send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.status());
    let made: serde_json::Value = crate::server::json(made).await;
    let path = format!("{}/api/v1/evidence/{}", server.url, made["id"].as_str().unwrap());
    let get = async |token: &str| {
        server.client.get(&path).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!((get(&whole).await, get(&limited).await), (200, 404));
}

#[tokio::test]
async fn a_limited_person_is_checked_within_50_microseconds() {
    let world = world().await;
    let server = &world.server;
    let cookie = server.scoped_session(Role::Operator, &world.scope).await;
    let mut headers = reqwest::header::HeaderMap::new();
    headers.insert("cookie", cookie.parse().unwrap());
    let mut times = Vec::new();
    for _ in 0..2000 {
        let begun = std::time::Instant::now();
        let person = poolwatch_server::access::people::find(&server.app, &headers).await;
        let person = person.unwrap().unwrap();
        let (fleet, pool) = (&server.app.fleet, &server.app.pool);
        let visible =
            poolwatch_server::fleet::visible::VisibleFleet::load(fleet, pool, &person.scope, now())
                .await
                .unwrap();
        assert!(visible.shows(world.seen) && !visible.shows(world.hidden));
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("with scope: median {:?}, 99 % {:?}", times[1000], times[1980]);
    assert!(times[1000] < std::time::Duration::from_micros(50), "{:?}", times[1000]);
}

#[tokio::test]
async fn groups_labels_and_scopes_are_set_by_the_console_and_count_at_once() {
    let server = Server::start().await;
    let admin = server.session(Role::Admin).await;
    let token = server.api_token(Role::Admin).await;
    let agent = server.enrol("alpha-01.corp.example").await;
    let fields = [("name", "Production"), ("label", "Production")];
    let made = server.post_form("/settings/groups", &admin, &fields).await;
    assert_eq!(made.status(), 303);
    let group = made.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let fields =
        [("name", "Ben"), ("email", "ben@x.test"), ("role", "viewer"), ("scope", "groups")];
    let without_group = server.post_form("/settings/people", &admin, &fields).await;
    assert_eq!(without_group.status(), 400, "it would see nothing, or all");
    let with_group = [&fields[..], &[("group", &*group)]].concat();
    assert_eq!(server.post_form("/settings/people", &admin, &with_group).await.status(), 200);
    let as_admin = [
        ("name", "A"),
        ("email", "a@x.test"),
        ("role", "admin"),
        ("scope", "groups"),
        ("group", &*group),
    ];
    assert_eq!(server.post_form("/settings/people", &admin, &as_admin).await.status(), 400);

    // A token that sees the group sees the host once it has the label.
    let body = format!("{{\"name\": \"t\", \"role\": \"viewer\", \"groups\": [{group}]}}");
    let made: serde_json::Value =
        crate::server::json(server.post("/api/v1/tokens", Some(&token), body.as_bytes()).await)
            .await;
    let limited = made["token"].as_str().unwrap().to_owned();
    let hosts = async || -> usize {
        let (pool, fleet) = (&server.app.pool, &server.app.fleet);
        refresh(pool, fleet, Keeper::default(), 60, now()).await.1.unwrap();
        let request = server.client.get(format!("{}/api/v1/hosts", server.url));
        let listed: serde_json::Value =
            crate::server::json(request.bearer_auth(&limited).send().await.unwrap()).await;
        listed["hosts"].as_array().unwrap().len()
    };
    assert_eq!(hosts().await, 0);
    let path = format!("/hosts/{}/describe", agent.id);
    let fields = [("labels", "production, Berlin"), ("note", "Ask Ana first.")];
    assert_eq!(server.post_form(&path, &admin, &fields).await.status(), 303);
    assert_eq!(hosts().await, 1);
    let page = server.get(&format!("/hosts/{}", agent.id), &admin).await.text().await.unwrap();
    assert!(page.contains("Ask Ana first.") && page.contains("in Production"), "{page}");
    let fields = [("label", "production"), ("action", "remove"), ("q", "berlin")];
    assert_eq!(server.post_form("/hosts/label", &admin, &fields).await.status(), 303);
    assert_eq!(hosts().await, 0);

    let delete = format!("/settings/groups/{group}/delete");
    assert_eq!(
        server.post_form(&delete, &admin, &[]).await.status(),
        409,
        "somebody is bound to it"
    );
    let page = server.get(&format!("/settings/groups/{group}"), &admin).await.text().await.unwrap();
    assert!(page.contains("2 people, tokens and approval rules"), "{page}");
}

#[tokio::test]
async fn hosts_get_the_labels_and_group_of_their_token_and_rule() {
    let server = Server::start().await;
    let admin = server.api_token(Role::Admin).await;
    let post = async |path: &str, body: String| -> serde_json::Value {
        let response = server.post(path, Some(&admin), body.as_bytes()).await;
        assert!(response.status().is_success(), "{path}");
        crate::server::json(response).await
    };
    let group = post("/api/v1/groups", r#"{"name": "Roll-out"}"#.into()).await["id"].clone();
    let token = post(
        "/api/v1/enrolment/tokens",
        format!(r#"{{"name": "t", "labels": ["Berlin"], "group": {group}}}"#),
    )
    .await;
    let rule = format!(r#"{{"name": "r", "token": {}, "labels": ["new"]}}"#, token["id"]);
    post("/api/v1/enrolment/rules", rule).await;
    let reply = server.enrol_with(token["token"].as_str().unwrap(), "a-1").await;
    assert_eq!(reply.status(), 201);
    let reply: poolwatch_protocol::v1::messages::EnrolReply = crate::server::json(reply).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let host = hosts::find(&mut db, reply.host_id).await.unwrap().unwrap();
    let group = HostGroupId(group.as_i64().unwrap() as i32);
    assert_eq!(
        (host.labels, host.put_into),
        (vec!["berlin".to_owned(), "new".into()], vec![group])
    );

    // What waits gets it when a rule approves it later.
    let waits = server.enrol_with(CAREFUL_TOKEN, "b-1").await;
    let waits: poolwatch_protocol::v1::messages::EnrolReply = crate::server::json(waits).await;
    let rule = format!(r#"{{"name": "s", "host_name": "b-*", "group": {}}}"#, group.0);
    post("/api/v1/enrolment/rules", rule).await;
    let host = hosts::find(&mut db, waits.host_id).await.unwrap().unwrap();
    assert_eq!(host.put_into, [group]);
    let day = SignedDuration::from_hours(24);
    assert!(host.enrolled_at > now() - day);
}
