//! What the console changes, scripts change as well: each of its forms has an operation of `/api/v1`,
//! and so has `poolwatch-server admin call`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use axum::{body::Body, http::Request};
use poolwatch_model::person::Role;
use poolwatch_server::{access::people::CommandLineCall, router};
use serde_json::Value;
use tower::ServiceExt;

use crate::server::{Server, json};

/// Forms about who signs in, by the browser that does, and about what they keep for themselves: nothing
/// for a script.
const OF_WHO_SIGNS_IN: [&str; 12] = [
    "/login",
    "/login/code",
    "/logout",
    "/welcome",
    "/account/password",
    "/account/second-factor",
    "/account/second-factor/disable",
    "/account/sessions/{id}/end",
    // A token that makes tokens would outlive its revocation.
    "/account/tokens",
    "/account/tokens/{id}/revoke",
    "/views",
    "/views/forget",
];

/// Forms with the operation that does the same, below `/api/v1`.
const OPERATIONS: [(&str, &str); 59] = [
    ("/alerts/deliveries/resend", "POST /alerts/deliveries/resend"),
    ("/alerts/deliveries/{id}/resend", "POST /alerts/deliveries/{id}/resend"),
    ("/alerts/recipients", "POST /alerts/recipients"),
    ("/alerts/recipients/test", "POST /alerts/recipients/test"),
    ("/alerts/recipients/{id}/remove", "DELETE /alerts/recipients/{id}"),
    ("/alerts/rules", "POST /alerts/rules"),
    ("/alerts/rules/{name}/remove", "DELETE /alerts/rules/{name}"),
    ("/alerts/rules/{name}/set", "PUT /alerts/rules/{name}"),
    ("/alerts/settings", "PUT /alerts/settings"),
    ("/alerts/silences", "POST /alerts/silences"),
    ("/alerts/silences/{id}/end", "DELETE /alerts/silences/{id}"),
    ("/alerts/windows", "POST /alerts/windows"),
    ("/alerts/windows/{id}/remove", "DELETE /alerts/windows/{id}"),
    ("/deploy/kit", "POST /enrolment/kit"),
    ("/deploy/tokens", "POST /enrolment/tokens"),
    ("/deploy/tokens/{id}/revoke", "DELETE /enrolment/tokens/{id}"),
    ("/evidence/diagnose", "POST /evidence"),
    ("/evidence/{id}/keep", "POST /evidence/{id}/keep"),
    ("/hosts/decide", "POST /enrolment/hosts/{decision}"),
    ("/hosts/delete", "POST /enrolment/delete"),
    ("/hosts/label", "POST /host-labels"),
    ("/hosts/silence", "POST /host-silences"),
    ("/hosts/rules", "POST /enrolment/rules"),
    ("/hosts/rules/{id}/delete", "DELETE /enrolment/rules/{id}"),
    ("/hosts/rules/{id}/up", "POST /enrolment/rules/{id}/up"),
    ("/hosts/{id}/describe", "PUT /hosts/{id}/description"),
    ("/hosts/{id}/keep-apart", "POST /enrolment/keep-apart/{id}"),
    ("/hosts/{id}/merge", "POST /enrolment/merge/{id}"),
    ("/hosts/{id}/revoke-key", "POST /enrolment/revoke-key/{id}"),
    ("/incidents/{id}/acknowledge", "POST /incidents/{id}/acknowledge"),
    ("/incidents/{id}/comments", "POST /incidents/{id}/comments"),
    ("/incidents/{id}/confirm", "POST /incidents/{id}/confirm"),
    ("/incidents/{id}/merge", "POST /incidents/{id}/merge"),
    ("/incidents/{id}/owner", "PUT /incidents/{id}/owner"),
    ("/incidents/{id}/reopen", "POST /incidents/{id}/reopen"),
    ("/incidents/{id}/resolve", "POST /incidents/{id}/resolve"),
    ("/incidents/{id}/silence", "POST /incidents/{id}/silence"),
    ("/settings/groups", "POST /groups"),
    ("/settings/groups/{id}", "PUT /groups/{id}"),
    ("/settings/groups/{id}/delete", "DELETE /groups/{id}"),
    ("/settings/groups/{id}/rules", "PUT /groups/{id}"),
    ("/settings/groups/{id}/rules/{place}/delete", "PUT /groups/{id}"),
    ("/settings/mail", "PUT /settings/mail"),
    ("/settings/mail/test", "POST /settings/mail/test"),
    ("/settings/people", "POST /people"),
    ("/settings/people/{id}", "PATCH /people/{id}"),
    ("/settings/people/{id}/delete", "DELETE /people/{id}"),
    ("/settings/people/{id}/disable", "PATCH /people/{id}"),
    ("/settings/people/{id}/enable", "PATCH /people/{id}"),
    ("/settings/people/{id}/link", "POST /people/{id}/link"),
    ("/settings/people/{id}/second-factor/reset", "DELETE /people/{id}/second-factor"),
    ("/settings/people/{id}/sessions/{session}/end", "DELETE /people/{id}/sessions/{session}"),
    ("/settings/retention", "PUT /settings/retention"),
    ("/settings/sign-in", "PUT /settings/sign-in"),
    ("/settings/tokens", "POST /tokens"),
    ("/settings/tokens/{id}/revoke", "DELETE /tokens/{id}"),
    ("/tags/pooltag", "POST /pooltag.txt"),
    ("/tags/pooltag/offered", "POST /offered-tag-lists"),
    ("/tags/{tag}/note", "POST /tag-notes"),
];

/// The forms of the console, as the matrix of permissions in the documentation lists them: its test
/// tries every route by every method.
fn forms() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let text = fs::read_to_string(path).unwrap();
    let posts = text.lines().filter_map(|line| line.strip_prefix("| POST `"));
    let paths = posts.filter_map(|rest| rest.split('`').next()).map(str::to_owned);
    let is_form = |path: &String| {
        !["/api/v1/", "/agent/v1/", "/mcp"].iter().any(|other| path.starts_with(other))
    };
    paths.filter(is_form).collect()
}

#[tokio::test]
async fn every_form_of_the_console_has_an_operation_for_scripts_and_the_command_line() {
    let operations: BTreeMap<&str, &str> = OPERATIONS.into_iter().collect();
    let known: BTreeSet<String> =
        operations.keys().chain(&OF_WHO_SIGNS_IN).map(|path| (*path).to_owned()).collect();
    let forms = forms();
    let missing: Vec<_> = forms.difference(&known).collect();
    assert!(missing.is_empty(), "scripts cannot do what these forms do: {missing:?}");
    let stale: Vec<_> = known.difference(&forms).collect();
    assert!(stale.is_empty(), "there are no such forms: {stale:?}");

    let server = Server::start().await;
    let viewer = server.api_token(Role::Viewer).await;
    let description = server.client.get(format!("{}/api/v1/openapi.json", server.url));
    let description: Value = json(description.bearer_auth(viewer).send().await.unwrap()).await;
    for (form, operation) in operations {
        let (method, path) = operation.split_once(' ').unwrap();
        let described =
            &description["paths"][format!("/api/v1{path}")][method.to_lowercase().as_str()];
        assert!(described.is_object(), "{form}: {operation} is not described");
        // As `admin call` sends it: let through, and refused for what it lacks at most.
        let address = path.replace("{name}", "none").replace("{decision}", "approve");
        let address = address.replace("{id}", "999999999").replace("{session}", "9");
        let request = Request::builder().method(method).uri(format!("/api/v1{address}"));
        let request = request.header("content-type", "application/json");
        let request = request.extension(CommandLineCall).body(Body::from("[]")).unwrap();
        let status = router::router(&server.app).oneshot(request).await.unwrap().status();
        assert!(!matches!(status.as_u16(), 401 | 403 | 405), "{operation}: {status}");
        assert!(!status.is_server_error(), "{operation}: {status}");
    }
}
