//! What stands in one cell of a list.

use askama::{Template, filters::HtmlSafe};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, PoolTag};

use crate::{
    HostLink,
    figures::{self, Figure},
    level::PoolLevel,
    links,
    mark::IncidentMark,
    sparkline::Sparkline,
    words::{self, Severity},
};

/// A host is set beside itself as it was so long before something happened on it.
const BEFORE: SignedDuration = SignedDuration::from_mins(1);

/// One cell: its pieces, side by side.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "parts/cell.html")]
pub struct Cell {
    /// Classes beside those of its column.
    pub(super) class: String,
    /// What it says when the pointer rests on it.
    pub(super) title: String,
    pieces: Vec<Piece>,
}

impl HtmlSafe for Cell {}

/// A piece of a cell.
#[derive(Debug, Clone)]
pub enum Piece {
    /// A text.
    Text(String),
    /// A number or a time, with a class where it needs one.
    Figure(&'static str, Figure),
    /// A text with a class and an explanation.
    Span {
        /// Its class; empty for none.
        class: String,
        /// What it says when the pointer rests on it; empty for nothing.
        title: String,
        /// The text.
        text: String,
    },
    /// A link.
    Link {
        /// Where to.
        url: String,
        /// Its text.
        text: String,
        /// Whether the text is code.
        is_code: bool,
        /// Whether it leads to what the row is about.
        is_of_row: bool,
    },
    /// A box by which a host is selected for a form.
    Checkbox {
        /// The host.
        host: HostLink,
        /// Id of the form.
        form: &'static str,
        /// What the form does with it (`Compare`).
        label: &'static str,
    },
    /// The mark of an open incident.
    Mark(IncidentMark),
    /// How a value went.
    Line(Sparkline),
    /// How a value went, as the way to its chart.
    Draw {
        /// What is drawn, see [`crate::host::DrawnFigure`].
        figure: String,
        /// The address that draws it.
        url: String,
        /// What it is called (`Thre in nonpaged pool`).
        name: String,
        /// The line; `None` where none is known.
        line: Option<Sparkline>,
    },
    /// How full a pool is, as a bar and a share.
    Share(PoolLevel),
    /// How bad something is.
    Severity(Severity),
}

impl Cell {
    /// A text.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::default().and(Piece::Text(text.into()))
    }

    /// A text that is cut where it does not fit, and whole when the pointer rests on it.
    pub(crate) fn cut(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { class: "cut".to_owned(), title: text.clone(), ..Self::text(text) }
    }

    /// What is not known.
    pub(crate) fn unknown() -> Self {
        Self::figure(figures::unknown())
    }

    /// A number or a time.
    pub(crate) fn figure(figure: Figure) -> Self {
        Self::default().and(Piece::Figure("", figure))
    }

    /// How full a pool is.
    pub(crate) fn level(level: PoolLevel) -> Self {
        let class = format!("share {}", level.pressure().class());
        Self::default().and(Piece::Share(level)).classed(class)
    }

    /// The way to a host beside itself as it was: shortly before a time, or a day ago.
    pub(crate) fn former_self(host: HostId, at: Option<Timestamp>) -> Self {
        let (url, words) = match at {
            Some(at) => {
                let before = at.saturating_sub(BEFORE).unwrap_or(at);
                (links::compare_former(host, before), "with before")
            }
            None => (links::compare_former(host, "24h"), "with 24 h ago"),
        };
        Self::default().link(url, words)
    }

    /// The link to what the row is about.
    pub(crate) fn row_link(self, url: String, text: impl Into<String>) -> Self {
        self.and(Piece::Link { url, text: named(text.into()), is_code: false, is_of_row: true })
    }

    /// The same of a tag.
    pub(crate) fn row_code(self, url: String, tag: &PoolTag) -> Self {
        self.and(Piece::Link { url, text: tag.to_string(), is_code: true, is_of_row: true })
    }

    /// An amount beside the host that has it.
    pub(crate) fn amount_on(amount: Figure, host: Option<&HostLink>) -> Self {
        let cell = Self::default().and(Piece::Figure("num amount", amount));
        match host {
            Some(host) => cell.link(host.url(), &host.name),
            None => cell,
        }
    }

    /// The same with one more piece.
    #[must_use]
    pub(crate) fn and(mut self, piece: Piece) -> Self {
        self.pieces.push(piece);
        self
    }

    /// The same with other classes beside those of its column.
    #[must_use]
    pub(crate) fn classed(self, class: impl Into<String>) -> Self {
        Self { class: class.into(), ..self }
    }

    /// The same with a link.
    #[must_use]
    pub(crate) fn link(self, url: String, text: impl Into<String>) -> Self {
        self.and(Piece::Link { url, text: named(text.into()), is_code: false, is_of_row: false })
    }

    /// The same with a link to a tag.
    #[must_use]
    pub(crate) fn code(self, url: String, tag: &PoolTag) -> Self {
        self.and(Piece::Link { url, text: tag.to_string(), is_code: true, is_of_row: false })
    }

    /// The same with a text of a class, and what it says when the pointer rests on it.
    #[must_use]
    pub(crate) fn span(
        self,
        class: impl Into<String>,
        title: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        let (class, title, text) = (class.into(), title.into(), text.into());
        self.and(Piece::Span { class, title, text })
    }

    /// The same with a text in the background.
    #[must_use]
    pub(crate) fn dim(self, text: impl Into<String>) -> Self {
        self.span("dim", "", text)
    }

    /// The same with the mark of an incident, if there is one.
    #[must_use]
    pub(crate) fn mark(self, incident: Option<IncidentMark>) -> Self {
        match incident {
            Some(mark) => self.and(Piece::Mark(mark)),
            None => self,
        }
    }
}

/// The text of a link: one without letters could not be pointed at.
fn named(text: String) -> String {
    if text.trim().is_empty() { words::or_unnamed(&text).to_owned() } else { text }
}
