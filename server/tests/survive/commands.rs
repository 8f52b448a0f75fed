//! Commands of docs/deployment.md, run as they stand there: blocks after `<!-- run: NAME -->`.

use std::fs;

/// The commands of a block.
pub(crate) fn documented(name: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/deployment.md");
    let text = fs::read_to_string(page).unwrap();
    let mark = format!("<!-- run: {name} -->\n```sh\n");
    let (_, block) = text.split_once(&mark).unwrap_or_else(|| panic!("no block {name} in {page}"));
    block.split_once("```").unwrap().0.to_owned()
}
