//! Files that lie.

use std::time::{Duration, Instant};

use poolwatch_tagscan::{FILE_BYTES, TAGS, describe, scan, synthetic::DriverFile};
use proptest::prelude::*;

fn sample() -> Vec<u8> {
    let mut file = DriverFile::new(true, &["ExAllocatePool2", "ExFreePoolWithTag"]);
    file.use_framework();
    file.add(b"\x41\xB8Fooq\x33\xC9").call("ExAllocatePool2").add(b"\xC7\x44\x24\x28Barq");
    file.sign("Foo Corp.");
    file.build()
}

#[test]
fn every_beginning_of_a_file_is_survived() {
    let whole = sample();
    for length in 0..whole.len() {
        let _ = scan(&whole[..length], Some("foo"));
        let _ = describe(&whole[..length]);
    }
}

/// The longest file, full of instructions that look for a call, with different tags.
#[test]
fn the_worst_file_takes_seconds_at_most_and_tells_no_more_than_is_kept() {
    let mut file = DriverFile::new(true, &["ExAllocatePool2"]);
    let mut number = 0_u32;
    let mut code = Vec::new();
    while code.len() < FILE_BYTES {
        let letter = |shift: u32| b'A' + (number >> shift & 15) as u8;
        code.extend([0x41, 0xB8, letter(0), letter(4), letter(8), letter(12), 0xE8, 0, 0]);
        number = number.wrapping_add(1);
    }
    let began = Instant::now();
    let found = scan(&file.add(&code).build()[..FILE_BYTES], None).unwrap();
    assert_eq!(found.tags.len(), TAGS);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

proptest! {
    #[test]
    fn no_change_of_a_file_makes_it_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let mut file = sample();
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        let _ = describe(&file);
        if let Ok(found) = scan(&file, Some("foodrv")) {
            prop_assert!(found.tags.len() <= TAGS);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = scan(&bytes, None);
        let _ = describe(&bytes);
    }
}
