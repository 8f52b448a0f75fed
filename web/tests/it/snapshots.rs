//! The main part of every page, as a browser gets it.

use crate::samples;

/// Elements that begin a line of a snapshot.
const BLOCKS: [&str; 22] = [
    "<article", "<caption", "<dd", "<div", "<dl", "<dt", "<figure", "<form", "<h1", "<h2", "<h3",
    "<label", "<li", "<nav", "<ol", "<p", "<section", "<table", "<tbody", "<td", "<th", "<tr",
];

#[test]
fn every_page_is_as_it_was() {
    for (name, page) in samples::pages::all().unwrap() {
        insta::assert_snapshot!(name, normalised(main_part(&page)));
    }
}

fn main_part(page: &str) -> &str {
    let from = page.find("<main").expect("a main part");
    let to = page.find("</main>").expect("the end of the main part");
    &page[from..to]
}

/// One element of a block to a line, without what only a drawing program reads.
fn normalised(html: &str) -> String {
    let mut text = html.split_whitespace().collect::<Vec<_>>().join(" ");
    for block in BLOCKS {
        text = text.replace(block, &format!("\n{block}"));
    }
    let lines = text.lines().map(|line| without_drawings(line.trim_end()));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A drawing is named and left out.
fn without_drawings(line: &str) -> String {
    let mut rest = line;
    let mut kept = String::new();
    while let Some(at) = rest.find("<svg") {
        let end = rest[at..].find("</svg>").map_or(rest.len(), |end| at + end + "</svg>".len());
        let head = rest[at..end].find('>').map_or(end, |close| at + close);
        kept.push_str(&rest[..head]);
        kept.push_str("/>");
        rest = &rest[end..];
    }
    kept + rest
}
