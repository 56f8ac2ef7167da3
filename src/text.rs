//! What a person may be shown of a text that somebody else wrote.
//!
//! Names, ids, messages and payloads may hold anything: a line break that makes
//! a line of its own, an escape sequence that a terminal obeys, a control that
//! turns the reading direction around, a letter that nobody sees. Everything a
//! person reads goes through [`Line`], [`Lines`] or [`Quoted`], which write such
//! characters out. Data (JSON, capsules, traces as lines of JSON) stay exact.
//!
//! Writing out is idempotent, so that a sentence may be made of sentences: a
//! backslash is left as it is, but in quotes.

use std::fmt::{self, Display, Write};

/// A text on one line: whatever cannot be seen, breaks the line or steers a
/// terminal is written out, as in `\n`, `\u{1b}` and `\u{202e}`.
#[derive(Debug)]
pub struct Line<T>(pub T);

/// A text of several lines, as panics have: as [`Line`], but its line breaks
/// stay, and every line after the first is marked, so that none can be taken
/// for a line of ours.
#[derive(Debug)]
pub struct Lines<T>(pub T);

/// A text in double quotes, as in Rust's code, on one line.
pub(crate) struct Quoted<T>(pub T);

/// JSON, exactly the same to whoever reads it, in which nothing stands that
/// cannot be seen.
#[derive(Debug)]
pub struct Json<T>(pub T);

/// What marks the second and later lines of a text.
const MARK: &str = "\n  | ";

/// [`Line`] as a `String`.
pub fn line(text: impl Display) -> String {
    Line(text).to_string()
}

impl<T: Display> Display for Line<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Padding counts the letters that are shown.
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
        // Beyond ASCII there are only letters of strings in JSON.
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

/// What is treated in a way of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    None,
    /// Line breaks stay, and the next line is marked.
    Breaks,
    /// Quotes and backslashes are written out too.
    Quotes,
}

/// How much of one text a person is shown, in bytes. Data keep all of it.
const LONGEST: usize = 1 << 16;

/// Writes on what it is given, in a form that can be seen, and no more than a person
/// reads.
struct Escape<'a, W: ?Sized> {
    to: &'a mut W,
    as_is: Special,
    /// How many bytes it has been given.
    given: usize,
}

impl<W: Write + ?Sized> Escape<'_, W> {
    /// Writes `text` out, and says what was left out of it.
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

/// Whether a character can be seen, takes its own place on a line and changes
/// nothing about its neighbours' places.
fn is_seen(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        // Unicode's "default ignorable code points" that std takes for printable,
        // and a letter that is blank.
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

/// Whether std takes a character beyond ASCII for printable. After a letter, it
/// does not write out marks that combine with the letter, which many scripts
/// cannot do without.
fn is_printable(c: char) -> bool {
    let after_letter = String::from_iter(['a', c]);
    after_letter.escape_debug().nth(1) == Some(c)
}
