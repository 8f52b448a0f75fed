//! What the server says of itself: to load balancers, to Prometheus, and to administrators on a page.

use std::{fs, sync::Arc};

use jiff::SignedDuration;
use poolwatch_model::person::Role;
use poolwatch_server::{
    cli::{Configuration, EffectiveSetting, SettingSource, Tls, TlsOptions},
    clock::SystemClock,
    self_check,
    tls::ServerTls,
    writer::Writer,
};
use poolwatch_web::settings::server::CheckState;
use serde_json::Value;
use sqlx::Executor;

use crate::server::{Server, json, now};

async fn ask(server: &Server, path: &str) -> reqwest::Response {
    server.client.get(format!("{}{path}", server.url)).send().await.unwrap()
}

#[tokio::test]
async fn a_server_tells_that_it_lives_whether_it_can_serve_and_what_is_wrong() {
    let server = Server::start().await;
    let ready = ask(&server, "/readyz").await;
    assert_eq!(ready.status(), 200);
    let ready: Value = json(ready).await;
    // It serves all the same without a mail server.
    assert_eq!(ready["ready"], true);
    let problems: Vec<_> = ready["problems"].as_array().unwrap().iter().collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((&problems[0]["check"], &problems[0]["state"]), (&"mail".into(), &"warning".into()));

    let read_only = Server::start().await;
    let name = "SELECT current_database()";
    let name: String = sqlx::query_scalar(name).fetch_one(&read_only.app.pool).await.unwrap();
    let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    sqlx::query(sqlx::AssertSqlSafe(set)).execute(&read_only.app.pool).await.unwrap();
    let options = (*read_only.app.pool.connect_options()).clone();
    let standby = sqlx::PgPool::connect_with(options).await.unwrap();
    let writer = Writer::start(standby.clone());
    let read_only = Server::on(standby, writer, Arc::new(SystemClock)).await;
    let answer = ask(&read_only, "/readyz").await;
    assert_eq!(answer.status(), 503);
    let answer: Value = json(answer).await;
    assert_eq!(answer["ready"], false);
    let problems = answer["problems"].as_array().unwrap();
    let writes = problems.iter().find(|problem| problem["check"] == "writes").unwrap();
    assert!(writes["words"].as_str().unwrap().contains("takes no writes"));

    let lost = Server::start().await;
    lost.app.pool.close().await;
    let answer = ask(&lost, "/readyz").await;
    assert_eq!(answer.status(), 503);
    let answer: Value = json(answer).await;
    assert_eq!(answer["problems"][0]["check"], "database");
    assert_eq!(ask(&lost, "/healthz").await.status(), 200, "it lives");
}

#[tokio::test]
async fn administrators_see_what_is_wrong_and_where_settings_come_from() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let own = TlsOptions { tls_cert: None, tls_key: None, tls_name: vec![], tls: Tls::SelfSigned };
    let year = SignedDuration::from_hours(365 * 24);
    // Made two years ago for one.
    let tls = ServerTls::open(&own, folder.path(), vec![], now() - year * 2).unwrap();
    let setting = |name: &str, value: Option<&str>, source| EffectiveSetting {
        name: name.into(),
        variable: Some(format!("POOLWATCH_{}", name.to_uppercase())),
        value: value.map(str::to_owned),
        source,
    };
    let configuration = Configuration {
        file: Some("/etc/poolwatch/server.toml".into()),
        settings: vec![
            setting("interval_s", Some("60"), SettingSource::Default),
            setting("listen", Some("0.0.0.0:8443"), SettingSource::File),
        ],
        warnings: vec!["tls_name has no effect beside tls_cert.".into()],
    };
    let server = Server::start_set_up(|settings| {
        settings.tls = tls;
        settings.data_dir = Some(folder.path().to_owned());
        settings.configuration = configuration;
    })
    .await;
    server
        .app
        .pool
        .execute(
            "INSERT INTO jobs (kind, bucket, first_host, last_error)
             VALUES ('compact_hours', now() - interval '9 hours', 0, 'x')",
        )
        .await
        .unwrap();
    let admin = server.session(Role::Admin).await;
    let page = server.get("/settings/server", &admin).await.text().await.unwrap();
    for words in [
        "2 things do not work.",
        "The certificate expired at",
        "compact_hours is ",
        "the last attempt failed",
        "tls_name has no effect beside tls_cert.",
        "/etc/poolwatch/server.toml",
        "POOLWATCH_LISTEN",
        "0.0.0.0:8443",
        "No mail server is set",
    ] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    // What somebody set comes first.
    assert!(page.find("<code>listen").unwrap() < page.find("<code>interval_s").unwrap());
    let viewer = server.session(Role::Viewer).await;
    assert_eq!(server.get("/settings/server", &viewer).await.status(), 403);

    // Everybody may know that something is wrong, and not what.
    let ready = ask(&server, "/readyz").await.text().await.unwrap();
    assert!(ready.contains("\"certificate\"") && !ready.contains("expired at"), "{ready}");
    let checks = self_check::run_checks(&server.app).await;
    let disk = checks.iter().find(|check| check.name == "disk").unwrap();
    assert!(disk.words.contains("MB are free"), "{}", disk.words);
    assert!(fs::exists(folder.path().join("tls/ca.pem")).unwrap());
}

#[tokio::test]
async fn a_schema_that_a_later_version_migrated_is_told_while_the_server_runs() {
    let server = Server::start().await;
    let insert =
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                  VALUES (20991231000000, 'later', true, '', 0)";
    server.app.pool.execute(insert).await.unwrap();
    let checks = self_check::run_checks(&server.app).await;
    let schema = checks.iter().find(|check| check.name == "schema").unwrap();
    assert_eq!(schema.state, CheckState::Warning);
    assert!(schema.words.contains("20991231000000"), "{}", schema.words);
}
