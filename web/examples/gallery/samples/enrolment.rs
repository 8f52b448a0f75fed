//! Hosts that come into the fleet: who waits, rules, and how agents come.

use poolwatch_web::{
    approval_rules::{ApprovalRulesPage, RuleForm, RuleRow, RuleTrial},
    candidate::CandidatePage,
    deploy::{Arrivals, DeployPage, RefusedRow, ServerFacts, TokenRow},
    deploy_kit::{DeployKit, EXAMPLE_SHARE},
    waiting::{CANDIDATES, CandidateRow, Twin, WaitingPage, WaitingState},
};

use super::*;

fn candidate(id: i32, name: &str) -> CandidateRow {
    CandidateRow {
        host: link(id, name),
        domain: Some("corp.example".into()),
        address: Some(format!("10.1.0.{id}")),
        enrolled: ago(300 * i64::from(id)),
        token: Some("roll-out Berlin".into()),
        agent_version: Some("0.1.0".into()),
        os: Some(os("Windows Server 2022", 20_348, Arch::X64)),
        twin: None,
        decided: None,
    }
}

fn clone_of_fs02() -> CandidateRow {
    let twin = Twin { host: fs02(), is_of_machine: true };
    CandidateRow { twin: Some(twin), ..candidate(43, "fs-02.corp.example") }
}

pub(crate) fn waiting() -> WaitingPage {
    let rows = vec![candidate(41, "sql-07.corp.example"), candidate(42, "<b>odd"), clone_of_fs02()];
    WaitingPage {
        shell: shell("/hosts/waiting"),
        list: listed(&CANDIDATES, "/hosts/waiting", 3, rows),
        domains: vec![("corp.example".into(), 3)],
        tokens: vec![("roll-out Berlin".into(), 3)],
        may_decide: true,
        may_administer: true,
    }
}

pub(crate) fn archived() -> WaitingPage {
    let decided = Some(("ana@corp.example".into(), ago(90_000)));
    let rows = vec![CandidateRow { decided, ..candidate(9, "old-1.corp.example") }];
    let query = query(&CANDIDATES, "/hosts/waiting", &[("state", "archived")]);
    WaitingPage {
        shell: shell("/hosts/waiting?state=archived"),
        list: ListView::new(query, rows, 1),
        domains: vec![],
        tokens: vec![],
        ..waiting()
    }
}

pub(crate) fn waiting_host() -> CandidatePage {
    CandidatePage {
        shell: shell("/hosts/43"),
        host: clone_of_fs02(),
        id: HostId(43),
        state: WaitingState::Waiting,
        ou: Some("OU=Files,OU=Berlin,DC=corp,DC=example".into()),
        labels: vec!["berlin".into(), "file server".into()],
        machine: Some("0198c5c2-7b1e-7d10-a1b2-3c4d5e6f7081".into()),
        may_decide: true,
        may_administer: true,
    }
}

pub(crate) fn rules() -> ApprovalRulesPage {
    let rule = |id, name: &str, asks: &str| RuleRow {
        id,
        name: name.into(),
        asks: asks.into(),
        gets: "group File servers, label berlin".into(),
        approved: 1_204,
        by: "ana@corp.example".into(),
        created: ago(90_000),
    };
    ApprovalRulesPage {
        shell: shell("/hosts/rules?host_name=sql-*"),
        rules: vec![
            rule(1, "Berlin", "domain corp.example, address in 10.1.0.0/16"),
            rule(2, "Hosts of token tests", "token tests"),
        ],
        tokens: vec![(7, "roll-out Berlin".into())],
        groups: vec![(3, "File servers".into())],
        form: RuleForm { host_name: "sql-*".into(), ..RuleForm::default() },
        trial: Some(RuleTrial::Would {
            hosts: vec![link(41, "sql-07.corp.example")],
            approve: 1,
            unclear: 1,
            waiting: 3,
        }),
        may_administer: true,
    }
}

pub(crate) fn deploy() -> DeployPage {
    let token = |id, name: &str, ended| TokenRow {
        id,
        name: name.into(),
        by: Some("ana@corp.example".into()),
        created: ago(90_000),
        expires: Some(ago(-2_000_000)),
        uses: 1_003,
        max_uses: Some(5_000),
        per_minute: None,
        last_used: Some(ago(40)),
        gets: "label berlin".into(),
        ended,
    };
    let refused = |name: &str, reason: &str| RefusedRow {
        name: name.into(),
        address: "10.1.9.9".into(),
        reason: reason.into(),
        token: Some("roll-out Berlin".into()),
        last: ago(200),
        times: 4,
    };
    DeployPage {
        shell: shell("/deploy"),
        server: ServerFacts {
            installers: vec![("poolwatch-agent-0.1.0-x64.msi".into(), 2 * MB)],
            has_folder: true,
        },
        kit: DeployKit {
            url: "https://poolwatch.example.com:8443".into(),
            token: Some("pwe_0123".into()),
            has_authority: true,
            proxy: None,
            labels: Vec::new(),
            interval_s: None,
            share: EXAMPLE_SHARE.into(),
            spread_minutes: 30,
            version: "0.1.0".into(),
            packages: Vec::new(),
            changed: ago(0),
        },
        made: Some("roll-out Berlin".into()),
        error: None,
        groups: vec![(3, "File servers".into())],
        tokens: vec![token(7, "roll-out Berlin", None), token(6, "tests", Some("revoked"))],
        arrivals: Arrivals {
            hosts: vec![
                (link(41, "sql-07.corp.example"), ago(300), true),
                (fs02(), ago(600), false),
            ],
            enrolled: 1_003,
            waiting: 3,
            refused: vec![refused("vdi-3", "instance-cloned"), refused("web-9", "token-expired")],
            versions: vec![("0.2.0".into(), 998), ("0.1.0".into(), 5)],
        },
        may_administer: true,
    }
}
