//! What is done to people and tokens, by pages and by `/api/v1` alike.

pub mod links;
pub mod mails;
pub mod passwords;
pub mod people;
pub mod second_factor;
pub mod tokens;

/// A name as it is kept, or `None` when it is empty, too long or no text.
fn read_name(name: &str) -> Option<&str> {
    /// Longest name, characters.
    const CHARACTERS: usize = 100;
    let name = name.trim();
    let is_text = !name.chars().any(char::is_control);
    (is_text && (1..=CHARACTERS).contains(&name.chars().count())).then_some(name)
}
