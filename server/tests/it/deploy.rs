//! The page by which agents come.

use std::io::{Cursor, Read};

use poolwatch_model::person::Role;
use poolwatch_store::enrolment_tokens;

use crate::server::{Server, now};

#[tokio::test]
async fn a_token_of_the_page_is_shown_once_in_the_steps_and_enrols_a_host() {
    let server = Server::start().await;
    let admin = server.api_token(Role::Admin).await;
    let url = format!("{}/deploy/tokens", server.url);
    let send = async |form: &str| {
        let request = server.client.post(&url).bearer_auth(&admin);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form.to_owned()).send().await.unwrap().text().await.unwrap()
    };
    let made = send("name=Berlin&days=30&max_uses=&per_minute=").await;
    let token: String = made[made.find("pwe_").unwrap()..].chars().take(68).collect();
    assert!(made.contains(&format!("SERVER_URL=https://poolwatch.test ENROLL_TOKEN={token}")));
    assert_eq!(server.enrol_with(&token, "a").await.status(), 201);
    let page = server.client.get(format!("{}/deploy", server.url)).bearer_auth(&admin);
    let page = page.send().await.unwrap().text().await.unwrap();
    assert!(!page.contains(&token) && page.contains("Berlin"));
    assert!(page.contains("1 host enrolled in the last hour; 1 of them wait"), "{page}");

    let refused = send("name=&days=30").await;
    assert!(refused.contains("A name has 1 to 100 characters."));
    assert!(send("name=x&days=0").await.contains("are 1 or more"));
    assert!(send("name=x&days=soon").await.contains("whole numbers"));
    let mut db = server.app.pool.acquire().await.unwrap();
    let kept = enrolment_tokens::list(&mut db, 10).await.unwrap();
    assert_eq!(kept.iter().filter(|token| token.name == "Berlin").count(), 1);
    assert_eq!(kept.iter().filter(|token| token.name == "x").count(), 0);
    assert!(kept[0].expires.unwrap() > now());
}

#[tokio::test]
async fn the_template_for_group_policy_comes_as_an_archive_and_files_from_the_folder_alone() {
    let server = Server::start().await;
    let viewer = server.api_token(Role::Viewer).await;
    let get = async |path: &str| {
        let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(&viewer);
        request.send().await.unwrap()
    };
    let archive = get("/deploy/poolwatch-policy.zip").await;
    assert_eq!(archive.headers()["content-type"], "application/zip");
    let bytes = archive.bytes().await.unwrap();
    let archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    assert_eq!(archive.len(), 3);
    for path in ["/deploy/ca.pem", "/deploy/files/a.msi", "/deploy/files/..%2Fa.msi"] {
        assert_eq!(get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_files_for_this_server_hold_its_values() {
    let server = Server::start().await;
    let admin = server.api_token(Role::Admin).await;
    let send = async |form: &str| {
        let request = server.client.post(format!("{}/deploy/kit", server.url)).bearer_auth(&admin);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(form.to_owned()).send().await.unwrap()
    };
    let answer = send("token=pwe_0123&share=%5C%5Cfs%5Capps$&labels=Berlin&interval_s=30").await;
    assert_eq!(answer.status(), 200);
    let bytes = answer.bytes().await.unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    for name in ["install.cmd", "poolwatch.mst", "PolicyDefinitions/de-DE/Poolwatch.adml"] {
        assert!(names.iter().any(|one| one == name), "{names:?}");
    }
    // This server has no authority of its own, and no folder of packages.
    assert!(names.iter().all(|one| one != "ca.pem" && one != "winget.yaml"), "{names:?}");
    let mut read = |name: &str| {
        let mut content = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
        String::from_utf8_lossy(&content).into_owned()
    };
    let task = read("ScheduledTasks.xml");
    assert!(task.contains(r"/c \\fs\apps$\install.cmd 1800"), "{task}");
    let transform = read("poolwatch.mst");
    for value in ["https://poolwatch.test", "pwe_0123", "berlin"] {
        assert!(transform.contains(value), "{value}");
    }
    assert!(!read("install.cmd").contains("ca.pem"));

    let refused = send("share=C%3A%5Cfolder").await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("A share is"));
    let viewer = server.api_token(Role::Viewer).await;
    let request = server.client.post(format!("{}/deploy/kit", server.url)).bearer_auth(viewer);
    assert_eq!(request.send().await.unwrap().status(), 403);
}
