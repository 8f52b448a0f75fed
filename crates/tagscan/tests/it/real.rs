//! Drivers of others: those that `tools/drivers.sh` brings, and Wine's.

use std::{fs, path::PathBuf, process::Command};

use poolwatch_model::PoolTag;
use poolwatch_tagscan::{describe, scan};

fn files(folder: PathBuf) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "sys"));
    files
        .map(|entry| {
            (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_packet_filters_own_tag_is_its_first() {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let brought = Command::new(project.join("tools/drivers.sh")).status().unwrap();
    assert!(brought.success(), "tools/drivers.sh could not bring them");
    let folder = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let files = files(folder.unwrap_or_else(|| project.join("target")).join("drivers"));
    assert!(files.len() >= 3, "{}", files.len());
    for (name, file) in files {
        let found = scan(&file, None).unwrap();
        let first = found.tags.first().unwrap_or_else(|| panic!("{name} has no tag"));
        assert_eq!(first.tag, PoolTag::new(*b"WDiv"), "{name}: {:?}", found.tags);
        assert!(first.allocations > 0 && first.frees > 0, "{name}: {first:?}");
        let said = describe(&file).unwrap();
        assert!(said.version.is_some() && said.linked.is_some(), "{name}: {said:?}");
        assert!(name.contains("32") || said.signer.is_some(), "{name}: {said:?}");
        println!("{name}: {said:?}");
        println!("{name}: {first:?} of {}", found.tags.len());
    }
}

/// Wine's drivers allocate without tags: none may seem to.
#[test]
#[ignore = "where Wine is: make test-windows"]
fn drivers_without_tags_have_none_that_they_allocate_by() {
    let folder = PathBuf::from("/usr/lib/x86_64-linux-gnu/wine");
    for kind in ["x86_64-windows", "i386-windows"] {
        let files = files(folder.join(kind));
        assert!(kind == "i386-windows" || files.len() > 5, "Wine's drivers are not there");
        for (name, file) in files {
            let found = scan(&file, Some(&name)).unwrap();
            let passed = found.tags.iter().filter(|one| one.allocations + one.frees > 0);
            let said = describe(&file).unwrap();
            println!("{kind}/{name}: {said:?}");
            assert_eq!(passed.count(), 0, "{kind}/{name}: {:?}", found.tags);
        }
    }
}
