//! What hosts are installed from: a folder that the server was given, and the template for Group
//! Policy, which is built in.

use std::{
    fs,
    io::{self, Cursor, Write},
    path::Path,
};

use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

/// Files that are offered at most.
const FILES: usize = 50;
/// Bytes of a file that is offered: a download is read into memory.
const FILE_BYTES: u64 = 64 << 20;
/// Endings of files that are offered.
const ENDINGS: [&str; 4] = [".msi", ".exe", ".mst", ".zip"];

/// The template as Windows finds it in `PolicyDefinitions`.
const POLICY: [(&str, &[u8]); 2] = [
    ("Poolwatch.admx", include_bytes!("../../deploy/policy/Poolwatch.admx")),
    ("en-US/Poolwatch.adml", include_bytes!("../../deploy/policy/en-US/Poolwatch.adml")),
];

/// The files of a folder that are offered, by name: packages, programs, transforms and archives of up
/// to 64 MB. A folder that is not there offers none.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> io::Result<Vec<(String, u64)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // No link: it could lead to what nobody meant to offer.
        let data = entry.metadata()?;
        let is_offered = data.is_file()
            && data.len() <= FILE_BYTES
            && ENDINGS.iter().any(|ending| name.to_lowercase().ends_with(ending))
            && !name.chars().any(|c| c.is_control() || c == '"');
        if is_offered && files.len() < FILES {
            files.push((name, data.len()));
        }
    }
    files.sort();
    Ok(files)
}

/// The template as an archive.
///
/// # Errors
/// When it cannot be written.
pub fn policy_archive() -> ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in POLICY {
        archive.start_file(name, options)?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packages_of_the_folder_itself_are_offered() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["agent.msi", "Agent.EXE", "notes.txt", ".hidden"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        fs::create_dir(folder.path().join("more.zip")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd.zip")).unwrap();
        let names: Vec<String> =
            list(folder.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["Agent.EXE", "agent.msi"]);
        assert!(list(&folder.path().join("none")).unwrap().is_empty());
    }

    #[test]
    fn the_template_is_an_archive_of_both_files() {
        let bytes = policy_archive().unwrap();
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut archive.by_name("Poolwatch.admx").unwrap(), &mut text)
            .unwrap();
        assert!(text.contains("policyDefinitions"));
        assert!(archive.by_name("en-US/Poolwatch.adml").is_ok());
    }
}
