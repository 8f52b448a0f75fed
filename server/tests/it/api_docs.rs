//! The examples of docs/api.md, run as they stand there.

use std::{fs, path::Path, process::Command};

use poolwatch_model::person::Role;
use poolwatch_server::fleet::refresh::{Keeper, refresh};

use crate::server::{Server, classic, now};

/// The blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let text = fs::read_to_string(path).unwrap();
    let fence = format!("```{language}\n");
    let parts = text.split(&fence).skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

async fn run(server: &Server, program: &str, arguments: &[&str], script: String) {
    let token = server.api_token(Role::Admin).await;
    let mut command = Command::new(program);
    command.args(arguments).arg(&script).env("POOLWATCH", &server.url).env("TOKEN", token);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (out, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{script}\n{out}\n{error}");
}

#[tokio::test]
async fn every_example_for_a_shell_works_as_printed() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.corp.example").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    refresh(pool, fleet, Keeper::default(), 60, now()).await.1.unwrap();
    let shell = blocks("sh");
    assert!(shell.len() >= 7, "{}", shell.len());
    for block in shell {
        run(&server, "sh", &["-euc"], block).await;
    }
    if Command::new("pwsh").arg("-v").output().is_ok() {
        let script = blocks("powershell").concat();
        run(&server, "pwsh", &["-NoProfile", "-Command"], script).await;
    }
}
