//! Arrows between rooms go one way: `docs/rooms.toml` lists who may use whom, and no two files of a
//! crate use each other in a circle. A file and the parts that it declares count as one.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use self::imports::{Imports, imports_of_crate};

/// Room by room, the rooms that it may use.
type Rules = BTreeMap<String, BTreeSet<String>>;

#[derive(Deserialize)]
struct Rooms {
    crates: Rules,
    server: Rules,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rooms() -> Rooms {
    toml::from_str(&fs::read_to_string(root().join("docs/rooms.toml")).unwrap()).unwrap()
}

fn folder(name: &str) -> PathBuf {
    let beside = root().join(name);
    if beside.is_dir() { beside } else { root().join("crates").join(name) }
}

fn assert_allowed(rules: &Rules, used: &BTreeMap<String, BTreeSet<String>>) {
    let broken: Vec<String> = used
        .iter()
        .flat_map(|(room, uses)| {
            let allowed = rules.get(room).unwrap_or_else(|| panic!("{room} has no rule"));
            uses.difference(allowed).map(move |other| format!("{room} uses {other}"))
        })
        .collect();
    assert!(broken.is_empty(), "not in docs/rooms.toml: {broken:#?}");
    let known: BTreeSet<&String> = used.keys().collect();
    let stale: Vec<&String> = rules.keys().filter(|room| !known.contains(room)).collect();
    assert!(stale.is_empty(), "rules for rooms that do not exist: {stale:?}");
}

fn assert_no_circles(rules: &Rules) {
    for room in rules.keys() {
        let rest = rules_left(rules.clone());
        assert!(!rest.contains_key(room), "a circle of rules goes through {room}");
    }
}

/// What is left when rooms that use nobody that is left are taken away again and again.
fn rules_left(mut rules: Rules) -> Rules {
    loop {
        let before = rules.len();
        let names: BTreeSet<String> = rules.keys().cloned().collect();
        rules.retain(|_, uses| uses.iter().any(|other| names.contains(other)));
        if rules.len() == before {
            return rules;
        }
    }
}

#[test]
fn crates_build_on_those_that_the_rules_name() {
    #[derive(Deserialize)]
    struct Manifest {
        #[serde(default)]
        dependencies: BTreeMap<String, toml::Value>,
    }
    let rules = rooms().crates;
    assert_no_circles(&rules);
    let used = rules.keys().map(|name| {
        let text = fs::read_to_string(folder(name).join("Cargo.toml")).unwrap();
        let manifest: Manifest = toml::from_str(&text).unwrap();
        let uses = manifest.dependencies.keys().filter_map(|key| key.strip_prefix("poolwatch-"));
        (name.clone(), uses.map(str::to_owned).collect())
    });
    assert_allowed(&rules, &used.collect());
}

#[test]
fn rooms_of_the_server_use_those_that_the_rules_name() {
    let rules = rooms().server;
    assert_no_circles(&rules);
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let room = |file: &str| {
        let first = file.split('/').next().unwrap_or(file);
        first.trim_end_matches(".rs").to_owned()
    };
    for (file, uses) in imports_of_crate(&folder("server").join("src")) {
        if file == "lib.rs" || file == "main.rs" {
            continue;
        }
        let own = room(&file);
        let others = uses.iter().map(|other| room(other)).filter(|other| *other != own);
        used.entry(own.clone()).or_default().extend(others);
    }
    assert_allowed(&rules, &used);
}

#[test]
fn no_two_files_use_each_other_in_a_circle() {
    for name in rooms().crates.keys() {
        let left = files_left(imports_of_crate(&folder(name).join("src")));
        assert!(left.is_empty(), "{name}: files in, or above and below, circles: {left:#?}");
    }
}

/// Files on circles, or between them.
fn files_left(mut imports: Imports) -> Imports {
    loop {
        let before = imports.len();
        let files: BTreeSet<String> = imports.keys().cloned().collect();
        for uses in imports.values_mut() {
            uses.retain(|file| files.contains(file));
        }
        let used: BTreeSet<String> = imports.values().flatten().cloned().collect();
        imports.retain(|file, uses| !uses.is_empty() && used.contains(file));
        if imports.len() == before {
            return imports;
        }
    }
}
