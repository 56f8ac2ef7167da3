//! Escaping of foreign text for display.
//!
//! Names, ids, messages and payloads may contain anything: a line break that forges a line, an
//! escape sequence that a terminal obeys, a control character that reverses the reading direction,
//! or an invisible character. All output for people passes through [`Line`], [`Lines`] or
//! [`Quoted`], which escape such characters. Data (JSON, capsules, traces as JSON lines) stays
//! exact.
//!
//! Escaping is idempotent, so that messages can be nested: a backslash is not escaped, except in
//! quotes.

use std::fmt::{self, Display, Write};

/// A text on one line. Characters that are invisible, break the line or control a terminal are
/// escaped, as in `\n`, `\u{1b}` and `\u{202e}`.
#[derive(Debug)]
pub struct Line<T>(pub T);

/// A text of several lines, such as a panic message. Like [`Line`], but line breaks are kept, and
/// every line after the first is marked, so that it cannot be mistaken for a line of this crate's
/// output.
#[derive(Debug)]
pub struct Lines<T>(pub T);

/// A text in double quotes, as a Rust string literal, on one line.
pub(crate) struct Quoted<T>(pub T);

/// JSON with the same meaning that contains only visible characters.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// The mark at the start of the second and later lines of a text.
const MARK: &str = "\n  | ";

/// Returns a number with its noun: "1 entry", "2 entries".
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(number: N, one: &str, many: &str) -> String {
    if number == N::from(1) { format!("1 {one}") } else { format!("{number} {many}") }
}

/// Returns how often something happened: "once", "2 times".
pub(crate) fn times<N: Display + PartialEq + From<u8>>(number: N) -> String {
    if number == N::from(1) { "once".to_owned() } else { format!("{number} times") }
}

/// Returns the position of `name` in `text` as a word of its own.
pub(crate) fn position_of(name: &str, text: &str) -> Option<usize> {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let alone = |(at, _): &(usize, &str)| {
        !text[..*at].chars().next_back().is_some_and(part) && !text[at + name.len()..].chars().next().is_some_and(part)
    };
    if name.is_empty() {
        return None;
    }
    text.match_indices(name).find(alone).map(|(at, _)| at)
}

/// Formats [`Line`] as a `String`.
pub fn line(text: impl Display) -> String {
    Line(text).to_string()
}

impl<T: Display> Display for Line<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Padding must count the characters after escaping.
        if f.width().is_some() {
            let mut text = String::new();
            Escape::all(&mut text, Special::None, &self.0)?;
            return f.pad(&text);
        }
        Escape::all(f, Special::None, &self.0)
    }
}

impl<T: Display> Display for Lines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escape::all(f, Special::Breaks, &self.0)
    }
}

impl<T: Display> Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        Escape::all(f, Special::Quotes, &self.0)?;
        f.write_char('"')
    }
}

impl<T: Display> Display for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In JSON, characters beyond ASCII occur only in strings.
        for c in self.0.to_string().chars() {
            if is_seen(c) {
                f.write_char(c)?;
            } else {
                c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?;
            }
        }
        Ok(())
    }
}

/// The characters that are treated specially.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    None,
    /// Line breaks are kept, and the next line is marked.
    Breaks,
    /// Quotes and backslashes are escaped too.
    Quotes,
}

/// The length in bytes to which a displayed text is cut. Data is never cut.
const LONGEST: usize = 1 << 16;

/// Writes text in escaped form, up to the length limit.
struct Escape<'a, W: ?Sized> {
    to: &'a mut W,
    as_is: Special,
    /// The number of bytes received so far.
    given: usize,
}

impl<W: Write + ?Sized> Escape<'_, W> {
    /// Writes the escaped `text`, and how many bytes were left out.
    fn all(to: &mut W, as_is: Special, text: impl Display) -> fmt::Result {
        let mut escape = Escape { to, as_is, given: 0 };
        write!(escape, "{text}")?;
        match escape.given.saturating_sub(LONGEST) {
            0 => Ok(()),
            more => write!(escape.to, " [and {more} more bytes]"),
        }
    }
}

impl<W: Write + ?Sized> Write for Escape<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LONGEST.saturating_sub(self.given);
        self.given += text.len();
        let end = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let text = &text[..end];
        let mut written = 0;
        for (at, c) in text.char_indices() {
            let special = match self.as_is {
                Special::None => false,
                Special::Breaks => c == '\n',
                Special::Quotes => matches!(c, '"' | '\\'),
            };
            if !special && is_seen(c) {
                continue;
            }
            self.to.write_str(&text[written..at])?;
            written = at + c.len_utf8();
            match (self.as_is, special) {
                (Special::Breaks, true) => self.to.write_str(MARK)?,
                _ => write!(self.to, "{}", c.escape_default())?,
            }
        }
        self.to.write_str(&text[written..])
    }
}

/// Whether a character is visible, takes its own place on a line and does not affect its
/// neighbours.
fn is_seen(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        // Unicode's "default ignorable code points" that std considers printable, and a letter that
        // is blank.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffc}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => false,
        c => is_printable(c),
    }
}

/// Whether std considers a character beyond ASCII printable. The character is tested after a
/// letter, because std then does not escape combining marks, which many scripts need.
fn is_printable(c: char) -> bool {
    let after_letter = String::from_iter(['a', c]);
    after_letter.escape_debug().nth(1) == Some(c)
}
