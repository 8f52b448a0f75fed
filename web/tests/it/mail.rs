//! The mail that wakes somebody up.

use poolwatch_model::{
    Pool,
    diagnosis::{Diagnosis, TimeLeft, Verdict},
    incident::IncidentChange,
};

use crate::samples;

#[test]
fn the_mail_of_the_classic_case() {
    let mail = samples::mail();
    insta::assert_snapshot!(mail.subject().unwrap(), @"FS-02: nonpaged pool empty (event 2019), suspect mybadapp.exe (Thre)");
    insta::assert_snapshot!(mail.text().unwrap(), @r#"
    Nonpaged pool is exhausted: 205 MB of 212 MB, 97 %. mybadapp.exe is almost certainly the cause: 90,472 handles against 120,145 outstanding thread objects.

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
       Mind: Its users lose their connection for the moment.
    2. See which handles it holds
       Thread handles that are never closed confirm the diagnosis for its maker.
         handle.exe -p 416 -s

    Host:     https://poolwatch.corp.example/hosts/1
    Incident: https://poolwatch.corp.example/incidents/17

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
    assert!(!html.contains("<link") && !html.contains("<style") && !html.contains("<script"));
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
    insta::assert_snapshot!(mail.subject().unwrap(), @"FS-02: nonpaged pool empty (event 2019)");
    insta::assert_snapshot!(mail.text().unwrap(), @r#"
    Nonpaged pool was found empty. Nothing measured names who is behind it.

    Host:   FS-02
    Event:  2019, 2026-03-03 14:02:00 UTC

    Host:     https://poolwatch.corp.example/hosts/1
    Incident: https://poolwatch.corp.example/incidents/17

    -- 
    Poolwatch, https://poolwatch.corp.example/
    "#);
}

#[test]
fn a_mail_about_many_hosts_tells_what_is_new_and_how_long_it_lasts() {
    let mut mail = samples::mail();
    (mail.event, mail.others, mail.told) = (None, 40, IncidentChange::Worsened);
    mail.diagnosis.verdict = Verdict::Leak;
    mail.diagnosis.time_left = Some(TimeLeft {
        pool: Pool::Nonpaged,
        likely_s: 38 * 60,
        least_s: 31 * 60,
        most_s: Some(50 * 60),
    });
    insta::assert_snapshot!(mail.subject().unwrap(), @"FS-02 and 40 more: worse, Nonpaged pool leak: mybadapp.exe (Thre)");
    let text = mail.text().unwrap();
    assert!(text.contains("Left:   about 38 min (31 min to 50 min)"), "{text}");
    mail.told = IncidentChange::Named;
    assert!(mail.subject().unwrap().contains("now with a suspect, Nonpaged pool leak"));
    mail.told = IncidentChange::Resolved;
    assert!(mail.text().unwrap().starts_with("Resolved: "));
}
