//! Addresses of pages. Every text that comes from outside is percent-encoded here.

mod comparison;
mod fact;

use std::fmt::{self, Write};

use poolwatch_model::{HostId, PoolTag, incident::IncidentId};

pub use comparison::{AGES, compare_former, compare_group, compare_healthy, compare_with_group};
pub use fact::{attribute, fact, process_on_host, tag_on_host};

/// A host as pages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLink {
    /// Which host.
    pub id: HostId,
    /// Its short name.
    pub name: String,
}

impl HostLink {
    /// The address of its page.
    #[must_use]
    pub fn url(&self) -> String {
        host(self.id)
    }
}

/// The page of a host.
#[must_use]
pub fn host(id: HostId) -> String {
    format!("/hosts/{id}")
}

/// The page of an incident.
#[must_use]
pub fn incident(id: &IncidentId) -> String {
    format!("/incidents/{}", id.0)
}

/// The page of a diagnosis of texts.
#[must_use]
pub fn diagnosis(id: impl fmt::Display) -> String {
    format!("/evidence/{id}")
}

/// The page of a tag.
#[must_use]
pub fn tag(tag: &PoolTag) -> String {
    // Browsers take a part of dots alone for a way up, however it is encoded.
    let text = tag.to_string();
    let text = if is_dots(&text) { text.replace('.', "\\x2e") } else { text };
    below("/tags/", &text)
}

/// The page of a program. One whose name no address can hold is looked for in the list.
#[must_use]
pub fn application(image: &str) -> String {
    named("/applications", image)
}

/// The page of a driver, likewise.
#[must_use]
pub fn driver(name: &str) -> String {
    named("/drivers", name)
}

/// The last part of a file's address.
#[must_use]
pub fn file_name(name: &str) -> String {
    below("", name)
}

fn named(list: &str, name: &str) -> String {
    if name.is_empty() || is_dots(name) {
        return Address::new(list).with("q", name).finish();
    }
    below(&format!("{list}/"), name)
}

/// A text as a file that needs no server.
#[must_use]
pub fn text_file(content: &str) -> String {
    below("data:application/octet-stream,", content)
}

fn below(path: &str, name: &str) -> String {
    let mut text = path.to_owned();
    percent_encode(name, &mut text);
    text
}

fn is_dots(text: &str) -> bool {
    matches!(text, "." | "..")
}

/// Builds `path?name=value&…`; parameters without a value are left out.
#[derive(Debug, Clone)]
pub struct Address {
    text: String,
    separator: char,
}

impl Address {
    /// An address without parameters.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { text: path.into(), separator: '?' }
    }

    /// Adds a parameter, unless `value` is empty.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.text.push(self.separator);
            self.text.push_str(name);
            self.text.push('=');
            percent_encode(value, &mut self.text);
            self.separator = '&';
        }
        self
    }

    /// The finished address.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Everything but the unreserved characters of RFC 3986 becomes `%XX`.
fn percent_encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                to.push(char::from(byte));
            }
            _ => write!(to, "%{byte:02X}").expect("a String takes everything"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_has_an_address_of_its_own() {
        for (bytes, address) in [
            (*b"Thre", "/tags/Thre"),
            (*b"Io  ", "/tags/Io"),
            (*b"<b>/", "/tags/%3Cb%3E%2F"),
            (*b"a?#%", "/tags/a%3F%23%25"),
            ([0, 0xff, b'\\', b' '], "/tags/%5Cx00%5Cxff%5Cx5c"),
            (*b"..  ", "/tags/%5Cx2e%5Cx2e"),
            (*b" .. ", "/tags/%20.."),
            (*b"    ", "/tags/%5Cx20"),
        ] {
            assert_eq!(tag(&PoolTag::new(bytes)), address);
        }
        assert_eq!("\\x2e\\x2e".parse(), Ok(PoolTag::new(*b"..  ")));
    }

    #[test]
    fn a_name_that_is_a_way_up_is_looked_for_in_its_list() {
        assert_eq!(application("a b/c.exe"), "/applications/a%20b%2Fc.exe");
        assert_eq!(application(".."), "/applications?q=..");
        assert_eq!(driver("."), "/drivers?q=.");
        assert_eq!(driver(""), "/drivers");
    }

    #[test]
    fn hostile_text_stays_inside_its_parameter() {
        let address = Address::new("/hosts")
            .with("q", "\"><b>&x=1#ü\r\n")
            .with("group", "")
            .with("page", "2");
        assert_eq!(address.finish(), "/hosts?q=%22%3E%3Cb%3E%26x%3D1%23%C3%BC%0D%0A&page=2");
    }
}
