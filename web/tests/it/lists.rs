//! Every view of a list is an address, and an address that asks for something else is told so.

use poolwatch_web::{
    Page,
    application::APPLICATION_HOSTS,
    applications::APPLICATIONS,
    driver::DRIVER_HOSTS,
    drivers::DRIVERS,
    events::EVENTS,
    host::{HOST_DRIVERS, HOST_PROCESSES, HOST_TAGS, HOST_TIMELINE, HOST_TYPES},
    hosts::{HOSTS, HostState, HostsQuery},
    incidents::INCIDENTS,
    list::{List, ListQuery},
    pool_choice::PoolChoice,
    tag::{TAG_HOSTS, TagHostsQuery},
    tags::{KnownChoice, TAGS, TagsFilter, TagsQuery},
    waiting::CANDIDATES,
};

use crate::samples;

fn asked<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

#[test]
fn a_view_is_an_address_and_back() {
    let pairs = asked([
        ("q", "sql & <b>"),
        ("group", "Berlin/Files"),
        ("state", "silent"),
        ("sort", "nonpaged_growth"),
        ("order", "asc"),
        ("page", "3"),
    ]);
    let query = HostsQuery::read(&HOSTS, "/hosts", &pairs).unwrap();
    assert_eq!(
        query.url(),
        "/hosts?q=sql%20%26%20%3Cb%3E&group=Berlin%2FFiles&state=silent&sort=nonpaged_growth&order=asc&page=3"
    );
    assert_eq!(query.filter.state, HostState::Silent);
    assert!(query.export("csv").starts_with("/hosts.csv?q=") && query.is_filtered());
    assert!(!query.export("csv").contains("page="), "a file has all pages");
}

#[test]
fn what_is_usual_is_not_in_the_address() {
    let query = TagsQuery::new(&TAGS, "/tags", TagsFilter::default());
    assert_eq!(query.url(), "/tags");
    let pairs = asked([("q", ""), ("pool", ""), ("known", "all"), ("page", "0"), ("moon", "full")]);
    let query = TagsQuery::read(&TAGS, "/tags", &pairs).unwrap();
    assert_eq!((query.url().as_str(), query.page()), ("/tags", 1));
    assert!(!query.is_filtered());
    let query = query.with(TagsFilter { known: KnownChoice::Unknown, ..TagsFilter::default() });
    assert_eq!(query.url(), "/tags?known=unknown");
}

#[test]
fn the_hosts_of_a_tag_have_files_below_its_page() {
    let pairs = asked([("pool", "paged"), ("sort", "host"), ("order", "asc")]);
    let query = TagHostsQuery::read(&TAG_HOSTS, "/tags/Thre", &pairs).unwrap();
    assert_eq!(query.filter.pool, PoolChoice::Paged);
    assert_eq!(query.export("json"), "/tags/Thre/hosts.json?pool=paged&sort=host&order=asc");
}

#[test]
fn what_a_list_does_not_have_is_refused_with_what_it_has() {
    for (name, value, told) in [
        (
            "sort",
            "moon",
            "The parameter sort is one of: tag, grows, growth, hosts, sum, median, p95, worst, owner.",
        ),
        ("order", "up", "The parameter order is one of: asc, desc."),
        ("page", "-1", "The parameter page is a number, 1 for the first page."),
        ("page", "99999999999", "The parameter page is a number, 1 for the first page."),
        ("known", "maybe", "The parameter known is one of: all, known, unknown."),
    ] {
        let refused = TagsQuery::read(&TAGS, "/tags", &asked([(name, value)])).unwrap_err();
        assert_eq!(refused.to_string(), told);
    }
}

#[test]
fn every_list_knows_its_orders_and_the_columns_of_its_files() {
    fn is_whole<R, F: poolwatch_web::list::Filter>(
        list: &'static List<R>,
        query: &ListQuery<R, F>,
    ) {
        assert_eq!(query.in_words().is_empty(), query.ordering_values().0.is_empty());
        assert!(list.in_files().names().count() > 5, "{list:?}");
    }
    is_whole(&HOSTS, &samples::hosts().list.query);
    is_whole(&CANDIDATES, &samples::enrolment::waiting().list.query);
    is_whole(&TAGS, &samples::lists::tags().list.query);
    is_whole(&TAG_HOSTS, &samples::lists::tag_page().list.query);
    is_whole(&APPLICATIONS, &samples::lists::applications().list.query);
    is_whole(&APPLICATION_HOSTS, &samples::lists::application().list.query);
    is_whole(&DRIVERS, &samples::lists::drivers().list.query);
    is_whole(&DRIVER_HOSTS, &samples::lists::driver().list.query);
    is_whole(&HOST_TAGS, &samples::all_tags().list.query);
    is_whole(&HOST_PROCESSES, &samples::all_processes().list.query);
    is_whole(&HOST_DRIVERS, &samples::all_drivers().list.query);
    is_whole(&EVENTS, &samples::pages::events().list.query);
    is_whole(&INCIDENTS, &samples::incidents().list.query);
    let few = [HOST_TYPES.in_files().names().count(), HOST_TIMELINE.in_files().names().count()];
    assert_eq!(few, [5, 3]);
}

#[test]
fn rows_are_ordered_by_any_column_with_the_unknown_last() {
    let names = |parameters: &[(&str, &str)]| -> Vec<String> {
        let page = samples::hosts_asked(parameters);
        let mut rows = page.list.rows;
        page.list.query.sort_rows(&mut rows);
        rows.into_iter().map(|row| row.host.name).collect()
    };
    let by_handles = names(&[("sort", "handles"), ("order", "asc")]);
    assert_eq!((by_handles[0].as_str(), by_handles.last().unwrap().as_str()), ("SQL-08", "NEW-01"));
    let by_handles = names(&[("sort", "handles"), ("order", "desc")]);
    assert_eq!((by_handles[0].as_str(), by_handles.last().unwrap().as_str()), ("FS-02", "NEW-01"));
    let by_windows = names(&[("sort", "os"), ("order", "asc")]);
    assert_eq!(by_windows[..2], ["FS-02", "PRINT-01"], "2003 before 2016");
    let by_uptime = names(&[("sort", "uptime"), ("order", "desc")]);
    assert_eq!(by_uptime[0], "DC-02", "up for longest");
}

#[test]
fn a_second_click_on_a_head_turns_the_order_round() {
    let page = samples::hosts().render().unwrap();
    for head in [
        "<a href=\"/hosts?sort=left&#38;order=desc\">Left</a>",
        "aria-sort=\"none\"><a href=\"/hosts?sort=name&#38;order=asc\">Host</a>",
        "aria-sort=\"none\"><a href=\"/hosts?sort=handles&#38;order=desc\">Most handles</a>",
    ] {
        assert!(page.contains(head), "{head}");
    }
}
