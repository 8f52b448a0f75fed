//! What is measured is what runs: the evaluation has no window, pace or bound of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Names of the constants that a source sets.
fn constants(source: &str) -> Vec<&str> {
    let words = source.lines().filter_map(|line| {
        let line = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.strip_prefix("const ")?.split(':').next()
    });
    words.collect()
}

#[test]
fn the_evaluation_sets_no_bound_that_detection_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bounds = fs::read_to_string(root.join("../detection/src/bounds.rs")).unwrap();
    let bounds = constants(&bounds);
    assert!(bounds.len() > 20 && bounds.contains(&"WINDOW"), "{bounds:?}");
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let own = constants(&source);
        let twice: Vec<_> = own.iter().filter(|name| bounds.contains(name)).collect();
        assert!(twice.is_empty(), "{} sets {twice:?}", file.display());
        // Steps of detection that it would have to choose windows, paces or series for.
        for step in
            ["SignedDuration", "Screen", "diagnose_causes(", "compare::", "WantedSeries {", "Peer>"]
        {
            let is_simulated_fleet = step == "Peer>" && file.ends_with("month.rs");
            assert!(
                is_simulated_fleet || !source.contains(step),
                "{} has {step}: it belongs to detection",
                file.display()
            );
        }
    }
}
