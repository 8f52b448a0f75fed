//! Who may use what: every declared route is tried by everybody.

use poolwatch_model::person::Role;
use poolwatch_server::{router, routes::Permission};

use reqwest::Method;

use crate::server::Server;

#[tokio::test]
async fn every_route_keeps_out_who_is_not_allowed() {
    let server = Server::start().await;
    let mut lesser = Vec::new();
    for role in [Role::Viewer, Role::Operator] {
        lesser.push((server.api_token(role).await, role));
    }
    let declared = router::declared(&server.app);
    assert!(declared.len() > 20);
    for route in declared {
        let path = route
            .path
            .replace("{id}", "1")
            .replace("{path}", "x")
            .replace("{tag}", "Thre")
            .replace("{decision}", "approve");
        let url = format!("{}{path}", server.url);
        let is_machine = ["/api/", "/agent/", "/metrics"].iter().any(|root| path.starts_with(root));
        let anonymous = server.client.get(&url).send().await.unwrap();
        let status = anonymous.status().as_u16();
        match route.permission {
            // A GET that is not offered is turned away by its method before anything else.
            _ if status == 405 => {
                let mut method = Method::POST;
                if server.client.post(&url).send().await.unwrap().status() == 405 {
                    method = Method::DELETE;
                }
                let request = || server.client.request(method.clone(), &url);
                let status = request().send().await.unwrap().status().as_u16();
                match route.permission {
                    Permission::Public => assert!(!matches!(status, 403), "{path}: {status}"),
                    Permission::Host => assert_eq!(status, 401, "{path}"),
                    Permission::AtLeast(_) => {
                        assert!(matches!(status, 303 | 401), "{path}: {status}");
                    }
                }
                for (token, role) in &lesser {
                    if matches!(route.permission, Permission::AtLeast(least) if least > *role) {
                        let answer = request().bearer_auth(token).send().await.unwrap();
                        assert_eq!(answer.status(), 403, "{path} by {role}");
                    }
                }
            }
            Permission::Public => assert!(status == 200 || status == 404, "{path}: {status}"),
            Permission::Host => assert_eq!(status, 401, "{path}"),
            Permission::AtLeast(_) if is_machine => assert_eq!(status, 401, "{path}"),
            Permission::AtLeast(_) => {
                assert_eq!(status, 303, "{path}");
                let location = anonymous.headers()["location"].to_str().unwrap();
                assert!(location.starts_with("/login"), "{path}: {location}");
            }
        }
    }
}

#[tokio::test]
async fn a_form_from_another_site_is_refused() {
    let server = Server::start().await;
    let request = server.client.post(format!("{}/login", server.url));
    let response = request.header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(response.status(), 403);
}

#[tokio::test]
async fn pages_show_who_may_see_them_and_carry_a_strict_policy() {
    let server = Server::start().await;
    let viewer = server.api_token(Role::Viewer).await;
    for path in ["/", "/hosts", "/incidents", "/events", "/evidence", "/search?q=x", "/hosts.csv"] {
        let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(&viewer);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    let missing = server.client.get(format!("{}/hosts/999", server.url)).bearer_auth(&viewer);
    assert_eq!(missing.send().await.unwrap().status(), 404);
}
