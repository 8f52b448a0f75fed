//! Names of Active Directory.

/// The part of a computer's distinguished name that names where it lies:
/// `CN=FS-02,OU=Files,DC=example,DC=net` lies in `OU=Files,DC=example,DC=net`. `None` when nothing
/// follows the first name.
#[must_use]
pub fn ou_of(distinguished_name: &str) -> Option<&str> {
    let mut escaped = false;
    for (at, character) in distinguished_name.char_indices() {
        match character {
            ',' if !escaped => {
                return Some(distinguished_name[at + 1..].trim_start()).filter(|ou| !ou.is_empty());
            }
            character => escaped = character == '\\' && !escaped,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_is_left_out_and_escaped_commas_do_not_end_it() {
        for (name, ou) in [
            ("CN=FS-02,OU=Files,DC=example,DC=net", Some("OU=Files,DC=example,DC=net")),
            (r"CN=a\,b,OU=x", Some("OU=x")),
            (r"CN=a\\,OU=x", Some("OU=x")),
            ("CN=a", None),
            ("CN=a,", None),
            ("", None),
        ] {
            assert_eq!(ou_of(name), ou, "{name}");
        }
    }
}
