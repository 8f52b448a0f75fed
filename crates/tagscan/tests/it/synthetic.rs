//! Drivers that are made here, one way of passing a tag each.

use poolwatch_model::{PoolTag, driver_scan::FoundTag};
use poolwatch_tagscan::{ScanError, describe, scan, synthetic::DriverFile};

const ALLOCATE: &str = "ExAllocatePool2";
const FREE: &str = "ExFreePoolWithTag";
const LOOKASIDE: &str = "ExInitializeNPagedLookasideList";
const DEREFERENCE: &str = "ObfDereferenceObjectWithTag";

fn driver(is_x64: bool) -> DriverFile {
    DriverFile::new(is_x64, &[ALLOCATE, FREE, LOOKASIDE, DEREFERENCE])
}

fn only(file: &DriverFile) -> FoundTag {
    let found = scan(&file.build(), None).unwrap().tags;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].tag, PoolTag::new(*b"Fooq"));
    found[0]
}

#[test]
fn each_way_of_passing_a_tag_is_seen_for_what_it_is() {
    let tag = FoundTag::new(PoolTag::new(*b"Fooq"));
    let mut file = driver(true);
    file.add(b"\x41\xB8Fooq\x33\xC9").call(ALLOCATE);
    file.add(b"\xBAFooq\x48\x8B\xCF").call(FREE);
    assert_eq!(only(&file), FoundTag { allocations: 1, frees: 1, ..tag });

    let mut file = driver(true);
    file.add(b"\x41\xB8Fooq\x33\xC9").call_by_jump(ALLOCATE);
    assert_eq!(only(&file), FoundTag { allocations: 1, ..tag });

    let mut file = driver(true);
    file.add(b"\xC7\x44\x24\x28Fooq\x33\xC9").call(LOOKASIDE);
    assert_eq!(only(&file), FoundTag { allocations: 1, ..tag });

    let mut file = driver(true);
    file.add(b"\x41\xB9Fooq").call_own().add(b"\xBAFooq").call_own();
    assert_eq!(only(&file), FoundTag { arguments: 2, ..tag });

    let mut file = driver(true);
    file.add(b"\xC7\x45\xF0Fooq\xC7\x85\0\x01\0\0Fooq\xB8Fooq\xC3");
    assert_eq!(only(&file), FoundTag { numbers: 3, ..tag });

    let mut file = driver(false);
    file.add(b"\x68Fooq\x56\x6A\x01").call(ALLOCATE);
    file.add(b"\x68Fooq\x50").call_by_jump(FREE);
    assert_eq!(only(&file), FoundTag { allocations: 1, frees: 1, ..tag });
}

#[test]
fn what_is_no_tag_is_none() {
    let mut file = driver(true);
    // For another function; a text of eight letters; a number; letters of which one is none.
    file.add(b"\xBAFooq\x48\x8B\xCF").call(DEREFERENCE);
    file.add(b"\x48\xBAProgram \xBA1234\xBAA\x00BC\x41\xB8    ");
    assert_eq!(scan(&file.build(), None).unwrap().tags, []);
}

#[test]
fn a_tag_that_is_protected_is_the_tag() {
    let mut file = driver(true);
    file.add(b"\x41\xB8Foo\xF1\x33\xC9").call(ALLOCATE);
    assert_eq!(only(&file).allocations, 1);
}

#[test]
fn the_framework_names_tags_after_the_service() {
    let mut file = driver(true);
    file.add(b"\xC3");
    assert_eq!(scan(&file.build(), Some("Fooqdrv")).unwrap().tags, [], "no framework");
    file.use_framework();
    let found = scan(&file.build(), Some("Fooqdrv")).unwrap();
    assert!(found.uses_framework);
    let tag = FoundTag::new(PoolTag::new(*b"Fooq"));
    assert_eq!(found.tags, [FoundTag { is_service_name: true, ..tag }]);
    assert_eq!(scan(&file.build(), None).unwrap().tags, []);
}

#[test]
fn other_files_are_refused() {
    assert_eq!(scan(b"", None), Err(ScanError::NotPe));
    assert_eq!(scan(&[b'M'; 4096], None), Err(ScanError::NotPe));
    let mut file = driver(true).build();
    file[0x44] = 0;
    assert_eq!(scan(&file, None), Err(ScanError::Processor));
}

#[test]
fn a_file_that_is_cut_short_tells_what_is_left() {
    let mut file = driver(true);
    file.add(b"\x41\xB8Fooq\x33\xC9").call(ALLOCATE).add(&[0xCC; 4096]);
    let whole = file.build();
    let found = scan(&whole[..whole.len() - 4096], None).unwrap();
    assert_eq!(found.tags[0].allocations, 1);
}

#[test]
fn the_signer_is_whom_the_signature_names_among_its_certificates() {
    for is_x64 in [true, false] {
        let mut file = driver(is_x64);
        file.add(b"\x41\xB8Fooq").call(ALLOCATE);
        assert_eq!(describe(&file.build()).unwrap().signer, None);
        for company in ["Foo Storage GmbH & Co. KG", "Bär"] {
            file.sign(company);
            assert_eq!(describe(&file.build()).unwrap().signer.as_deref(), Some(company));
        }
    }
}
