//! How hosts come into the fleet and go.

use std::{collections::BTreeSet, time::Instant};

use poolwatch_model::{HostId, host::HostFacts, person::Role};
use poolwatch_protocol::v1::messages::{EnrolReply, EnrolRequest, InventoryRequest, Problem};
use poolwatch_store::{
    enrolment, enrolment_tokens,
    hosts::{self, Standing},
    refused_enrolments,
};
use reqwest::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Agent, CAREFUL_TOKEN, Server, TOKEN, classic, json as read, now};

/// A machine on which an agent runs.
#[derive(Clone)]
struct Machine {
    instance: Uuid,
    facts: HostFacts,
    labels: Vec<String>,
    address: &'static str,
}

impl Machine {
    fn named(name: &str) -> Self {
        let machine_guid = Some(Uuid::new_v4());
        let facts = HostFacts { fqdn: name.into(), machine_guid, ..HostFacts::default() };
        Self { instance: Uuid::new_v4(), facts, labels: Vec::new(), address: "10.1.2.3" }
    }

    async fn enrol(&self, server: &Server, token: &str) -> Response {
        let request = EnrolRequest {
            token: token.into(),
            instance_id: self.instance,
            facts: self.facts.clone(),
            versions: vec![1],
            labels: self.labels.clone(),
        };
        let url = format!("{}/agent/v1/enrol", server.url);
        let request = server.client.post(url).body(serde_json::to_vec(&request).unwrap());
        let request = request.header("content-type", "application/json");
        request.header("x-forwarded-for", self.address).send().await.unwrap()
    }

    async fn wait<'a>(&self, server: &'a Server) -> Agent<'a> {
        let reply: EnrolReply = read(self.enrol(server, CAREFUL_TOKEN).await).await;
        assert!(reply.pending);
        Agent::new(server, reply)
    }
}

async fn send_form(server: &Server, path: &str, token: &str, form: &str) -> Response {
    let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(token);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(form.to_owned()).send().await.unwrap()
}

async fn send_json(server: &Server, path: &str, token: &str, body: Value) -> Value {
    let answer = server.post(path, Some(token), &serde_json::to_vec(&body).unwrap()).await;
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    read(answer).await
}

async fn page(server: &Server, path: &str, token: &str) -> String {
    let answer = server.client.get(format!("{}{path}", server.url)).bearer_auth(token);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn kind_of(response: Response) -> (u16, String) {
    let problem: Problem = read(response).await;
    (problem.status, problem.kind.rsplit(':').next().unwrap().to_owned())
}

#[tokio::test]
async fn labels_that_a_new_host_brings_are_kept_once_and_those_that_cannot_be_refuse_no_host() {
    let server = Server::start().await;
    let labels = async |id: HostId| {
        let mut db = server.app.pool.acquire().await.unwrap();
        let all = enrolment::list(&mut db, None, None, None, enrolment::LISTED).await.unwrap();
        all.into_iter().find(|one| one.id == id).unwrap().labels
    };
    let mut machine = Machine::named("fs-01");
    machine.labels = vec!["Berlin".into(), "file server".into()];
    let reply: EnrolReply = read(machine.enrol(&server, CAREFUL_TOKEN).await).await;
    assert_eq!(labels(reply.host_id).await, ["berlin", "file server"]);
    machine.labels = vec!["paris".into()];
    assert_eq!(machine.enrol(&server, CAREFUL_TOKEN).await.status(), 200);
    assert_eq!(labels(reply.host_id).await, ["berlin", "file server"]);

    let mut machine = Machine::named("fs-02");
    machine.labels = vec!["a\u{0}".into()];
    let reply: EnrolReply = read(machine.enrol(&server, CAREFUL_TOKEN).await).await;
    assert_eq!(labels(reply.host_id).await, [""; 0]);
}

#[tokio::test]
async fn a_waiting_host_is_nowhere_but_on_its_page_until_somebody_approves_it() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let mut agent = Machine::named("sql-07.corp.example").wait(&server).await;
    let frame = agent.frame(classic(0));
    assert_eq!(kind_of(agent.send(&[&frame]).await).await, (403, "host-pending".into()));
    let mut db = server.app.pool.acquire().await.unwrap();
    assert_eq!(hosts::page(&mut db, HostId(0), 10).await.unwrap(), []);
    assert_eq!(hosts::find(&mut db, agent.id).await.unwrap(), None);
    drop(db);

    let list = page(&server, "/hosts/waiting", &operator).await;
    for told in ["1 host waits for approval.", "sql-07.corp.example", "10.1.2.3", "corp.example"] {
        assert!(list.contains(told), "{told}");
    }
    let own = page(&server, &format!("/hosts/{}", agent.id), &operator).await;
    assert!(own.contains("sql-07.corp.example waits for approval."));

    let form = format!("host={}&decision=approve&back=/hosts/waiting", agent.id);
    let decided = send_form(&server, "/hosts/decide", &operator, &form).await;
    assert_eq!(
        (decided.status().as_u16(), &decided.headers()["location"]),
        (303, &"/hosts/waiting".parse().unwrap())
    );
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    assert!(
        page(&server, "/hosts/waiting", &operator).await.contains("No host waits for approval.")
    );
}

#[tokio::test]
async fn all_that_match_are_decided_about_and_none_that_came_after_the_list_was_shown() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    for name in ["sql-1.a.example", "sql-2.a.example", "web-1.b.example"] {
        Machine::named(name).wait(&server).await;
    }
    let seen = now();
    Machine::named("sql-3.a.example").wait(&server).await;
    let form = format!("all=yes&seen={seen}&state=waiting&q=SQL&domain=a.example&decision=refuse");
    assert_eq!(send_form(&server, "/hosts/decide", &operator, &form).await.status(), 303);
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut names = async |standing| {
        let all = enrolment::list(&mut db, Some(standing), None, None, 10).await.unwrap();
        all.into_iter().map(|one| one.facts.fqdn).collect::<BTreeSet<_>>()
    };
    let refused = names(Standing::Refused).await;
    assert_eq!(refused, ["sql-1.a.example", "sql-2.a.example"].map(str::to_owned).into());
    let waiting = names(Standing::Waiting).await;
    assert_eq!(waiting, ["sql-3.a.example", "web-1.b.example"].map(str::to_owned).into());
}

#[tokio::test]
async fn a_refused_host_is_told_so_when_it_sends_and_when_it_enrols_again() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let machine = Machine::named("odd");
    let mut agent = machine.wait(&server).await;
    let body = json!({ "hosts": [agent.id, 999] });
    let done = send_json(&server, "/api/v1/enrolment/hosts/refuse", &operator, body).await;
    assert_eq!(done, json!({ "hosts": [agent.id] }));
    let frame = agent.frame(classic(0));
    let answer = agent.send(&[&frame]).await;
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(kind_of(answer).await, (403, "host-refused".into()));
    for _ in 0..2 {
        let answer = machine.enrol(&server, TOKEN).await;
        assert_eq!(kind_of(answer).await, (403, "host-refused".into()));
    }
    let mut db = server.app.pool.acquire().await.unwrap();
    let kept = refused_enrolments::list(&mut db, now() - jiff::SignedDuration::from_mins(1), 10);
    let kept = kept.await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].reason.as_str(), kept[0].times), ("host-refused", 2));
    assert_eq!((kept[0].name.as_str(), kept[0].address.as_str()), ("odd", "10.1.2.3"));
    drop(db);
    assert!(page(&server, "/deploy", &operator).await.contains("Somebody refused this host"));
}

#[tokio::test]
async fn a_thousand_hosts_are_approved_by_one_rule_within_a_minute_each_once() {
    let server = Server::start().await;
    let admin = server.api_token(Role::Admin).await;
    let begun = Instant::now();
    let waiting = Machine::named("sql-0.corp.example").wait(&server).await;
    let stranger = Machine { address: "10.2.0.1", ..Machine::named("sql-x.corp.example") };
    stranger.wait(&server).await;
    let rule = json!({ "name": "SQL", "host_name": "sql-*", "domain": "corp.example",
        "address_range": "10.1.0.0/16" });
    let trial = send_json(&server, "/api/v1/enrolment/try-rule", &admin, rule.clone()).await;
    assert_eq!(trial, json!({ "would_approve": [waiting.id], "unclear": [] }));
    let made = send_json(&server, "/api/v1/enrolment/rules", &admin, rule).await;
    assert_eq!(made["approved"], 1);

    for batch in 0..20 {
        let machines: Vec<Machine> = (1..=50)
            .map(|n| Machine::named(&format!("SQL-{}.corp.example", batch * 50 + n)))
            .collect();
        let mut tries: Vec<_> =
            machines.iter().map(|machine| machine.enrol(&server, CAREFUL_TOKEN)).collect();
        // Some at once.
        while !tries.is_empty() {
            let (one, other) = (tries.pop(), tries.pop());
            let other = async { other?.await.into() };
            let (one, other): (_, Option<Response>) = tokio::join!(one.unwrap(), other);
            for answer in [Some(one), other].into_iter().flatten() {
                assert_eq!(answer.status(), 201);
                assert!(!read::<EnrolReply>(answer).await.pending);
            }
        }
    }
    let mut db = server.app.pool.acquire().await.unwrap();
    let fleet = hosts::page(&mut db, HostId(0), 5_000).await.unwrap();
    let names: BTreeSet<&str> = fleet.iter().map(|host| host.name.as_str()).collect();
    assert_eq!((fleet.len(), names.len()), (1_001, 1_001));
    let all = enrolment::list(&mut db, Some(Standing::Waiting), None, None, 10).await.unwrap();
    assert_eq!(all.len(), 1, "the one from another network");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    drop(db);
    let rules = page(&server, "/api/v1/enrolment/rules", &admin).await;
    let rules: Value = serde_json::from_str(&rules).unwrap();
    assert_eq!(rules.as_array().unwrap().last().unwrap()["approved"], 1_001);
}

#[tokio::test]
async fn a_token_counts_its_hosts_and_ends_when_it_is_used_up_too_fast_or_revoked() {
    let server = Server::start().await;
    let admin = server.api_token(Role::Admin).await;
    let token = async |limits: Value| {
        let made = send_json(&server, "/api/v1/enrolment/tokens", &admin, limits).await;
        (made["id"].as_i64().unwrap(), made["token"].as_str().unwrap().to_owned())
    };
    let (id, two) = token(json!({ "name": "two", "max_uses": 2 })).await;
    let first = Machine::named("a");
    assert_eq!(first.enrol(&server, &two).await.status(), 201);
    assert_eq!(first.enrol(&server, &two).await.status(), 200, "known hosts do not count");
    assert_eq!(Machine::named("b").enrol(&server, &two).await.status(), 201);
    let refused = Machine::named("c").enrol(&server, &two).await;
    let problem: Problem = read(refused).await;
    assert_eq!((problem.status, problem.detail.contains("As many hosts")), (401, true));

    let (_, slow) = token(json!({ "name": "slow", "per_minute": 1 })).await;
    assert_eq!(Machine::named("d").enrol(&server, &slow).await.status(), 201);
    let refused = Machine::named("e").enrol(&server, &slow).await;
    assert_eq!(kind_of(refused).await, (429, "enrolment-rate".into()));

    let url = format!("{}/api/v1/enrolment/tokens/{id}", server.url);
    let revoked = server.client.delete(&url).bearer_auth(&admin).send().await.unwrap();
    assert_eq!(revoked.status(), 204);
    assert_eq!(first.enrol(&server, &two).await.status(), 401, "at once");
    let told = page(&server, "/api/v1/enrolment/tokens", &admin).await;
    assert!(!told.contains(&two) && told.contains("\"uses\":2"));
    let reasons = page(&server, "/api/v1/enrolment/refusals", &admin).await;
    for reason in ["token-used-up", "token-too-fast", "token-revoked"] {
        assert!(reasons.contains(reason), "{reason}: {reasons}");
    }
}

#[tokio::test]
async fn a_token_ends_on_its_day() {
    let token = |expires| enrolment_tokens::NewEnrolmentToken {
        name: "x",
        hash: b"x",
        expires,
        ..Default::default()
    };
    let server = Server::start().await;
    let mut db = server.app.pool.acquire().await.unwrap();
    enrolment_tokens::create(&mut db, &token(Some(now())), now()).await.unwrap();
    let kept = enrolment_tokens::list(&mut db, 1).await.unwrap().remove(0);
    assert_eq!(kept.ended(now()), Some(enrolment_tokens::TokenRefusal::Expired));
    assert_eq!(kept.ended(kept.created - jiff::SignedDuration::from_secs(9)), None);
}

#[tokio::test]
async fn a_machine_that_was_installed_anew_waits_and_goes_on_as_the_host_that_it_was() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let before = Machine::named("fs-02");
    let reply: EnrolReply = read(before.enrol(&server, TOKEN).await).await;
    let mut agent = Agent::new(&server, reply);
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);

    let anew = Machine { instance: Uuid::new_v4(), ..before };
    let reply: EnrolReply = read(anew.enrol(&server, TOKEN).await).await;
    assert!(reply.pending, "no rule decides that");
    let own = page(&server, &format!("/hosts/{}", reply.host_id), &operator).await;
    assert!(own.contains("same machine identity as") && own.contains("Same machine: continue as"));
    let path = format!("/hosts/{}/merge", reply.host_id);
    let merged = send_form(&server, &path, &operator, &format!("into={}", agent.id)).await;
    assert_eq!(merged.status(), 303);
    assert_eq!(
        send_form(&server, &path, &operator, &format!("into={}", agent.id)).await.status(),
        409
    );

    let waiting = Agent::new(&server, reply);
    assert_eq!(waiting.send(&[&frame]).await.status(), 401, "it enrols again");
    assert_eq!(agent.send(&[&frame]).await.status(), 401, "the old installation is gone");
    let again: EnrolReply = read(anew.enrol(&server, TOKEN).await).await;
    assert_eq!((again.host_id, again.pending), (agent.id, false));
    assert_eq!(Agent::new(&server, again).send(&[&frame]).await.status(), 200);
}

#[tokio::test]
async fn a_copy_of_an_agent_on_another_machine_is_refused_with_what_to_do() {
    let server = Server::start().await;
    let original = Machine::named("fs-02");
    assert_eq!(original.enrol(&server, TOKEN).await.status(), 201);
    let mut copy = Machine { instance: original.instance, ..Machine::named("fs-03") };
    let answer = copy.enrol(&server, TOKEN).await;
    let problem: Problem = read(answer).await;
    assert_eq!(problem.status, 403);
    assert!(problem.detail.contains("Delete %ProgramData%"), "{}", problem.detail);
    copy.facts.machine_guid = None;
    assert_eq!(copy.enrol(&server, TOKEN).await.status(), 200, "it does not tell its machine");
}

#[tokio::test]
async fn clones_of_an_image_wait_and_can_be_kept_apart() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let one = Machine::named("vdi-1");
    assert_eq!(one.enrol(&server, TOKEN).await.status(), 201);
    let mut clone = Machine::named("vdi-2");
    clone.facts.machine_guid = one.facts.machine_guid;
    let reply: EnrolReply = read(clone.enrol(&server, TOKEN).await).await;
    assert!(reply.pending);
    let body = json!({ "hosts": [reply.host_id] });
    send_json(&server, "/api/v1/enrolment/hosts/approve", &operator, body).await;
    let path = format!("/hosts/{}", reply.host_id);
    assert!(page(&server, &path, &operator).await.contains("same machine identity"));
    let kept = send_form(&server, &format!("{path}/keep-apart"), &operator, "").await;
    assert_eq!(kept.status(), 303);
    assert!(!page(&server, &path, &operator).await.contains("same machine identity"));
}

#[tokio::test]
async fn an_archived_host_is_refused_at_once_comes_back_with_its_key_and_is_deleted_for_good() {
    let server = Server::start().await;
    let admin = server.api_token(Role::Admin).await;
    let machine = Machine::named("fs-02");
    let reply: EnrolReply = read(machine.enrol(&server, TOKEN).await).await;
    let mut agent = Agent::new(&server, reply);
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    let decide = async |decision: &str| {
        let body = json!({ "hosts": [agent.id] });
        let path = match decision {
            "delete" => "/api/v1/enrolment/delete".to_owned(),
            other => format!("/api/v1/enrolment/hosts/{other}"),
        };
        send_json(&server, &path, &admin, body).await["hosts"].as_array().unwrap().len()
    };
    assert_eq!(decide("delete").await, 0, "it is in the fleet");
    assert_eq!(decide("archive").await, 1);
    assert_eq!(kind_of(agent.send(&[&frame]).await).await, (403, "host-archived".into()));
    let again = machine.enrol(&server, TOKEN).await;
    assert_eq!(kind_of(again).await, (403, "host-archived".into()));
    let own = page(&server, &format!("/hosts/{}", agent.id), &admin).await;
    assert!(own.contains("fs-02 is archived."));
    assert_eq!(decide("restore").await, 1);
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    assert_eq!(decide("archive").await + decide("delete").await, 2);
    assert_eq!(agent.send(&[&frame]).await.status(), 401);
    let anew: EnrolReply = read(machine.enrol(&server, TOKEN).await).await;
    assert_ne!(anew.host_id, agent.id);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_from_now_on() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    let path = format!("/hosts/{}/revoke-key", agent.id);
    assert_eq!(send_form(&server, &path, &operator, "").await.status(), 303);
    assert_eq!(agent.send(&[&frame]).await.status(), 401);
}

#[tokio::test]
async fn a_host_that_was_renamed_says_how_it_was_called() {
    let server = Server::start().await;
    let viewer = server.api_token(Role::Viewer).await;
    let agent = server.enrol("old-name").await;
    let facts = HostFacts { fqdn: "new-name".into(), ..HostFacts::default() };
    let body = InventoryRequest { facts, inventory: Default::default() };
    let body = serde_json::to_vec(&body).unwrap();
    let sent = server.post("/agent/v1/inventory", Some(&agent.key), &body).await;
    assert_eq!(sent.status(), 200);
    let own = page(&server, &format!("/hosts/{}", agent.id), &viewer).await;
    assert!(own.contains("It was called old-name"), "{own}");
    assert!(!own.contains("Archive</button>"), "a viewer decides nothing");
}

#[tokio::test]
async fn rules_are_tried_ordered_and_deleted_on_their_page() {
    let server = Server::start().await;
    let admin = server.api_token(Role::Admin).await;
    Machine::named("sql-1").wait(&server).await;
    let tried = page(&server, "/hosts/rules?host_name=sql-*", &admin).await;
    assert!(tried.contains("It would approve 1 host of 1 that wait."), "{tried}");
    let bad = page(&server, "/hosts/rules?address_range=10.1", &admin).await;
    assert!(bad.contains("The address range is a network"));
    let made = send_form(&server, "/hosts/rules", &admin, "name=SQL&host_name=sql-*").await;
    assert_eq!(made.status(), 303);
    assert!(page(&server, "/hosts/waiting", &admin).await.contains("No host waits"));
    let ids = async || {
        let rules = page(&server, "/api/v1/enrolment/rules", &admin).await;
        let rules: Vec<Value> = serde_json::from_str(&rules).unwrap();
        rules.iter().map(|rule| rule["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let [test, sql] = ids().await[..] else { panic!("two rules") };
    send_form(&server, &format!("/hosts/rules/{sql}/up"), &admin, "").await;
    assert_eq!(ids().await, [sql, test]);
    send_form(&server, &format!("/hosts/rules/{sql}/up"), &admin, "").await;
    assert_eq!(ids().await, [sql, test], "it is the first already");
    send_form(&server, &format!("/hosts/rules/{sql}/delete"), &admin, "").await;
    assert_eq!(ids().await, [test]);
}
