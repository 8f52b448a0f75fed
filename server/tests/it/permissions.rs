//! Who may use what: every declared route is tried by everybody, by every method that it has.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path, time::Instant};

use poolwatch_model::person::{Role, Scope};
use poolwatch_server::{access::people, router, routes::Permission};
use reqwest::{Method, Response, header};

use crate::server::Server;

/// Somebody who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caller {
    Nobody,
    /// An approved host, with its key.
    Host,
    /// A person who is signed in.
    Person(Role),
    /// A token of a service.
    Token(Role),
    /// A person who is limited to groups of hosts.
    LimitedPerson(Role),
    /// A token that is limited to groups of hosts.
    LimitedToken(Role),
}

const CALLERS: [Caller; 11] = [
    Caller::Nobody,
    Caller::Host,
    Caller::Person(Role::Viewer),
    Caller::Person(Role::Operator),
    Caller::Person(Role::Admin),
    Caller::Token(Role::Viewer),
    Caller::Token(Role::Operator),
    Caller::Token(Role::Admin),
    Caller::LimitedPerson(Role::Viewer),
    Caller::LimitedPerson(Role::Operator),
    Caller::LimitedToken(Role::Operator),
];

/// What the callers show.
struct Proofs(Vec<(Caller, &'static str, String)>);

impl Proofs {
    async fn make(server: &Server) -> Self {
        let mut proofs = Vec::new();
        for caller in CALLERS {
            let (name, value) = match caller {
                Caller::Nobody => ("x-nothing", String::new()),
                Caller::Host => {
                    ("authorization", format!("Bearer {}", server.enrol("fs-02").await.key))
                }
                Caller::Person(role) => ("cookie", server.session(role).await),
                Caller::Token(role) => {
                    ("authorization", format!("Bearer {}", server.api_token(role).await))
                }
                Caller::LimitedPerson(role) => {
                    ("cookie", server.scoped_session(role, &Scope::of_groups([])).await)
                }
                Caller::LimitedToken(role) => {
                    let token = server.scoped_token(role, Scope::of_groups([])).await;
                    ("authorization", format!("Bearer {token}"))
                }
            };
            proofs.push((caller, name, value));
        }
        Self(proofs)
    }

    async fn send(&self, server: &Server, caller: Caller, method: &Method, path: &str) -> Response {
        let (_, name, value) = self.0.iter().find(|(one, ..)| *one == caller).unwrap();
        let request = server.client.request(method.clone(), format!("{}{path}", server.url));
        request.header(*name, value).send().await.unwrap()
    }
}

/// What a route's declaration promises to a caller.
fn may(permission: Permission, caller: Caller) -> bool {
    match (permission, caller) {
        (Permission::Public, _)
        | (Permission::Host, Caller::Host)
        | (Permission::SignedIn, Caller::Person(_) | Caller::LimitedPerson(_)) => true,
        (
            Permission::AtLeast(least),
            Caller::Person(role)
            | Caller::Token(role)
            | Caller::LimitedPerson(role)
            | Caller::LimitedToken(role),
        )
        | (Permission::WholeFleet(least), Caller::Person(role) | Caller::Token(role)) => {
            role >= least
        }
        _ => false,
    }
}

/// Whether a caller was let through, and if not, by which answer.
fn passed(response: &Response) -> bool {
    let to_login = response.headers().get(header::LOCATION);
    let to_login = to_login.is_some_and(|to| to.to_str().unwrap().starts_with("/login?next="));
    !to_login && !matches!(response.status().as_u16(), 401 | 403)
}

/// What is proved by what the request itself holds.
const OWN_PROOF: [&str; 3] = ["/logout", "/login/code", "/agent/v1/enrol"];

/// An address of this route that leads to nothing: nothing is changed by who is let through.
fn address_of(path: &str) -> String {
    let path = path.replace("{id}", "999999999").replace("{tag}", "Thre");
    let mut parts: Vec<&str> = path.split('/').collect();
    for part in &mut parts {
        if part.starts_with('{') {
            *part = "9";
        }
    }
    parts.join("/")
}

#[tokio::test]
async fn every_route_lets_through_whom_it_declares_and_nobody_else() {
    let server = Server::start().await;
    let proofs = Proofs::make(&server).await;
    let declared = router::declared(&server.app);
    assert!(declared.len() > 20);
    let mut matrix = "| Route | nobody | host | viewer | operator | administrator | token: read | \
                      token: operate | token: administer | viewer of groups | operator of groups | \
                      token of groups: operate |\n\
                      |---|---|---|---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let paths: BTreeSet<&str> = declared.iter().map(|route| route.path).collect();
    for path in paths {
        let here = declared.iter().filter(|route| route.path == path);
        let promised: Vec<Vec<bool>> = here
            .map(|route| CALLERS.map(|caller| may(route.permission, caller)).to_vec())
            .collect();
        let mut found = Vec::new();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let url = address_of(path);
            let by_nobody = proofs.send(&server, Caller::Nobody, &method, &url).await;
            if by_nobody.status() == 405 {
                continue;
            }
            let mut let_through = Vec::new();
            for caller in CALLERS {
                // Whoever signs out is nobody afterwards; who enrols or signs in shows no key.
                let is_let_through = OWN_PROOF.contains(&path)
                    || passed(&proofs.send(&server, caller, &method, &url).await);
                let_through.push(is_let_through);
            }
            assert!(promised.contains(&let_through), "{method} {path}: {let_through:?}");
            let cells = let_through.iter().map(|is| if *is { " yes |" } else { " |" });
            writeln!(matrix, "| {method} `{path}` |{}", cells.collect::<String>()).unwrap();
            found.push(let_through);
        }
        // Of several declarations for one path, each is of some method.
        assert!(promised.iter().all(|one| found.contains(one)), "{path}");
    }
    println!("{matrix}");
    publish(&matrix);
}

/// The matrix stands in the documentation as it is; `INSTA_UPDATE=always` writes it there.
fn publish(matrix: &str) {
    const BEGIN: &str = "<!-- matrix: written by server/tests/it/permissions.rs -->\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once(BEGIN).expect("docs/security.md has a place for the matrix");
    let wanted = format!("{before}{BEGIN}{matrix}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        fs::write(&path, &wanted).unwrap();
    }
    let is_current = fs::read_to_string(&path).unwrap() == wanted;
    assert!(
        is_current,
        "docs/security.md shows other permissions: INSTA_UPDATE=always writes them"
    );
}

#[tokio::test]
async fn a_caller_of_the_last_second_is_checked_within_50_microseconds() {
    let server = Server::start().await;
    let cookie = server.session(Role::Operator).await;
    let mut headers = header::HeaderMap::new();
    headers.insert("cookie", cookie.parse().unwrap());
    let mut times = Vec::new();
    for _ in 0..2000 {
        let begun = Instant::now();
        let person = people::find(&server.app, &headers).await.unwrap().unwrap();
        let required = people::Required {
            app: server.app.clone(),
            route: "/",
            role: Role::Operator,
            by_session: false,
            whole_fleet: false,
        };
        required.check(&person).unwrap();
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    println!("permission check: median {:?}, 99 % {:?}", times[1000], times[1980]);
    assert!(times[1000].as_micros() < 50, "{:?}", times[1000]);
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
