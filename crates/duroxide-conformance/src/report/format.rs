//! [`Format`]: the format of a report.

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// Plain text for a terminal.
    Text,
    /// JSON for programs.
    Json,
    /// JUnit XML for tools that show test results.
    Junit,
    /// Markdown for a page.
    Markdown,
}

impl Format {
    /// Every format.
    pub const ALL: &[Format] = &[Format::Text, Format::Json, Format::Junit, Format::Markdown];

    /// The name of the format in `--report json=report.json`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Junit => "junit",
            Format::Markdown => "markdown",
        }
    }

    /// The format with this name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.iter().copied().find(|format| format.name() == name)
    }
}
