//! What programs are called.

/// The name of a program's file. Tools leave its extension out; parts of Windows that are
/// processes without a file have none.
pub(crate) fn image(name: &str) -> String {
    const WITHOUT_FILE: [&str; 6] =
        ["Idle", "System", "Registry", "Memory Compression", "Secure System", "vmmem"];
    let has_file = !name.contains('.')
        && !WITHOUT_FILE.iter().any(|known| known.eq_ignore_ascii_case(name))
        && !name.starts_with("vmmem");
    if has_file { format!("{name}.exe") } else { name.to_owned() }
}

/// What a process is called whose image an output that is cut off has lost: as debuggers call it.
pub(crate) fn nameless(address: &str, pid: u32) -> String {
    format!("PROCESS {address} (Cid {pid:x})")
}

/// Whether a process is called so for want of its image.
pub(crate) fn is_nameless(image: &str) -> bool {
    image.is_empty() || image.starts_with("PROCESS ")
}
