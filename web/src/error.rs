//! What a person sees when a request fails: a page, or a fragment where htmx asked.

use askama::Template;

use crate::{Shell, assets};

/// A failed request. Shows nothing of the inside: the request id leads to the log.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What surrounds the page, when somebody is signed in.
    pub shell: Option<Shell>,
    /// Status of the response.
    pub status: u16,
    /// What happened (`There is no such host`).
    pub title: String,
    /// What to do about it.
    pub advice: String,
    /// The address without its parameters, where these are what cannot be read.
    pub path: Option<String>,
    /// The number that the log knows the request by.
    pub request_id: String,
}

impl ErrorPage {
    /// The fragment for htmx, to be sent with the same status: shown as a notice at the foot of
    /// the page, which stays as it is.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_fragment(&self) -> Result<String, crate::RenderError> {
        Fragment { title: &self.title, advice: &self.advice, request_id: &self.request_id }.render()
    }
}

#[derive(Template)]
#[template(path = "error_fragment.html")]
struct Fragment<'a> {
    title: &'a str,
    advice: &'a str,
    request_id: &'a str,
}
