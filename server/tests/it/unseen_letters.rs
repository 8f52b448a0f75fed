//! Letters that nobody sees, in names that hosts choose: pages and CSV show them, JSON escapes them.

use poolwatch_model::Snapshot;

use crate::{lists::Console, server::classic};

const NAME: &str = "evil\u{202E}exe.fdp";

#[tokio::test]
async fn no_answer_holds_a_letter_that_turns_the_text_around_it() {
    let mut snapshot: Snapshot = classic(0);
    snapshot.processes.as_mut().unwrap()[0].image = NAME.into();
    let console = Console::start(&[("fs-02", snapshot)]).await;
    for (path, shown) in [
        ("/applications", "evil⟨U+202E⟩exe.fdp"),
        ("/applications.csv", "evil⟨U+202E⟩exe.fdp"),
        ("/applications.json", "evil\\u202eexe.fdp"),
        ("/search.json?q=evil", "evil\\u202eexe.fdp"),
    ] {
        let text = console.text(path).await;
        assert!(text.contains(shown), "{path}: {text}");
        assert!(!text.contains('\u{202E}'), "{path}");
    }
    let rows: serde_json::Value =
        serde_json::from_str(&console.text("/applications.json").await).unwrap();
    let is_it = |row: &serde_json::Value| row["image"] == NAME;
    assert!(rows.as_array().unwrap().iter().any(is_it), "programs get the name itself");
}
