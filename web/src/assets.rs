//! Static files, built into the executable under names that hold the hash of their content.

/// One static file.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// The name that pages know it by (`app.css`).
    pub name: &'static str,
    /// The name it is served by, below `/static/` (`app-0123456789abcdef.css`). Another content
    /// has another path: it may be cached for ever.
    pub path: &'static str,
    /// Value of its `Content-Type`.
    pub content_type: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// Every static file, sorted by name.
pub const ALL: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file that is served as `/static/{path}`.
#[must_use]
pub fn find(path: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.path == path)
}

/// The address of the file that pages know as `name`.
///
/// # Panics
/// When there is no such file: the names stand in templates, and every template has a test.
#[must_use]
pub fn url(name: &str) -> String {
    let asset = ALL.iter().find(|asset| asset.name == name);
    asset.map_or_else(|| panic!("no static file {name}"), |asset| format!("/static/{}", asset.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_by_the_address_that_pages_print() {
        for asset in ALL {
            let url = url(asset.name);
            let found = find(url.strip_prefix("/static/").unwrap()).unwrap();
            assert_eq!(found.name, asset.name);
            assert!(!found.bytes.is_empty(), "{}", asset.name);
        }
        assert!(url("app.css").ends_with(".css"));
        assert!(find("app.css").is_none(), "only hashed names may be cached for ever");
        assert!(find("../Cargo.toml").is_none());
    }

    #[test]
    fn nothing_static_reaches_for_another_server() {
        for asset in ALL.iter().filter(|asset| !["htmx.js", "uplot.js"].contains(&asset.name)) {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let outside = text.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !outside.contains("http://") && !outside.contains("https://"),
                "{}",
                asset.name
            );
        }
    }
}
