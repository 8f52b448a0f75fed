//! What one-time links open, and one's own account.

use poolwatch_model::person::Role;
use poolwatch_web::{
    account::{AccountNotice, AccountPage, SecondFactorPage, SecretPage, SessionRow},
    list::SavedViewLink,
    login::CodePage,
    settings::tokens::TokenRow,
    welcome::WelcomePage,
};

use super::{ago, shell};

pub(super) fn sessions() -> Vec<SessionRow> {
    let session = |id, is_this, user_agent: &str, age| SessionRow {
        id,
        is_this,
        address: "192.0.2.17".into(),
        user_agent: user_agent.into(),
        created: ago(age),
        last_used: Some(ago(age / 20)),
        expires: ago(age - 43_200),
    };
    let firefox =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
    vec![session(12, true, firefox, 600), session(9, false, "curl/8.5.0", 30_000)]
}

pub(super) fn tokens() -> Vec<TokenRow> {
    vec![
        TokenRow {
            id: 4,
            name: "<b>nightly</b> report".into(),
            role: Role::Viewer,
            is_limited: true,
            owner: None,
            created_by: "Ana".into(),
            created: ago(864_000),
            expires: Some(ago(86_400)),
            last_used: Some(ago(90_000)),
        },
        TokenRow {
            id: 3,
            name: "notes of tags".into(),
            role: Role::Operator,
            is_limited: false,
            owner: Some("Ben".into()),
            created_by: "Ben".into(),
            created: ago(964_000),
            expires: None,
            last_used: None,
        },
    ]
}

pub(super) fn welcome() -> WelcomePage {
    WelcomePage {
        link: "0123456789abcdef".repeat(4),
        email: None,
        typed: ("Ana".into(), "ana@corp.example".into()),
        min_characters: 10,
        error: Some("A password has at least 10 characters.".into()),
    }
}

pub(super) fn code() -> CodePage {
    CodePage { pending: "00ff".into(), next: "/".into(), error: Some("The code is wrong.".into()) }
}

pub(super) fn account() -> AccountPage {
    AccountPage {
        shell: shell("/account"),
        email: "ana@corp.example".into(),
        recovery_codes: Some(9),
        sessions: sessions(),
        tokens: tokens(),
        views: vec![SavedViewLink {
            name: "Berlin, nearly full".into(),
            url: "/hosts?group=Berlin%2FFiles&sort=nonpaged&order=desc".into(),
        }],
        notice: Some(AccountNotice::Refused("The password is wrong.".into())),
    }
}

pub(super) fn secret() -> SecretPage {
    SecretPage {
        shell: shell("/settings/people"),
        headline: "Ben can set a password by this link".into(),
        advice: "Hand it to the person by a way that nobody else reads.".into(),
        secrets: vec![format!("https://poolwatch.corp.example/welcome?link={}", "0a".repeat(32))],
        back: ("/settings/people", "All people"),
    }
}

pub(super) fn second_factor() -> SecondFactorPage {
    let modules = (0..29).map(|y| (0..29).map(|x| (x * y + x) % 3 == 0).collect()).collect();
    SecondFactorPage {
        shell: shell("/account/second-factor"),
        secret: "KRSXG5CTMVRXEZLUKN2XAZLSKNSWG4TF".into(),
        sealed: "00ff".into(),
        modules,
        error: None,
    }
}
