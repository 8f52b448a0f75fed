//! A pooltag.txt of the debuggers' kit, where somebody installed that.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use poolwatch_model::{driver_scan::FileHash, inventory::TagListFile};
use poolwatch_protocol::{limits, v1::messages::TagListRequest};
use sha2::{Digest, Sha256};

use crate::system_folders::SystemFolders;

/// Folders of programs, and where the kits of Windows 10, 8.1, 8 and 7 put the debuggers below them. What
/// is there, administrators put there.
const PROGRAMS: [&str; 2] = ["Program Files (x86)", "Program Files"];
const KITS: [&[&str]; 8] = [
    &["Windows Kits", "10", "Debuggers", "x64"],
    &["Windows Kits", "10", "Debuggers", "x86"],
    &["Windows Kits", "8.1", "Debuggers", "x64"],
    &["Windows Kits", "8.1", "Debuggers", "x86"],
    &["Windows Kits", "8.0", "Debuggers", "x64"],
    &["Windows Kits", "8.0", "Debuggers", "x86"],
    &["Debugging Tools for Windows (x64)"],
    &["Debugging Tools for Windows (x86)"],
];

/// The newest list that is there and can be read.
pub(super) fn find(folders: &SystemFolders) -> Option<TagListFile> {
    let places = PROGRAMS.into_iter().flat_map(|programs| KITS.map(|kit| (programs, kit)));
    places.into_iter().find_map(|(programs, kit)| {
        let mut path = folders.drive.join(programs);
        path.extend(kit);
        path.extend(["triage", "pooltag.txt"]);
        let content = read(&path).ok()?;
        Some(TagListFile { path: path.to_str()?.to_owned(), sha256: hash(&content) })
    })
}

/// The list to be sent, if it is still the one that was found.
pub(super) fn load(file: &TagListFile) -> Option<TagListRequest> {
    let content = read(&PathBuf::from(&file.path)).ok()?;
    let text = String::from_utf8_lossy(&content);
    // The last byte of some is an end of file of DOS.
    let text = text.replace(|c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t'), " ");
    let request = TagListRequest { sha256: hash(&content), text };
    (request.sha256 == file.sha256).then_some(request)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(limits::TAG_LIST_BYTES as u64 + 1).read_to_end(&mut content)?;
    if content.len() > limits::TAG_LIST_BYTES {
        return Err(io::Error::other("too large for a pooltag.txt"));
    }
    Ok(content)
}

fn hash(content: &[u8]) -> FileHash {
    FileHash::new(Sha256::digest(content).into())
}
