//! What hosts are installed from: a folder that the server was given, the template for Group Policy,
//! which is built in, and transforms of the package.

mod transform;

use std::{
    fs,
    io::{self, Cursor, Write},
    path::Path,
};

use poolwatch_web::deploy_kit::KitPackage;
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

pub use transform::write_transform;

/// Files that are offered at most.
const FILES: usize = 50;
/// Bytes of a file that is offered: a download is read into memory.
const FILE_BYTES: u64 = 64 << 20;
/// Endings of files that are offered.
const ENDINGS: [&str; 4] = [".msi", ".exe", ".mst", ".zip"];

/// The template as Windows finds it in `PolicyDefinitions`.
pub const POLICY: [(&str, &[u8]); 3] = [
    ("Poolwatch.admx", include_bytes!("../../deploy/policy/Poolwatch.admx")),
    ("en-US/Poolwatch.adml", include_bytes!("../../deploy/policy/en-US/Poolwatch.adml")),
    ("de-DE/Poolwatch.adml", include_bytes!("../../deploy/policy/de-DE/Poolwatch.adml")),
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

/// The version of the newest package among these files; `None` where there is none.
#[must_use]
pub fn newest_version(files: &[(String, u64)]) -> Option<String> {
    let numbers = |version: &&str| {
        let numbers: Result<Vec<u32>, _> = version.split('.').map(str::parse).collect();
        numbers.ok().filter(|numbers| numbers.len() == 3)
    };
    let versions = files
        .iter()
        .filter_map(|(name, _)| name.strip_prefix("poolwatch-agent-")?.strip_suffix("-x64.msi"));
    versions.filter(|version| numbers(version).is_some()).max_by_key(numbers).map(str::to_owned)
}

/// The packages of a version in a folder, with what their bytes sum up to.
///
/// # Errors
/// When the folder or a package cannot be read.
pub fn packages(folder: &Path, version: &str) -> io::Result<Vec<KitPackage>> {
    let files = list(folder)?;
    let mut packages = Vec::new();
    for architecture in ["x64", "x86"] {
        let name = format!("poolwatch-agent-{version}-{architecture}.msi");
        if files.iter().any(|(one, _)| *one == name) {
            let sha256 = hex::encode_upper(Sha256::digest(fs::read(folder.join(&name))?));
            packages.push(KitPackage { name, architecture, sha256 });
        }
    }
    Ok(packages)
}

/// Files as an archive, by their paths in it.
///
/// # Errors
/// When it cannot be written.
pub fn archive<'a>(files: impl IntoIterator<Item = (String, &'a [u8])>) -> ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in files {
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
    fn the_newest_package_is_found_and_summed_up() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["0.9.0-x64", "0.10.1-x64", "0.10.1-x86", "1-x64", "2.0.0-arm64"] {
            fs::write(folder.path().join(format!("poolwatch-agent-{name}.msi")), "abc").unwrap();
        }
        let files = list(folder.path()).unwrap();
        assert_eq!(newest_version(&files).as_deref(), Some("0.10.1"));
        assert_eq!(newest_version(&[]), None);
        let packages = packages(folder.path(), "0.10.1").unwrap();
        let names: Vec<&str> = packages.iter().map(|package| package.architecture).collect();
        assert_eq!(names, ["x64", "x86"]);
        let sum = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        assert_eq!(packages[0].sha256, sum);
    }

    #[test]
    fn an_archive_holds_its_files() {
        let files = POLICY.iter().map(|(name, content)| ((*name).to_owned(), *content));
        let mut archive = zip::ZipArchive::new(Cursor::new(archive(files).unwrap())).unwrap();
        let mut text = String::new();
        io::Read::read_to_string(&mut archive.by_name("Poolwatch.admx").unwrap(), &mut text)
            .unwrap();
        assert!(text.contains("policyDefinitions"));
        assert!(archive.by_name("de-DE/Poolwatch.adml").is_ok());
    }
}
