//! What the agent's process has used, as the system tells it.

#[cfg(any(not(windows), test))]
use std::time::Duration;

#[cfg(any(not(windows), test))]
use crate::machine::OwnUse;

#[cfg(windows)]
pub use crate::windows::own_use;

/// What this process has used so far, from procfs: CPU time in the steps of 10 ms that Linux counts in,
/// and resident anonymous memory, which comes nearest to private bytes.
#[cfg(not(windows))]
#[must_use]
pub fn own_use() -> Option<OwnUse> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    linux_use(&stat, &status)
}

#[cfg(any(not(windows), test))]
fn linux_use(stat: &str, status: &str) -> Option<OwnUse> {
    // The second field is the program's name in brackets, which may hold anything; of those after
    // it, the twelfth and thirteenth are user and system time.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
    let ticks = times.next()? + times.next()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(OwnUse {
        cpu: Duration::from_millis(ticks * 10),
        private_bytes: kilobytes * 1024,
        held: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn procfs_is_read_past_a_program_name_with_brackets() {
        let stat = "42 (a) b) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99 1000 10";
        let own = linux_use(stat, "VmSize: 99 kB\nRssAnon:\t    4096 kB\n");
        let expected = OwnUse { cpu: Duration::from_secs(3), private_bytes: 4 << 20, held: None };
        assert_eq!(own, Some(expected));
        assert_eq!(linux_use("", ""), None);
    }
}
