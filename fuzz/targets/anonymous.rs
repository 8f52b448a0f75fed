//! A capture of which one buffer is the input, without its names (`agent/src/anonymous.rs`).
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::{
    anonymous::anonymise,
    capture::OwnedBuffer,
    machine::InfoClass,
    raw::{handles, modules, processes, services},
    synthetic::{X64, small_capture},
};

/// Those in which there is something to be taken out. The first byte of the input chooses.
const CLASSES: [InfoClass; 4] =
    [InfoClass::Processes, InfoClass::Modules, InfoClass::Services, InfoClass::Handles];

fuzz_target!(|data: &[u8]| {
    let Some((chosen, bytes)) = data.split_first() else {
        return;
    };
    let class = CLASSES[usize::from(*chosen) % CLASSES.len()];
    let mut capture = small_capture();
    capture.rounds.truncate(1);
    let given = OwnedBuffer { bytes: bytes.to_vec(), base: X64.base };
    let figures = figures(class, &given);
    capture.rounds[0].answers.insert(class, Ok(given));
    anonymise(&mut capture);
    // What is kept says the same figures as before.
    if let (Some(figures), Some(Ok(kept))) = (figures, capture.rounds[0].answers.get(&class)) {
        assert_eq!(self::figures(class, kept), Some(figures));
    }
});

/// What a buffer says beside names.
fn figures(class: InfoClass, buffer: &OwnedBuffer) -> Option<Vec<u64>> {
    let buffer = buffer.as_raw(X64.width);
    match class {
        InfoClass::Processes => {
            let found = processes::parse(buffer).ok()?;
            Some(
                found
                    .iter()
                    .map(|p| u64::from(p.key.pid) << 32 | u64::from(p.handles.unwrap_or(0)))
                    .collect(),
            )
        }
        InfoClass::Modules => Some(vec![modules::parse(buffer).ok()?.len() as u64]),
        InfoClass::Services => {
            Some(services::parse(buffer).ok()?.keys().map(|pid| u64::from(*pid)).collect())
        }
        _ => Some(handles::parse(buffer).ok()?.values().map(|count| u64::from(*count)).collect()),
    }
}
