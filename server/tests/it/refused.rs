//! Who was refused is seen on a page, with what they were told.

use poolwatch_model::person::Role;

use crate::server::{Server, classic};

#[tokio::test]
async fn who_was_refused_is_on_a_page_of_administrators_with_what_they_were_told() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.contoso.test").await;
    agent.step_ms = u64::MAX / 2;
    let absurd = agent.frame(classic(0));
    agent.step_ms = 60_000;
    assert_eq!(agent.send(&[&absurd]).await.status(), 200);
    // A batch that is cut short, a key that nobody has, a role that may not, and a guessed password.
    let cut = &agent.batch(&[&absurd])[..20];
    assert_eq!(server.post("/agent/v1/frames", Some(&agent.key), cut).await.status(), 400);
    assert_eq!(server.post("/agent/v1/frames", Some("pwh_1_00"), b"x").await.status(), 401);
    let viewer = server.api_token(Role::Viewer).await;
    let page = |token: String| {
        let request = server.client.get(format!("{}/settings/refusals", server.url));
        request.bearer_auth(token).send()
    };
    assert_eq!(page(viewer).await.unwrap().status(), 403);
    let form = server.client.post(format!("{}/login", server.url));
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let form = form.header("x-forwarded-for", "192.0.2.77");
    assert_eq!(form.body("email=a@b.test&password=guess").send().await.unwrap().status(), 401);

    let admin = server.api_token(Role::Admin).await;
    let text = page(admin).await.unwrap().text().await.unwrap();
    for words in [
        "Frames were refused",
        "an uptime is beyond fifty years",
        "The batch of frames is cut short",
        "The host key is not known",
        "GET /settings/refusals",
        "192.0.2.77",
        "A sign-in was refused",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let link = format!("/hosts/{}\"", agent.id);
    assert_eq!(text.matches(&link).count(), 2, "twice for its own host");
}
