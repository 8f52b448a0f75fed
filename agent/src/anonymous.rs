//! Captures without names, to be given to others.
//!
//! Names of programs, services and drivers become other names of the same length, the same name the
//! same other one; the host's own names and every address of the kernel are wiped. Tags, the kernel's
//! types and all figures stay: they are what a capture is for.

use std::collections::BTreeMap;

use poolwatch_model::host::HostFacts;

use crate::{
    capture::{Capture, OwnedBuffer},
    machine::InfoClass,
    raw::{
        layout::{self, Width},
        services,
    },
    synthetic::SyntheticWindows,
};

/// Takes the names out of a capture. A buffer that cannot be understood is taken out whole.
pub fn anonymise(capture: &mut Capture) {
    let width = capture.width();
    let facts = &mut capture.facts;
    *facts = HostFacts {
        fqdn: "anonymous.invalid".to_owned(),
        os: facts.os.take(),
        physical: facts.physical,
        agent_version: facts.agent_version.take(),
        ..HostFacts::default()
    };
    let mut names = Names::default();
    for round in &mut capture.rounds {
        round.answers.retain(|class, answer| {
            let Ok(buffer) = answer else {
                return true;
            };
            match class {
                InfoClass::Processes => wipe_processes(buffer, width, &mut names).is_some(),
                InfoClass::Modules => wipe_modules(buffer, width, &mut names).is_some(),
                InfoClass::Services => wipe_services(buffer, width, &mut names).is_some(),
                InfoClass::Handles => wipe_handles(buffer, width).is_some(),
                // Figures, tags and the kernel's own names.
                _ => true,
            }
        });
    }
}

/// What stands for each name.
#[derive(Default)]
struct Names(BTreeMap<Vec<u8>, usize>);

impl Names {
    /// Replaces a name in place, but for what comes after its last dot (`.exe`).
    fn replace(&mut self, name: &mut [u8]) {
        let end = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
        let next = self.0.len();
        let mut number = *self.0.entry(name.to_ascii_lowercase()).or_insert(next);
        for byte in name[..end].iter_mut().rev() {
            *byte = b'a' + (number % 26) as u8;
            number /= 26;
        }
    }
}

/// `NtQuerySystemInformation` class 5: names, what lies between them, and addresses of threads.
fn wipe_processes(buffer: &mut OwnedBuffer, width: Width, names: &mut Names) -> Option<()> {
    let (process, thread) = (layout::process(width), layout::thread(width));
    let pointer_bytes = width.bytes();
    let base = buffer.base;
    let bytes = &mut buffer.bytes;
    let mut start = 0;
    loop {
        let next = u32_at(bytes, start + process.next_entry_offset)? as usize;
        let threads = u32_at(bytes, start + process.number_of_threads)? as usize;
        let end = if next == 0 { bytes.len() } else { start.checked_add(next)? };
        let after = threads.checked_mul(thread.size)?.checked_add(start + process.threads)?;
        for index in 0..threads {
            let entry = start + process.threads + index * thread.size;
            bytes.get_mut(entry + thread.start_address..)?.get_mut(..pointer_bytes)?.fill(0);
        }
        let length = usize::from(u16_at(bytes, start + process.image_name)?);
        let pointer = pointer_at(bytes, start + process.image_name + pointer_bytes, width)?;
        let area = bytes.get_mut(after..end)?;
        if pointer == 0 {
            area.fill(0);
        } else {
            let at = usize::try_from(pointer.checked_sub(base)?).ok()?.checked_sub(after)?;
            let (before, rest) = area.split_at_mut_checked(at)?;
            let (name, behind) = rest.split_at_mut_checked(length)?;
            before.fill(0);
            behind.fill(0);
            replace_wide(name, names);
        }
        if next == 0 {
            return Some(());
        }
        start = end;
    }
}

/// `NtQuerySystemInformation` class 11: every part of the paths, and addresses.
fn wipe_modules(buffer: &mut OwnedBuffer, width: Width, names: &mut Names) -> Option<()> {
    let (modules, module) = (layout::modules(width), layout::module(width));
    for entry in buffer.bytes.get_mut(modules.entries..)?.chunks_exact_mut(module.size) {
        // Three addresses, of which the image's base is the last.
        entry[..module.image_base + width.bytes()].fill(0);
        let path = &mut entry[module.full_path_name..];
        let length = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
        let (path, behind) = path.split_at_mut(length);
        behind.fill(0);
        for part in path.split_mut(|byte| *byte == b'\\') {
            // The kernel is known by its name.
            if !part.eq_ignore_ascii_case(b"ntoskrnl.exe") {
                names.replace(part);
            }
        }
    }
    Some(())
}

/// Services: the list is made anew, because more than the names that are read lies in it.
fn wipe_services(buffer: &mut OwnedBuffer, width: Width, names: &mut Names) -> Option<()> {
    let found = services::parse(buffer.as_raw(width)).ok()?;
    let mut anonymous = Vec::new();
    for (pid, of_process) in found {
        for name in of_process {
            let mut name = name.into_bytes();
            names.replace(&mut name);
            anonymous.push((String::from_utf8_lossy(&name).into_owned(), pid));
        }
    }
    let list: Vec<(&str, u32)> =
        anonymous.iter().map(|(name, pid)| (name.as_str(), *pid)).collect();
    buffer.bytes = SyntheticWindows { base: buffer.base, width }.services(&list);
    Some(())
}

/// `NtQuerySystemInformation` class 64: addresses of objects.
fn wipe_handles(buffer: &mut OwnedBuffer, width: Width) -> Option<()> {
    let (handles, handle) = (layout::handles(width), layout::handle(width));
    for entry in buffer.bytes.get_mut(handles.entries..)?.chunks_exact_mut(handle.size) {
        entry[handle.object..][..width.bytes()].fill(0);
    }
    Some(())
}

/// Replaces a name in UTF-16 in place. A character outside ASCII counts as a blank.
fn replace_wide(name: &mut [u8], names: &mut Names) {
    let mut narrow: Vec<u8> = name
        .chunks_exact(2)
        .map(|pair| if pair[1] == 0 && pair[0].is_ascii() { pair[0] } else { b' ' })
        .collect();
    names.replace(&mut narrow);
    for (pair, byte) in name.chunks_exact_mut(2).zip(narrow) {
        pair.copy_from_slice(&[byte, 0]);
    }
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn pointer_at(bytes: &[u8], at: usize, width: Width) -> Option<u64> {
    match width {
        Width::Bits32 => u32_at(bytes, at).map(u64::from),
        Width::Bits64 => array_at(bytes, at).map(u64::from_le_bytes),
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::process::ProcessUse;
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        raw::processes,
        synthetic::{TARGETS, small_capture, small_capture_from},
    };

    fn processes_of(capture: &Capture, round: usize) -> Vec<ProcessUse> {
        let buffer = capture.rounds[round].answers[&InfoClass::Processes].as_ref().unwrap();
        processes::parse(buffer.as_raw(capture.width())).unwrap()
    }

    #[test]
    fn no_name_is_left_and_every_figure_is() {
        for target in TARGETS {
            check_that_names_are_gone(&small_capture_from(target));
        }
    }

    fn check_that_names_are_gone(original: &Capture) {
        let mut capture = original.clone();
        anonymise(&mut capture);
        let mut bytes = Vec::new();
        capture.write(&mut bytes).unwrap();
        for name in [
            "fs-02", "mybadapp", "svchost", "lsass", "System", "BadApp", "Dnscache", "netio",
            "foo.sys", "drivers",
        ] {
            let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            for text in [name.as_bytes(), &wide] {
                assert!(!bytes.windows(text.len()).any(|part| part == text), "{name}");
            }
        }
        let (before, after) = (processes_of(original, 0), processes_of(&capture, 0));
        for (before, mut after) in before.into_iter().zip(after) {
            assert_eq!(before.image.len(), after.image.len());
            assert_eq!(before.image.ends_with(".exe"), after.image.ends_with(".exe"));
            after.image = before.image.clone();
            assert_eq!(before, after);
        }
        let tags = |capture: &Capture| capture.rounds[0].answers[&InfoClass::PoolTags].clone();
        assert_eq!(tags(&capture), tags(original));
    }

    #[test]
    fn the_same_name_stays_the_same_over_all_rounds_and_others_stay_apart() {
        let mut capture = small_capture();
        anonymise(&mut capture);
        let images = |round| {
            let of_round = processes_of(&capture, round).into_iter();
            of_round.map(|process| process.image).collect::<Vec<_>>()
        };
        assert_eq!(images(0), images(4));
        let mut distinct = images(0);
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), images(0).len());
    }

    #[test]
    fn what_cannot_be_understood_is_taken_out() {
        let mut capture = small_capture();
        for class in [InfoClass::Processes, InfoClass::Services] {
            let garbage = OwnedBuffer { bytes: vec![0xAB; 300], base: 0 };
            capture.rounds[0].answers.insert(class, Ok(garbage));
        }
        anonymise(&mut capture);
        let answers = &capture.rounds[0].answers;
        assert!(!answers.contains_key(&InfoClass::Processes));
        assert!(!answers.contains_key(&InfoClass::Services));
        assert!(answers.contains_key(&InfoClass::PoolTags));
    }

    proptest! {
        #[test]
        fn no_damage_panics(damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
            let mut capture = small_capture();
            capture.rounds.truncate(1);
            for answer in capture.rounds[0].answers.values_mut().flatten() {
                for (at, value) in &damage {
                    let at = at.index(answer.bytes.len());
                    answer.bytes[at] = *value;
                }
            }
            anonymise(&mut capture);
        }
    }
}
