//! Programs of Windows that nobody accuses and nobody may stop.

use poolwatch_model::history::ProcessSeries;

/// Programs of Windows that hold objects for those who call them.
const BROKERS: [&str; 7] = [
    "lsass.exe",
    "csrss.exe",
    "services.exe",
    "smss.exe",
    "wininit.exe",
    "winlogon.exe",
    "lsm.exe",
];

/// The process of the kernel itself has this id on every Windows since XP.
const SYSTEM_PID: u32 = 4;

/// Whether a program of Windows only holds objects for others.
#[must_use]
pub(crate) fn is_broker(image: &str) -> bool {
    BROKERS.iter().any(|broker| broker.eq_ignore_ascii_case(image))
}

/// Whether Windows cannot live without a program.
#[must_use]
pub fn is_vital(image: &str) -> bool {
    image.eq_ignore_ascii_case("system") || is_broker(image)
}

/// Whether a process is the kernel's own: its handles belong to drivers.
#[must_use]
pub(crate) fn is_kernel(process: &ProcessSeries) -> bool {
    process.key.pid == SYSTEM_PID
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_and_the_kernel_are_vital_in_any_case_and_others_are_not() {
        for (image, broker, vital) in
            [("LSASS.exe", true, true), ("System", false, true), ("badapp.exe", false, false)]
        {
            assert_eq!((is_broker(image), is_vital(image)), (broker, vital), "{image}");
        }
    }
}
