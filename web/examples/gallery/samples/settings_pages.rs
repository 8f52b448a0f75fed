//! What administrators set.

use poolwatch_model::{Bytes, person::Role};
use poolwatch_web::{
    list::ListView,
    settings::{
        SettingsPage,
        about::AboutPage,
        audit::{AUDIT, AuditPage, AuditRow},
        mail::{MailSecurity, MailServerView, MailSettingsPage, MailTest},
        people::{AccountState, PEOPLE, PeoplePage, PersonPage, PersonRow},
        retention::{KeptResolution, RetentionPage},
        tokens::TokensPage,
    },
};

use super::{account_pages, ago, shell};

pub(super) fn overview() -> SettingsPage {
    SettingsPage { shell: shell("/settings") }
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
    let list = ListView { query, groups: vec![], all: 4, total: 4, rows };
    PeoplePage { shell: shell("/settings/people"), list }
}

pub(super) fn person() -> PersonPage {
    PersonPage {
        shell: shell("/settings/people/1"),
        person: person_row(1, "Ana", Role::Admin, AccountState::Active),
        is_self: false,
        sessions: account_pages::sessions(),
    }
}

pub(super) fn tokens() -> TokensPage {
    TokensPage { shell: shell("/settings/tokens"), tokens: account_pages::tokens() }
}

pub(super) fn retention() -> RetentionPage {
    let kept = |name, kept: &str, days, option, now, days_now| KeptResolution {
        name,
        kept: kept.into(),
        days,
        option,
        now: Bytes(now),
        days_now,
    };
    RetentionPage {
        shell: shell("/settings/retention"),
        resolutions: vec![
            kept("Every snapshot", "2 d", 2.0, "--keep-full-hours", 9 << 30, 2.0),
            kept("Points of 10 minutes", "30 d", 30.0, "--keep-10min-days", 4 << 30, 14.0),
            kept("Points of an hour", "2 y", 730.0, "--keep-hourly-days", 0, 0.0),
        ],
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
    let list = ListView { query, groups: vec![], all: 341, total: 341, rows };
    AuditPage { shell: shell("/settings/audit"), list }
}

pub(super) fn about() -> AboutPage {
    AboutPage {
        shell: shell("/settings/about"),
        version: "0.1.0",
        schema: 20_261_128_001_001,
        postgres: "15.14".into(),
        public_url: "https://poolwatch.corp.example".into(),
        hosts: 1_840,
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
