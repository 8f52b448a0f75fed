//! What a language model asks by the Model Context Protocol, with the client of the same library.

use std::time::Duration;

use poolwatch_model::person::{Role, Scope};
use poolwatch_server::fleet::refresh::{Keeper, refresh};
use rmcp::{
    ServiceExt,
    model::{CallToolRequestParams, ClientConfig},
    transport::{
        StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use serde_json::{Value, json};

use crate::{
    events::{event, send},
    server::{Server, classic, now},
};

/// Asks one tool, by a token.
async fn ask(server: &Server, token: &str, tool: &str, arguments: Value) -> Result<Value, String> {
    let url = format!("{}/mcp", server.url);
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
    let transport = StreamableHttpClientTransport::with_client(server.client.clone(), config);
    let client =
        ClientConfig::default().serve(transport).await.map_err(|error| error.to_string())?;
    let arguments = arguments.as_object().cloned().unwrap();
    let call = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
    let answer =
        tokio::time::timeout(Duration::from_secs(20), client.call_tool(call)).await.unwrap();
    client.cancel().await.unwrap();
    let answer = serde_json::to_value(answer.map_err(|error| error.to_string())?).unwrap();
    let text = answer["content"][0]["text"].as_str().unwrap().to_owned();
    Ok(serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn a_model_reads_incidents_hosts_and_tags_with_typed_facts_and_confidence() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.contoso.test").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    send(&server, &agent.key, vec![event(2019, 7, now())]).await;
    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    refresh(pool, fleet, Keeper::default(), 60, now()).await.1.unwrap();
    let token = server.api_token(Role::Viewer).await;

    let listed = ask(&server, &token, "list_incidents", json!({})).await.unwrap();
    let short = &listed["incidents"][0];
    assert_eq!(short["suspects"][0]["name"], "mybadapp.exe");
    let incident =
        ask(&server, &token, "get_incident", json!({ "id": short["id"] })).await.unwrap();
    let suspect = &incident["suspects"][0];
    let confidence = suspect["confidence"].as_f64().unwrap();
    assert!((0.5..=1.0).contains(&confidence), "{suspect}");
    let fact = &suspect["facts"][0];
    assert!(fact["fact"].is_object() && fact["text"].as_str().unwrap().len() > 10, "{fact}");
    assert!(incident.to_string().len() <= 10_000);

    let hosts = ask(&server, &token, "list_hosts", json!({ "name": "fs" })).await.unwrap();
    assert_eq!(hosts["hosts"][0]["name"], "fs-02.contoso.test");
    let host = ask(&server, &token, "get_host", json!({ "host": "FS-02" })).await.unwrap();
    assert_eq!(host["tags_with_most_bytes"][0]["tag"], "Thre");
    assert_eq!(host["processes_with_most_handles"][0]["handles"], 90_472);
    let tag = ask(&server, &token, "get_tag", json!({ "tag": "Thre" })).await.unwrap();
    assert_eq!(tag["pools"][0]["most"][0]["bytes"], 76_892_800);
    let tags = ask(&server, &token, "list_tags", json!({ "limit": 1 })).await.unwrap();
    assert_eq!(tags["tags"][0]["tag"], "Thre");

    let missing = ask(&server, &token, "get_incident", json!({ "id": 999 })).await.unwrap_err();
    assert!(missing.contains("There is no such incident"), "{missing}");
    let limited = server.scoped_token(Role::Viewer, Scope::of_groups([])).await;
    let nothing = ask(&server, &limited, "list_incidents", json!({})).await.unwrap();
    assert_eq!(nothing["total"], 0);
    assert!(ask(&server, "pwa_nobody", "list_hosts", json!({})).await.is_err());
}

#[tokio::test]
async fn an_incident_of_a_great_many_hosts_and_facts_fits_into_ten_kilobytes() {
    use poolwatch_model::{
        Pool, PoolTag,
        diagnosis::{Diagnosis, Evidence, Suspect, SuspectKind, Verdict},
        incident::{Cause, IncidentState},
    };
    use poolwatch_store::incidents::{self, IncidentRecord};
    let server = Server::start().await;
    let facts: Vec<Evidence> = (0..400)
        .map(|_| Evidence::HandlesMatchObjects {
            image: "a".repeat(200),
            tag: PoolTag::new(*b"Thre"),
            handles: 1,
            outstanding: 1,
        })
        .collect();
    let suspect = Suspect {
        kind: SuspectKind::Process,
        name: Some("a".repeat(5_000)),
        confidence: 0.9,
        evidence: facts.clone(),
        ..Suspect::default()
    };
    let diagnosis = Diagnosis {
        verdict: Verdict::Leak,
        suspects: vec![suspect; 9],
        evidence: facts,
        ..Diagnosis::default()
    };
    let cause = Cause::UnknownOwner { tag: PoolTag::new(*b"Fooo"), pool: Pool::Nonpaged };
    let new = IncidentRecord {
        state: IncidentState::Growing,
        lifecycle: json!({ "state": "growing" }),
        diagnosis: &diagnosis,
        worst: None,
        hosts: (1..5_000).map(poolwatch_model::HostId).collect(),
    };
    let mut db = server.app.pool.acquire().await.unwrap();
    let id = incidents::open(&mut db, &cause, now(), &new).await.unwrap();
    drop(db);
    let token = server.api_token(Role::Viewer).await;
    let incident = ask(&server, &token, "get_incident", json!({ "id": id.0 })).await.unwrap();
    assert!(incident.to_string().len() <= 10_000, "{}", incident.to_string().len());
    assert_eq!(incident["hosts_in_all"], 4_999);
    assert!(!incident["facts"].as_array().unwrap().is_empty(), "as many as fit");
}
