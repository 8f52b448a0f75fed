//! Gives every static file a name that holds the hash of its content, so that browsers may keep it
//! for ever, and writes the table that `src/assets.rs` includes.

use std::{
    env,
    error::Error,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// What the pages load from npm packages: file, and the name that pages know it by.
const PACKAGES: [(&str, &str); 3] = [
    ("htmx.org/dist/htmx.min.js", "htmx.js"),
    ("uplot/dist/uPlot.iife.min.js", "uplot.js"),
    ("uplot/dist/uPlot.min.css", "uplot.css"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = own_files(&root.join("static"))?;
    for (file, name) in PACKAGES {
        let path = root.join("node_modules").join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        if !path.is_file() {
            println!("cargo::error={file} is missing: run `make setup` (or npm ci in web/) first");
            return Ok(());
        }
        files.push((name.to_owned(), path));
    }
    files.sort();

    let mut table = String::from("&[\n");
    for (name, path) in files {
        let content = fs::read(&path)?;
        let (stem, extension) =
            name.rsplit_once('.').ok_or("a static file without an extension")?;
        let content_type = content_type(extension)
            .ok_or_else(|| format!("{name}: no content type is known for .{extension}"))?;
        writeln!(
            table,
            "Asset {{ name: {name:?}, path: \"{stem}-{:016x}.{extension}\", \
             content_type: {content_type:?}, bytes: include_bytes!({path:?}) }},",
            fnv1a(&content)
        )?;
    }
    table.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("assets.rs"), table)?;
    Ok(())
}

fn own_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        println!("cargo::rerun-if-changed={}", path.display());
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("a name in UTF-8")?;
        files.push((name.to_owned(), path.clone()));
    }
    Ok(files)
}

fn content_type(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

/// FNV-1a, 64 bits: tells versions of our own files apart, needs no strength against attackers.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
