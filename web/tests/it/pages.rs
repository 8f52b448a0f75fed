//! What each page says, and what no page may hold.

use poolwatch_model::{
    HostId,
    incident::{Cause, IncidentState},
};
use poolwatch_web::{
    LivePage, Page,
    error::ErrorPage,
    host::{DrawnFigures, TagOrder},
    incidents::IncidentReport,
    login::{LoginError, LoginPage},
};

use crate::samples;

fn all() -> Vec<(&'static str, String)> {
    samples::pages::all().unwrap()
}

#[track_caller]
fn says(page: &str, words: &[&str]) {
    // Entities that the escaping writes, as they are read.
    let read = page.replace('\u{a0}', " ").replace("&#39;", "'");
    for words in words {
        assert!(read.contains(words), "{words:?} is missing");
    }
}

#[test]
fn no_page_holds_what_its_security_policy_forbids() {
    for (name, page) in all() {
        let compact = page.to_lowercase();
        assert!(!compact.contains(" style="), "{name}: an inline style");
        assert!(!compact.contains("<style"), "{name}: an inline style sheet");
        assert!(!compact.contains("<script>"), "{name}: an inline script");
        assert!(!compact.contains("javascript:"), "{name}");
        assert!(!compact.contains(" onclick") && !compact.contains(" onload"), "{name}");
        assert!(!compact.contains("src=\"http") && !compact.contains("href=\"http"), "{name}");
    }
}

#[test]
fn every_page_has_a_title_a_heading_and_a_main_part() {
    for (name, page) in all() {
        assert_eq!(page.matches("<h1").count(), 1, "{name}");
        assert_eq!(page.matches("<main id=\"main\"").count(), 1, "{name}");
        assert!(page.contains(" · Poolwatch</title>") && page.contains("lang=\"en\""), "{name}");
        assert_eq!(page.matches("<th>").count(), 0, "{name}: a head without a scope");
        let open = page.matches("<table").count();
        assert_eq!(open, page.matches("</table>").count(), "{name}");
        assert_eq!(page.matches("<tr").count(), page.matches("</tr>").count(), "{name}");
        assert_eq!(page.matches("<div").count(), page.matches("</div>").count(), "{name}");
        assert_eq!(page.matches("<section").count(), page.matches("</section>").count(), "{name}");
    }
}

#[test]
fn ids_are_unique_and_labels_point_at_fields() {
    for (name, page) in all() {
        let values = |attribute: &str| -> Vec<&str> {
            let pieces = page.split(attribute).skip(1);
            pieces.filter_map(|piece| piece.split('"').next()).collect()
        };
        let ids = values(" id=\"");
        let mut distinct = ids.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), ids.len(), "{name}: {ids:?}");
        for target in values(" for=\"").into_iter().chain(values(" aria-labelledby=\"")) {
            assert!(ids.contains(&target), "{name}: nothing has the id {target}");
        }
    }
}

#[test]
fn columns_to_choose_from_have_keys_and_words_of_their_own() {
    let mut choosers = 0;
    for (name, page) in all() {
        let boxes = page.split("name=\"columns\" value=\"").skip(1);
        let columns: Vec<(&str, &str)> = boxes
            .filter_map(|rest| Some((rest.split('"').next()?, rest.split_once('>')?.1)))
            .filter_map(|(key, rest)| Some((key, rest.split("</label>").next()?.trim())))
            .collect();
        choosers += usize::from(!columns.is_empty());
        for (at, (key, label)) in columns.iter().enumerate() {
            assert!(!key.contains('.') && !label.is_empty(), "{name}: {key} {label}");
            let others = &columns[at + 1..];
            assert!(others.iter().all(|(other, ..)| other != key), "{name}: {key} twice");
            assert!(others.iter().all(|(_, other)| other != label), "{name}: {label} twice");
        }
    }
    assert!(choosers > 8, "{choosers}");
}

#[test]
fn a_fleet_in_trouble_says_so_first() {
    let page = samples::fleet().render().unwrap();
    says(
        &page,
        &[
            "FS-02 is out of nonpaged pool and 41 more leak, because of two causes. SQL-07 is full first, in 6 h.",
            "Nonpaged pool exhausted: mybadapp.exe (Thre)",
            "nonpaged pool: 1 of 1,204 hosts at 90 % or more",
            "href=\"/incidents/17\"",
            "live, 4 s",
        ],
    );
}

#[test]
fn an_empty_fleet_tells_how_to_begin() {
    let page = samples::empty_fleet().render().unwrap();
    says(&page, &["No host reports yet.", "href=\"/deploy\"", "href=\"/evidence\"", "no data yet"]);
}

#[test]
fn a_calm_fleet_is_told_to_be_calm() {
    let mut fleet = samples::fleet();
    (fleet.causes, fleet.counts.silent, fleet.counts.high) = (vec![], 0, 0);
    says(&fleet.render().unwrap(), &["No host is short of pool.</h1>", "No incident is open."]);
}

#[test]
fn pressure_without_an_incident_is_not_told_to_be_calm() {
    let mut fleet = samples::fleet();
    (fleet.causes, fleet.counts.silent, fleet.counts.high) = (vec![], 0, 2);
    let headline = "No incident is open, but 2 hosts are under high pool pressure.";
    says(&fleet.render().unwrap(), &[headline]);
}

#[test]
fn a_live_part_is_what_the_page_asks_for_and_no_more() {
    for part in [
        samples::fleet().render_live().unwrap(),
        samples::hosts().render_live().unwrap(),
        samples::classic_host().render_live().unwrap(),
        samples::incidents().render_live().unwrap(),
        samples::incident_page().render_live().unwrap(),
        samples::pages::events().render_live().unwrap(),
    ] {
        assert!(part.starts_with("<span id=\"freshness\""), "{part}");
        assert_eq!(part.matches("id=\"live\"").count(), 1);
        assert!(!part.contains("<html") && !part.contains("<nav aria-label=\"Sections\""));
    }
    let page = samples::classic_host().render().unwrap();
    says(&page, &["hx-get=\"/hosts/1\" hx-trigger=\"every 10s\" hx-select=\"#live\""]);
}

#[test]
fn the_classic_host_names_the_process_and_what_to_do() {
    let page = samples::classic_host().render().unwrap();
    says(
        &page,
        &[
            "mybadapp.exe is almost certainly the cause: 90,472 handles against 120,145 outstanding thread objects.",
            "title=\"76,892,800 B\">73 MB</span>",
            "net stop BadApp",
            "not explained by tags, nonpaged",
            "data-pools=\"/hosts/1/pools.json?hours=24\"",
            "imported evidence, taken",
            "href=\"/hosts/1?tags=change#tags\"",
            "not recognised",
        ],
    );
    assert_eq!(page.matches("<tr class=\"suspect\">").count(), 2, "one tag, one process");
}

#[test]
fn a_host_leads_on_to_its_tags_programs_and_first_step() {
    let mut page = samples::classic_host();
    page.query.pid = Some(4);
    for row in &mut page.processes.as_mut().unwrap().rows {
        row.marked = row.process.key.pid == 4;
    }
    let text = page.render().unwrap();
    says(
        &text,
        &[
            "<tr class=\"marked\">",
            "href=\"/tags/Thre\"",
            "href=\"/applications/mybadapp.exe\"",
            "href=\"/hosts/1?tags=poolmon&#38;pid=4#tags\"",
            "href=\"/hosts/1?processes=quota&#38;pid=4#processes\"",
            "First: <a href=\"#do\">",
            "href=\"/hosts/1?pid=416#processes\">mybadapp.exe (pid 416) holds 90,472 handles.</a>",
        ],
    );
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}"));
    assert!(at("id=\"charts\"") < at("id=\"tags\"") && at("id=\"tags\"") < at("id=\"why\""));

    page.query.tags = TagOrder::Poolmon;
    let text = page.render().unwrap();
    says(
        &text,
        &[">Frees</th>", ">Nonp</td>", ">841,015</td>", ">720,870</td>", ">76,892,800</td>"],
    );
}

#[test]
fn an_incident_shows_its_facts_people_and_history() {
    let mut page = samples::incident_page();
    let text = page.render().unwrap();
    says(
        &text,
        &[
            "<dt>Owner</dt><dd>Ana</dd>",
            "data-lines=\"/incidents/17/growth.json\"",
            "5.0 → 5.1",
            "<option selected>Ana</option>",
            "Restarted BadApp.\nThe vendor is asked.",
            "assigned it to <b>Ana</b>",
            "found it worse",
            "action=\"/incidents/17/resolve\"",
        ],
    );
    assert!(!text.contains("<details>"), "a telling difference is not folded");
    page.comparison[0].p = 1.0;
    says(
        &page.render().unwrap(),
        &[
            "Nothing that is known about them distinguishes",
            "<summary>1 difference that may be chance",
        ],
    );
    page.may_act = false;
    assert!(!page.render().unwrap().contains("<form action=\"/incidents"), "only to be read");
    page.may_act = true;
    page.incident.state = IncidentState::Resolved;
    page.incident.cause = Cause::CommitExhausted { host: HostId(1) };
    says(&page.render().unwrap(), &["commit charge: a line per affected host", "Open again"]);
}

#[test]
fn an_incident_is_handed_on_as_a_plain_text() {
    let page = samples::incident_page();
    let url = "https://poolwatch.corp.example/incidents/17";
    let text = IncidentReport { page: &page, url }.text().unwrap();
    assert!(text.starts_with("Incident 17: "), "{text}");
    says(
        &text,
        &["Owner:      Ana", url, "net stop BadApp", "The vendor is asked.", "foo.sys  5.0 → 5.1"],
    );
    assert!(!text.contains("<span") && !text.contains("&#"), "{text}");
}

#[test]
fn who_may_writes_of_a_tag_and_imports_lists() {
    let mut page = samples::lists::tag_page();
    says(
        &page.render().unwrap(),
        &["action=\"/tags/Fooo/note\"", "value=\"buffers of our &#34;own&#34; filter\""],
    );
    page.may_write = false;
    let text = page.render().unwrap();
    assert!(!text.contains("Fooo/note") && text.contains("Your own note"), "it is shown to all");

    let mut page = samples::lists::tags();
    says(
        &page.render().unwrap(),
        &["3 notes written here", "2,140 entries", "action=\"/tags/pooltag\""],
    );
    page.said = None;
    assert!(!page.render().unwrap().contains("Your own lists"));
}

#[test]
fn a_silent_host_says_how_old_its_figures_are_and_what_failed() {
    let page = samples::stale_host().render().unwrap();
    says(
        &page,
        &[
            "This host fell silent; its last data name no cause.",
            "silent: last data",
            "31 min ago",
            "Windows had no resources left (pool) (0xC000009A)",
            "No pool tags were received.",
        ],
    );
    assert!(!page.contains("chart.js"), "nothing to draw, nothing to load");
}

#[test]
fn a_sorted_column_says_so_to_every_reader() {
    let hosts = samples::hosts_asked(&[("sort", "handles"), ("order", "asc"), ("page", "2")]);
    let page = hosts.render().unwrap();
    says(
        &page,
        &[
            "1,204 hosts, least handles in one process first.",
            "aria-sort=\"ascending\"><a href=\"/hosts?sort=handles&#38;order=desc\">Most handles</a>",
            "101 to 111 of 1,204",
            "Page 2 of 13",
            "href=\"/hosts.csv?sort=handles&#38;order=asc\"",
        ],
    );
    assert_eq!(page.matches("aria-sort=\"ascending\"").count(), 1);
}

#[test]
fn a_filter_that_matches_nothing_offers_the_way_back() {
    let mut hosts = samples::hosts_asked(&[("q", "zzz")]);
    (hosts.list.rows, hosts.list.total) = (vec![], 0);
    says(&hosts.render().unwrap(), &["0 hosts of 1,204 match.", "Show all 1,204", "value=\"zzz\""]);
}

#[test]
fn each_list_answers_its_question_first() {
    for (page, words) in [
        (
            samples::lists::tags().render(),
            "12 tags grow; Fooo grows most, on 41 hosts, by 1.2 GB in 24 h.",
        ),
        (
            samples::lists::tag_page().render(),
            "Fooo uses 9.2 GB of nonpaged pool on 45 hosts, most on SQL-07 with 1.9 GB. It grew by 10 MB or more in 24 h on 41 hosts.",
        ),
        (
            samples::lists::applications().render(),
            "Of 412 programs, mybadapp.exe holds most handles in one process: 90,472 on FS-02.",
        ),
        (
            samples::lists::application().render(),
            "mybadapp.exe holds 91,204 handles on 3 hosts, most in one process on FS-02: 90,472.",
        ),
        (
            samples::lists::drivers().render(),
            "foo.sys is suspected on 41 hosts; one changed in 7 days.",
        ),
        (
            samples::lists::driver().render(),
            "foo.sys is loaded on 45 hosts in 2 versions; 39 of 41 with 5.1 are affected.",
        ),
    ] {
        says(&page.unwrap(), &[&format!("<h1 class=\"headline\">{words}</h1>")]);
    }
}

#[test]
fn what_grew_and_what_changed_lead_on_from_the_fleet_page() {
    let mut fleet = samples::fleet();
    fleet.query.group = "Berlin/Files".into();
    says(
        &fleet.render().unwrap(),
        &[
            "href=\"/tags/Fooo\"",
            "href=\"/tags?group=Berlin%2FFiles\"",
            "href=\"/drivers/foo.sys\"",
            "5.0 → 5.1",
        ],
    );
}

#[test]
fn events_page_through_and_say_what_they_mean() {
    let page = samples::pages::events().render().unwrap();
    says(
        &page,
        &[
            "341 events that bear on pool.",
            "Nonpaged pool empty",
            "Commit exhausted: 73 GB of 74 GB; largest sqlservr.exe (pid 3120)",
            "href=\"/events?page=3\"",
            ">\\Device\\LanmanServer</td>",
            "rel=\"prev\" href=\"/events\"",
        ],
    );
}

#[test]
fn an_error_shows_its_number_and_its_fragment_has_no_page_around_it() {
    let error = ErrorPage {
        shell: Some(samples::shell("/x")),
        status: 503,
        title: "The database does not answer".into(),
        advice: "Try again in a minute.".into(),
        path: None,
        request_id: "r-42".into(),
    };
    says(&error.render().unwrap(), &["503", "Try again in a minute.", "r-42", "Sign out"]);
    let fragment = error.render_fragment().unwrap();
    assert!(fragment.starts_with("<div class=\"notice\""), "{fragment}");
    says(&fragment, &["The database does not answer", "r-42"]);
}

#[test]
fn a_failed_sign_in_keeps_the_address_and_not_the_secret() {
    let page = LoginPage {
        email: "ana@corp.example".into(),
        error: Some(LoginError::TooManyAttempts { retry_after_s: 120 }),
        next: "/hosts/1".into(),
        provider: None,
    };
    let page = page.render().unwrap();
    says(
        &page,
        &[
            "Too many attempts. Try again in 2 min.",
            "value=\"ana@corp.example\"",
            "name=\"next\" value=\"/hosts/1\"",
            "An administrator can make a link for you",
        ],
    );
}

#[test]
fn steps_for_the_suspect_come_first_and_others_are_folded() {
    let text = samples::incident_page().render().unwrap();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}"));
    assert!(at("Restart the service behind mybadapp.exe") < at("<details class=\"more-steps\">"));
    assert!(at("<details class=\"more-steps\">") < at("See which handles it holds"));
    says(
        &text,
        &["2 ways to look further, whoever the culprit is", "<ol class=\"steps\" start=\"2\">"],
    );
}

#[test]
fn every_row_of_a_host_leads_to_its_chart_and_keeps_what_is_drawn() {
    let mut page = samples::classic_host();
    page.query.draw = DrawnFigures::read("nonpaged:Thre,handles:416");
    let text = page.render().unwrap();
    says(
        &text,
        &[
            "data-draw=\"nonpaged:Thre\"",
            "data-draw=\"objects:Thread\"",
            "data-draw=\"commit,commit-limit\"",
            "href=\"/hosts/1?tags=change&#38;draw=nonpaged%3AThre%2Chandles%3A416#tags\"",
            "data-series=\"/hosts/1/series.json\"",
            "href=\"/hosts/1/tags\">all 1,500</a>",
        ],
    );
    assert!(!text.contains("id=\"drawn\" class=\"drawn\" aria-labelledby=\"drawn-title\" data-series=\"/hosts/1/series.json\" hidden"));
    let drivers = samples::all_drivers().render().unwrap();
    says(&drivers, &["data-draw=\"nonpaged:Fooo,paged:Fooo,nonpaged:FooB,paged:FooB\""]);
}
