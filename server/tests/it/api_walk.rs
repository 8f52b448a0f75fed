//! Every operation that the description of `/api/v1` names, with values of all kinds: answers are those
//! of the description, and none is the server's fault.

use std::collections::BTreeSet;

use poolwatch_model::person::Role;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::server::{Server, classic};

/// Requests to one operation.
const TRIES: usize = 24;

/// Values that repeat by seed.
struct Values(u64);

impl Values {
    fn next(&mut self, below: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % below as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.next(from.len())].clone()
    }

    fn text(&mut self) -> String {
        let texts = [
            "",
            "a",
            "viewer",
            "Thre",
            "paged",
            "nonpaged",
            "2026-11-28T00:00:00Z",
            "10.0.0.0/8",
            "a@b.example",
            "\u{0}",
            "\u{202e}äöü",
            "'; DROP TABLE hosts; --",
            "-1",
            "1e400",
            "*",
            "%",
            "https://id.example.com",
            "2999-12-31T23:59:59Z",
            "-009999-01-01T00:00:00Z",
            "plain",
        ];
        match self.next(texts.len() + 1) {
            0 => "x".repeat(5_000),
            at => texts[at - 1].to_owned(),
        }
    }

    fn number(&mut self) -> Value {
        self.pick(&[
            json!(0),
            json!(1),
            json!(-1),
            json!(2),
            json!(30),
            json!(i32::MAX),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1.5),
            json!(1e300),
        ])
    }

    /// A value of a schema, or now and then of any other kind.
    fn of_schema(&mut self, schema: &Value, all: &Value, depth: usize) -> Value {
        if self.next(8) == 0 {
            return self.anything();
        }
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return self.of_schema(&all["components"]["schemas"][name], all, depth);
        }
        for several in ["oneOf", "anyOf", "allOf"] {
            if let Some(choices) = schema[several].as_array() {
                let objects: Vec<Value> =
                    choices.iter().map(|one| self.of_schema(one, all, depth + 1)).collect();
                if several == "allOf" {
                    let fields = objects.iter().filter_map(Value::as_object).cloned();
                    return Value::Object(fields.flatten().collect::<Map<String, Value>>());
                }
                return self.pick(&objects);
            }
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.pick(kinds),
            kind => kind.clone(),
        };
        match kind.as_str() {
            Some("object") if depth < 5 => {
                let fields = schema["properties"].as_object().cloned().unwrap_or_default();
                let mut object = Map::new();
                for (name, of) in fields {
                    if self.next(6) > 0 {
                        object.insert(name, self.of_schema(&of, all, depth + 1));
                    }
                }
                Value::Object(object)
            }
            Some("array") if depth < 5 => {
                let count = self.next(4);
                (0..count).map(|_| self.of_schema(&schema["items"], all, depth + 1)).collect()
            }
            Some("string") => match schema["enum"].as_array() {
                Some(words) => self.pick(words),
                None => self.text().into(),
            },
            Some("integer" | "number") => self.number(),
            Some("boolean") => (self.next(2) == 0).into(),
            _ => Value::Null,
        }
    }

    fn anything(&mut self) -> Value {
        match self.next(7) {
            0 => Value::Null,
            1 => json!([]),
            2 => json!({}),
            3 => json!({ "a": [1, { "b": null }] }),
            4 => self.number(),
            5 => json!(true),
            _ => self.text().into(),
        }
    }
}

fn in_address(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test]
async fn no_value_makes_the_server_fail_and_every_answer_is_one_that_is_described() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.contoso.test").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    let token = server.api_token(Role::Admin).await;
    let url = |path: &str| format!("{}{path}", server.url);
    let description = server.client.get(url("/api/v1/openapi.json")).bearer_auth(&token);
    let description: Value = crate::server::json(description.send().await.unwrap()).await;
    let mut values = Values(1);
    let (mut sent, mut statuses) = (0, BTreeSet::new());
    for (path, operations) in description["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let described = operation["responses"].as_object().unwrap();
            for _ in 0..TRIES {
                let (mut address, mut query) = (path.clone(), Vec::new());
                for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
                    let name = parameter["name"].as_str().unwrap();
                    let value = values.of_schema(&parameter["schema"], &description, 0);
                    if parameter["in"] == "path" {
                        let value = if value == "" { json!("x") } else { value };
                        address = address.replace(&format!("{{{name}}}"), &in_address(&value));
                    } else if values.next(3) > 0 {
                        query.push(format!("{name}={}", in_address(&value)));
                    }
                }
                let address = format!("{address}?{}", query.join("&"));
                let mut request = server.client.request(method.clone(), url(&address));
                request = request.bearer_auth(&token);
                let content = &operation["requestBody"]["content"];
                if let Some((kind, body)) = content.as_object().and_then(|all| all.iter().next()) {
                    let body = values.of_schema(&body["schema"], &description, 0);
                    request = request.header("content-type", kind).body(body.to_string());
                }
                let response = request.send().await.unwrap();
                let status = response.status();
                let kind = response.headers().get("content-type").cloned();
                let body = response.text().await.unwrap();
                assert!(!status.is_server_error(), "{method} {address}: {status} {body}");
                if status.is_client_error() {
                    let kind = kind.unwrap();
                    assert_eq!(kind, "application/problem+json", "{method} {address}: {body}");
                    let problem: Value = serde_json::from_str(&body).unwrap();
                    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
                } else {
                    let is_described = described.contains_key(status.as_str());
                    assert!(
                        is_described,
                        "{method} {path} answers {status}, which is not described"
                    );
                }
                statuses.insert(status.as_u16());
                sent += 1;
            }
        }
    }
    println!("{sent} requests, {statuses:?}");
    assert!(sent > 1_000 && statuses.contains(&200) && statuses.contains(&400), "{statuses:?}");
}

#[tokio::test]
async fn answers_carry_entity_tags_and_lists_are_told_as_csv() {
    let server = Server::start().await;
    let token = server.api_token(Role::Admin).await;
    let get = async |path: &str, name: &'static str, value: &str| {
        let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(&token);
        request.header(name, value).send().await.unwrap()
    };
    let first = get("/api/v1/people", "accept", "application/json").await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(first.headers()["cache-control"], "private, no-cache");
    let same = get("/api/v1/people", "if-none-match", &tag).await;
    assert_eq!((same.status().as_u16(), same.text().await.unwrap()), (304, String::new()));
    server.session(Role::Viewer).await;
    assert_eq!(get("/api/v1/people", "if-none-match", &tag).await.status(), 200, "it changed");
    let table = get("/api/v1/people", "accept", "text/csv").await;
    assert_eq!(table.headers()["content-type"], "text/csv; charset=utf-8");
    let table = table.text().await.unwrap();
    assert!(table.starts_with("id,name,email,role,groups,provider,disabled"), "{table}");
    assert_eq!(table.lines().count(), 2, "{table}");
    let no_list = get("/api/v1/settings/retention", "accept", "text/csv").await;
    assert_eq!(no_list.status(), 406);
}
