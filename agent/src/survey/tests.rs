use std::fs;

use poolwatch_model::PoolTag;
use poolwatch_tagscan::synthetic::DriverFile;
use tempfile::TempDir;

use super::*;

fn driver(name: &str) -> Driver {
    Driver {
        name: name.into(),
        path: Some(format!(r"\SystemRoot\drivers\{name}")),
        service: Some("food".into()),
        ..Driver::default()
    }
}

fn file(tag: &[u8; 4]) -> Vec<u8> {
    let mut file = DriverFile::new(true, &["ExAllocatePool2"]);
    file.add(&[b"\x41\xB8", &tag[..], b"\x33\xC9"].concat()).call("ExAllocatePool2");
    file.build()
}

fn next(survey: &Survey) -> Found {
    for _ in 0..6_000 {
        if let Some(found) = survey.found() {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("nothing was found");
}

fn inventory(survey: &Survey, drivers: &[&str]) -> Inventory {
    assert!(survey.ask(drivers.iter().map(|name| driver(name)).collect()));
    match next(survey) {
        Found::Inventory(inventory) => *inventory,
        other => panic!("{other:?}"),
    }
}

fn machine() -> (TempDir, Arc<Survey>) {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("drivers")).unwrap();
    fs::write(folder.path().join("drivers/foo.sys"), file(b"Fooq")).unwrap();
    fs::write(folder.path().join("drivers/note.sys"), b"no driver").unwrap();
    let folders = SystemFolders { windows: folder.path().into(), drive: folder.path().into() };
    let ask = |inventory: &mut Inventory| inventory.updates.push("KB1".into());
    let survey = Survey::start(folders, ask).unwrap();
    (folder, survey)
}

#[test]
fn drivers_are_described_and_those_that_are_asked_for_scanned() {
    let (folder, survey) = machine();
    let found = inventory(&survey, &["foo.sys", "gone.sys", "note.sys"]);
    assert_eq!(found.updates, ["KB1"]);
    let [foo, gone, note] = &found.drivers[..] else { panic!("{found:?}") };
    assert_eq!(foo.size, fs::metadata(folder.path().join("drivers/foo.sys")).ok().map(|f| f.len()));
    assert!(foo.sha256.is_some() && note.sha256.is_some() && gone.sha256.is_none());
    assert!(survey.ask_for_scans(found.drivers.clone()));
    let Found::Scans(scans) = next(&survey) else { panic!() };
    assert_eq!(scans.len(), 2);
    assert_eq!(Some(scans[0].sha256), foo.sha256);
    assert_eq!(scans[0].tags[0].tag, PoolTag::new(*b"Fooq"));
    assert_eq!(scans[1].tags, []);

    // A file that is another one now is not scanned in its stead.
    fs::write(folder.path().join("drivers/foo.sys"), file(b"Barq")).unwrap();
    assert!(survey.ask_for_scans(vec![foo.clone()]));
    let again = inventory(&survey, &["foo.sys"]);
    assert_ne!(again.drivers[0].sha256, foo.sha256);
}

#[test]
fn a_file_that_is_as_it_was_is_not_read_again() {
    let (folder, _) = machine();
    let folders = SystemFolders { windows: folder.path().into(), drive: folder.path().into() };
    let mut files = DriverFiles::new(folders);
    let (mut first, mut second) = (driver("foo.sys"), driver("foo.sys"));
    assert_eq!(files.describe(&mut first), Read::Whole);
    assert_eq!(files.describe(&mut second), Read::Nothing);
    assert_eq!(first, second);
    files.forget_all_but(&Inventory::default());
    assert_eq!(files.describe(&mut second), Read::Whole);
}

#[test]
fn no_file_is_read_while_memory_is_short() {
    let (_folder, survey) = machine();
    survey.heed_shortage(true);
    assert!(survey.ask(vec![driver("foo.sys")]));
    thread::sleep(Duration::from_millis(300));
    assert!(survey.found().is_none());
    survey.heed_shortage(false);
    assert!(matches!(next(&survey), Found::Inventory(_)));
}

#[test]
fn a_pooltag_txt_of_the_debuggers_is_found_and_sent_as_it_was_found() {
    let (folder, survey) = machine();
    assert_eq!(inventory(&survey, &[]).tag_list, None);
    let kit = folder.path().join("Program Files (x86)/Windows Kits/10/Debuggers/x64/triage");
    fs::create_dir_all(&kit).unwrap();
    fs::write(kit.join("pooltag.txt"), b"Fooo - foo.sys - B\xE4ume\r\n\x1A").unwrap();
    let found = inventory(&survey, &[]).tag_list.unwrap();
    assert!(found.path.ends_with("pooltag.txt"), "{found:?}");
    assert!(survey.ask_for_tag_list(found.clone()));
    let Found::TagList(list) = next(&survey) else { panic!() };
    assert_eq!((list.sha256, &*list.text), (found.sha256, "Fooo - foo.sys - B\u{FFFD}ume\r\n "));

    // Another one is not sent in its stead, nor is one that is far too large.
    fs::write(kit.join("pooltag.txt"), b"Barr - bar.sys - other").unwrap();
    assert!(survey.ask_for_tag_list(found));
    fs::write(kit.join("pooltag.txt"), vec![b' '; (1 << 20) + 1]).unwrap();
    assert_eq!(inventory(&survey, &[]).tag_list, None);
}
