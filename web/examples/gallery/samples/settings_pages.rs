//! What administrators set.

use poolwatch_model::{
    Bytes, HostGroupId,
    host_group::{GroupRule, HostGroup},
    person::{Role, Scope},
};
use poolwatch_web::{
    list::ListView,
    settings::{
        SettingsPage,
        audit::{AUDIT, AuditPage, AuditRow},
        groups::{GroupPage, GroupRow, GroupsPage, ScopeForm},
        mail::{MailSecurity, MailServerView, MailSettingsPage, MailTest},
        people::{AccountState, PEOPLE, PeoplePage, PersonPage, PersonRow},
        retention::{KeptResolution, RetentionField, RetentionPage},
        server::{CheckState, SelfCheck, ServerPage, SettingRow},
        sign_in::{ProviderView, SignInPage},
        tokens::TokensPage,
    },
};

use super::{account_pages, ago, fs02, shell};

pub(super) fn overview() -> SettingsPage {
    SettingsPage { shell: shell("/settings") }
}

fn group(id: i32, name: &str) -> HostGroup {
    let by_name = GroupRule { host_name: Some("fs-*".into()), ..GroupRule::default() };
    let by_place = GroupRule {
        ou: Some("Servers/<Berlin>".into()),
        label: Some("production".into()),
        ..GroupRule::default()
    };
    HostGroup { id: HostGroupId(id), name: name.into(), rules: vec![by_name, by_place] }
}

fn scope(scope: Scope) -> ScopeForm {
    ScopeForm { groups: vec![group(3, "File servers"), group(4, "<b>Odd</b>")], scope }
}

pub(super) fn groups() -> GroupsPage {
    let row = |group, hosts| GroupRow { group, hosts };
    let empty = HostGroup { rules: vec![], ..group(5, "Put into by a token") };
    GroupsPage {
        shell: shell("/settings/groups"),
        groups: vec![
            row(group(3, "File servers"), 212),
            row(group(4, "<b>Odd</b>"), 0),
            row(empty, 3),
        ],
    }
}

pub(super) fn one_group() -> GroupPage {
    GroupPage {
        shell: shell("/settings/groups/3"),
        group: group(3, "File servers"),
        hosts: vec![fs02()],
        total: 212,
        uses: 2,
    }
}

pub(super) fn sign_in() -> SignInPage {
    SignInPage {
        shell: shell("/settings/sign-in"),
        provider: ProviderView {
            is_fixed: false,
            issuer: "https://id.corp.example/realms/corp".into(),
            client_id: "poolwatch".into(),
            has_secret: true,
            scopes: "email profile".into(),
            groups_claim: "groups".into(),
            rules: "<ops> = operator\nberlin = viewer : 3".into(),
            changed: Some(("Ana".into(), ago(864_000))),
            trouble: None,
        },
        back: "https://poolwatch.corp.example/login/provider/done".into(),
        groups: vec![(3, "File servers".into())],
    }
}

fn person_row(id: i32, name: &str, role: Role, state: AccountState) -> PersonRow {
    PersonRow {
        id,
        name: name.into(),
        email: format!("person{id}@corp.example"),
        role,
        state,
        has_second_factor: id == 1,
        last_used: (state == AccountState::Active).then(|| ago(300)),
        created: ago(8_640_000),
    }
}

pub(super) fn people() -> PeoplePage {
    let rows = vec![
        person_row(1, "Ana", Role::Admin, AccountState::Active),
        person_row(2, "<i>Ben</i>", Role::Operator, AccountState::Invited(ago(-86_400))),
        person_row(3, "Cho", Role::Viewer, AccountState::InvitationEnded),
        person_row(4, "Dee", Role::Viewer, AccountState::Disabled),
    ];
    let query = super::query(&PEOPLE, "/settings/people", &[]);
    let list = ListView::new(query, rows, 4);
    PeoplePage { shell: shell("/settings/people"), list, scope: scope(Scope::WholeFleet) }
}

pub(super) fn person() -> PersonPage {
    PersonPage {
        shell: shell("/settings/people/1"),
        person: person_row(1, "Ana", Role::Admin, AccountState::Active),
        is_self: false,
        provider: None,
        scope: scope(Scope::of_groups([HostGroupId(3)])),
        sessions: account_pages::sessions(),
    }
}

pub(super) fn tokens() -> TokensPage {
    TokensPage {
        shell: shell("/settings/tokens"),
        tokens: account_pages::tokens(),
        scope: scope(Scope::WholeFleet),
    }
}

pub(super) fn retention() -> RetentionPage {
    let kept = |name, kept: &str, days, now, days_now| KeptResolution {
        name,
        kept: kept.into(),
        days,
        now: Bytes(now),
        days_now,
    };
    let field = |name, label, option, value: &str, is_fixed| RetentionField {
        name,
        label,
        option,
        value: value.into(),
        is_fixed,
    };
    RetentionPage {
        shell: shell("/settings/retention"),
        resolutions: vec![
            kept("Every snapshot", "2 d", 2.0, 9 << 30, 2.0),
            kept("Points of 10 minutes", "30 d", 30.0, 4 << 30, 14.0),
            kept("Points of an hour", "2 y", 730.0, 0, 0.0),
        ],
        fields: vec![
            field("full_hours", "Every snapshot, hours", "--keep-full-hours", "48", true),
            field("ten_minute_days", "Points of 10 minutes, days", "", "20", false),
            field("hourly_days", "Points of an hour, days", "", "730", false),
        ],
        is_tried: true,
        loses: true,
        others: vec![("Events and findings", "400 d".into()), ("Audit log", "2 y".into())],
        hosts: 1_840,
        database: Bytes(15 << 30),
    }
}

pub(super) fn audit() -> AuditPage {
    let row = |actor: &str, action: &str, target: &str, outcome, detail: &str| AuditRow {
        at: ago(120),
        actor: actor.into(),
        address: "192.0.2.17".into(),
        action: action.into(),
        target: target.into(),
        outcome,
        detail: detail.into(),
        request_id: "5b0c1b8e-4c4e-4a8e-9f77-3f0e4a3c8f11".into(),
    };
    let rows = vec![
        row(
            "Ana (ana@corp.example)",
            "POST /settings/people/{id}",
            "/settings/people/2",
            "done",
            "role viewer → operator",
        ),
        row("=cmd|x", "sign in", "", "refused", "wrong e-mail address or password"),
    ];
    let query = super::query(&AUDIT, "/settings/audit", &[("who", "a")]);
    let list = ListView::new(query, rows, 341);
    AuditPage { shell: shell("/settings/audit"), list }
}

pub(super) fn server() -> ServerPage {
    let check = |name, state, words: &str| SelfCheck { name, state, words: words.into() };
    let setting = |name: &str, variable: &str, value: Option<&str>, source| SettingRow {
        name: name.into(),
        variable: variable.into(),
        value: value.map(str::to_owned),
        source,
    };
    ServerPage {
        shell: shell("/settings/server"),
        version: "0.1.0",
        started: ago(864_000),
        schema: Some(20_261_128_001_001),
        postgres: Some("15.14".into()),
        database: Some(Bytes(74_000_000_000)),
        public_url: "https://poolwatch.corp.example".into(),
        hosts: 1_840,
        checks: vec![
            check(
                "database",
                CheckState::Good,
                "Answers in 2 ms; 24 connections of this server, 31 of 100 in all.",
            ),
            check(
                "writes",
                CheckState::Failed,
                "The database takes no writes: its disk is full, or it is a standby. Agents keep what they have; the log says why.",
            ),
            check(
                "certificate",
                CheckState::Warning,
                "The certificate expires at 2026-12-05T00:00:00Z. Put another one in its place.",
            ),
        ],
        file: "/etc/poolwatch/server.toml".into(),
        settings: vec![
            setting(
                "tls_cert",
                "POOLWATCH_TLS_CERT",
                Some("/etc/poolwatch/<server>.pem"),
                "command line",
            ),
            setting("database_url", "DATABASE_URL", Some("(set)"), "environment"),
            setting("listen", "POOLWATCH_LISTEN", Some("0.0.0.0:8443"), "file"),
            setting("metrics_listen", "POOLWATCH_METRICS_LISTEN", None, "default"),
        ],
    }
}

pub(super) fn mail() -> MailSettingsPage {
    MailSettingsPage {
        shell: shell("/settings/mail"),
        server: MailServerView {
            is_fixed: false,
            host: "mail.corp.example".into(),
            port: Some(587),
            security: MailSecurity::StartTls,
            user: "poolwatch".into(),
            has_password: true,
            from: "Poolwatch <poolwatch@corp.example>".into(),
            token_url: String::new(),
            client_id: String::new(),
            changed: Some(("Ana".into(), ago(864_000))),
        },
        test: Some(MailTest {
            to: "ana@corp.example".into(),
            is_accepted: false,
            answer: "550 5.7.1 <script> relaying denied".into(),
        }),
    }
}
