//! What Windows shows of the executable: its version and icon, and that it needs no administrator and knows
//! every Windows from 7 on.

use std::{env, io};

/// The installer's.
const ICON: &str = "../deploy/msi/poolwatch.ico";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=resources");
    println!("cargo::rerun-if-changed={ICON}");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "windows") {
        let mut resource = winresource::WindowsResource::new();
        resource
            .set("FileDescription", "Poolwatch Agent")
            .set("ProductName", "Poolwatch Agent")
            .set("OriginalFilename", "poolwatch-agent.exe")
            .set("CompanyName", "Poolwatch")
            .set_icon(ICON)
            .set_manifest(include_str!("resources/agent.manifest"))
            .compile()?;
    }
    Ok(())
}
