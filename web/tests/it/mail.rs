//! The mail that wakes somebody up.

use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Diagnosis, Evidence, Headroom, TimeLeft, Verdict},
    incident::IncidentChange,
};
use poolwatch_web::mail::{IncidentMail, RuleAlertMail};

use crate::samples;

#[test]
fn the_mail_of_the_classic_case() {
    let mail = samples::mail();
    insta::assert_snapshot!(mail.subject().unwrap(), @"[Poolwatch] CRITICAL FS-02: Nonpaged pool exhausted: mybadapp.exe (Thre) (event 2019)");
    insta::assert_snapshot!(mail.text().unwrap(), @r#"
    Nonpaged pool is exhausted: 205 MB of 212 MB, 97 %. mybadapp.exe is almost certainly the cause: 90,472 handles against 120,145 outstanding thread objects.

    Open in Poolwatch: https://poolwatch.corp.example/incidents/17

    Host:   FS-02 (Berlin/Files)
    System: Windows Server 2003 x86 3790.0
    Event:  2019, 2026-03-03 14:02:00 UTC
    Nonpaged pool: 205 MB of 212 MB (97 %), a limit measured on this host

    Largest tags of nonpaged pool
      Thre     73 MB      120,145 outstanding  thread objects
      File     29 MB      187,113 outstanding  file objects
      AfdE     25 MB       89,683 outstanding  socket endpoints
      TCPT     18 MB       41,888 outstanding  TCP connections
      AfdC     17 MB       90,964 outstanding  socket connections

    Processes with the most handles
         90,472  mybadapp.exe (pid 416)  services BadApp
          3,911  System (pid 4)
          2,204  svchost.exe (pid 812)  services Dhcp, Dnscache

    What to do first
    1. Restart the service behind mybadapp.exe
       It releases the handles. Compare nonpaged pool before and after: what comes back is the proof.
         net stop BadApp
         net start BadApp
       Caution: Its users lose their connection for the moment.
    2. See which handles it holds
       Thread handles that are never closed confirm the diagnosis for its maker.
         handle.exe -p 416 -s

    Host page: https://poolwatch.corp.example/hosts/1

    -- 
    Poolwatch, https://poolwatch.corp.example/
    "#);
}

#[test]
fn the_html_says_the_same_as_the_text() {
    let html = samples::mail().html().unwrap();
    for words in [
        "mybadapp.exe is almost certainly the cause",
        "205 MB of 212 MB (97\u{a0}%), a limit measured on this host",
        "2026-03-03 14:02:00 UTC",
        "120,145",
        "net stop BadApp\nnet start BadApp",
        "https://poolwatch.corp.example/incidents/17",
        "https://poolwatch.corp.example/hosts/1",
    ] {
        assert!(html.contains(words), "{words:?} is missing");
    }
    assert!(!html.contains("<link") && !html.contains("<script") && !html.contains("https://cdn"));
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("src=\"cid:chart\""));
}

#[test]
fn a_mail_of_which_little_is_known_has_no_empty_parts() {
    let mut mail = samples::mail();
    (mail.os, mail.group, mail.used, mail.ceiling) = (None, None, None, None);
    mail.diagnosis = Diagnosis {
        verdict: Verdict::Exhausted,
        pool: Some(Pool::Nonpaged),
        ..Diagnosis::default()
    };
    (mail.tags, mail.processes, mail.steps) = (vec![], vec![], vec![]);
    insta::assert_snapshot!(mail.subject().unwrap(), @"[Poolwatch] CRITICAL FS-02: Nonpaged pool exhausted (event 2019)");
    insta::assert_snapshot!(mail.text().unwrap(), @r#"
    Nonpaged pool was found empty. Nothing measured names the culprit.

    Open in Poolwatch: https://poolwatch.corp.example/incidents/17

    Host:   FS-02
    Event:  2019, 2026-03-03 14:02:00 UTC

    Host page: https://poolwatch.corp.example/hosts/1

    -- 
    Poolwatch, https://poolwatch.corp.example/
    "#);
}

#[test]
fn a_mail_about_many_hosts_tells_what_is_new_and_how_long_it_lasts() {
    let mut mail = samples::mail();
    (mail.event, mail.hosts, mail.change) = (None, 41, IncidentChange::Worsened);
    mail.diagnosis.verdict = Verdict::Leak;
    mail.diagnosis.time_left = Some(TimeLeft {
        pool: Pool::Nonpaged,
        likely_s: 38 * 60,
        least_s: 31 * 60,
        most_s: Some(50 * 60),
    });
    insta::assert_snapshot!(mail.subject().unwrap(), @"[Poolwatch] WARNING 41 hosts: worse, Nonpaged pool leak: mybadapp.exe (Thre); first full in about 38 min");
    let text = mail.text().unwrap();
    assert!(text.contains("Left:   about 38 min (31 min to 50 min)"), "{text}");
    mail.change = IncidentChange::Named;
    assert!(mail.subject().unwrap().contains("now with a suspect, Nonpaged pool leak"));
    mail.change = IncidentChange::Resolved;
    assert!(mail.text().unwrap().starts_with("Resolved: "));
}

/// A leak over 41 hosts, of which something is told.
fn leak(change: IncidentChange) -> IncidentMail {
    let mut mail = samples::mail();
    (mail.event, mail.hosts, mail.change) = (None, 41, change);
    mail.diagnosis.verdict = Verdict::Leak;
    mail.diagnosis.time_left = Some(TimeLeft {
        pool: Pool::Nonpaged,
        likely_s: 6 * 3600,
        least_s: 5 * 3600,
        most_s: Some(8 * 3600),
    });
    mail
}

fn commit() -> IncidentMail {
    let (used, limit) = (Bytes(31 << 30), Bytes(32 << 30));
    let mut mail = samples::mail();
    (mail.event, mail.pool, mail.commit) = (None, None, Some((used, limit)));
    mail.diagnosis = Diagnosis {
        verdict: Verdict::CommitExhaustion,
        evidence: vec![Evidence::CommitUse { committed: used, limit }],
        ..Diagnosis::default()
    };
    mail.tags.clear();
    mail
}

fn high_use() -> IncidentMail {
    let mut mail = samples::mail();
    mail.event = None;
    mail.diagnosis = Diagnosis {
        verdict: Verdict::HighUse,
        headroom: None::<Headroom>,
        suspects: Vec::new(),
        time_left: None,
        ..mail.diagnosis
    };
    mail
}

fn silence() -> IncidentMail {
    let mut mail = samples::mail();
    let since = mail.event.take().expect("the sample has an event").time;
    mail.diagnosis.evidence = vec![Evidence::Silence { since }];
    mail.diagnosis.suspects.clear();
    mail
}

#[test]
fn every_mail_as_text_and_as_html() {
    for (name, mail) in [
        ("event", samples::mail()),
        ("opened", IncidentMail { hosts: 1, ..leak(IncidentChange::Opened) }),
        ("spreads", leak(IncidentChange::Worsened)),
        ("named", leak(IncidentChange::Named)),
        ("resolved", leak(IncidentChange::Resolved)),
        ("regressed", leak(IncidentChange::Regressed)),
        ("commit", commit()),
        ("high-use", high_use()),
        ("silence", silence()),
    ] {
        let text = format!("Subject: {}\n\n{}", mail.subject().unwrap(), mail.text().unwrap());
        insta::assert_snapshot!(format!("mail-{name}-text"), text);
        insta::assert_snapshot!(format!("mail-{name}-html"), mail.html().unwrap());
    }
}

#[test]
fn a_mail_of_a_rule_says_where_what_and_since_when() {
    let mail = samples::alert_pages::rule_mail();
    assert_eq!(mail.subject(), "[Poolwatch] WARNING 41 hosts: A host is silent, 95 min");
    insta::assert_snapshot!("mail-rule-text", mail.text().unwrap());
    insta::assert_snapshot!("mail-rule-html", mail.html().unwrap());
    let over = RuleAlertMail { change: IncidentChange::Resolved, ..mail.clone() };
    assert_eq!(over.subject(), "[Poolwatch] RESOLVED 41 hosts: A host is silent");
    assert!(over.text().unwrap().starts_with("Over: A host is silent."));
    let mut forged = RuleAlertMail { host_count: 1, ..mail };
    forged.hosts[0].name = "FS-02\r\nBcc: x@y.z".into();
    assert!(!forged.subject().contains(['\r', '\n']), "{:?}", forged.subject());
}

#[test]
fn the_digest_says_in_its_text_what_its_html_says() {
    let digest = samples::alert_pages::digest_mail();
    let (text, html) = (digest.text().unwrap(), digest.html().unwrap());
    insta::assert_snapshot!("digest", text);
    for row in text.lines().filter(|line| line.contains("https://")) {
        let url = row.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
        assert!(html.contains(url), "{url}");
    }
}
