//! A tree of Rust code, and its formatting in lines.

use super::uses::{Used, Uses};

/// A piece of Rust code.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Code {
    /// Code that is never wrapped.
    Word(String),
    /// `None`.
    None,
    /// A `String`.
    Text(String),
    /// Comma-separated parts in brackets, on one line if that fits.
    List { open: String, parts: Vec<Code>, close: &'static str },
    /// A prefix of another piece.
    Before(String, Box<Code>),
    /// A method call on a receiver, and further calls on the result.
    Chain { receiver: String, call: Box<Code>, rest: Vec<String> },
    /// A piece that uses something.
    Using(Used, Box<Code>),
}

/// The text as a letter and how often it is repeated, if it is a long one of
/// that kind.
pub(super) fn repeated(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let is_long = text.len() > 80 && text.chars().all(|letter| letter == first);
    is_long.then(|| (first, text.chars().count()))
}

/// The maximum width of a line.
pub(super) const WIDTH: usize = 100;

/// Wraps a text into lines of at most `width` characters.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

impl Code {
    pub fn word(text: impl Into<String>) -> Code {
        Code::Word(text.into())
    }

    /// A text as a `&str`.
    pub fn str(text: &str) -> Code {
        Code::Word(match repeated(text) {
            Some((letter, count)) => format!("&{:?}.repeat({count})", letter.to_string()),
            None => format!("{text:?}"),
        })
    }

    /// The code, which uses something.
    pub fn using(self, used: impl Into<Used>) -> Code {
        Code::Using(used.into(), Box::new(self))
    }

    /// Adds what the code uses to `uses`.
    pub fn record_uses(&self, uses: &mut Uses) {
        match self {
            Code::Word(_) | Code::None | Code::Text(_) => {}
            Code::List { parts, .. } => parts.iter().for_each(|part| part.record_uses(uses)),
            Code::Before(_, code) | Code::Chain { call: code, .. } => code.record_uses(uses),
            Code::Using(used, code) => {
                uses.insert(*used);
                code.record_uses(uses);
            }
        }
    }

    /// `[a, b]`.
    pub fn array(parts: Vec<Code>) -> Code {
        Code::List { open: "[".to_owned(), parts, close: "]" }
    }

    /// `&[a, b]`.
    pub fn slice(parts: Vec<Code>) -> Code {
        Code::List { open: "&[".to_owned(), parts, close: "]" }
    }

    /// `open(a, b)`.
    pub fn call(name: &str, parts: Vec<Code>) -> Code {
        Code::List { open: format!("{name}("), parts, close: ")" }
    }

    /// `vec![a, b]`.
    pub fn vec(parts: Vec<Code>) -> Code {
        Code::List { open: "vec![".to_owned(), parts, close: "]" }
    }

    /// `Name { a: 1, b: 2 }`.
    pub fn record(name: &str, fields: Vec<(&str, Code)>) -> Code {
        let field = |(name, code): (&str, Code)| match name {
            // The remaining fields, taken from another value.
            ".." => Code::Before("..".to_owned(), Box::new(code)),
            name => Code::Before(format!("{name}: "), Box::new(code)),
        };
        Code::List { open: format!("{name} {{"), parts: fields.into_iter().map(field).collect(), close: "}" }
    }

    /// The code on one line.
    fn flat(&self) -> String {
        match self {
            Code::Word(text) => text.clone(),
            Code::None => "None".to_owned(),
            Code::Text(text) if text.is_empty() => "String::new()".to_owned(),
            Code::Text(text) => match repeated(text) {
                Some((letter, count)) => format!("{:?}.repeat({count})", letter.to_string()),
                None => format!("{text:?}.to_owned()"),
            },
            Code::Using(_, code) => code.flat(),
            Code::Before(text, code) => text.clone() + &code.flat(),
            Code::List { open, parts, close } => {
                let space = if *close == "}" && !parts.is_empty() { " " } else { "" };
                let parts: Vec<String> = parts.iter().map(Code::flat).collect();
                format!("{open}{space}{}{space}{close}", parts.join(", "))
            }
            Code::Chain { receiver, call, rest } => format!("{receiver}.{}{}", call.flat(), rest.concat()),
        }
    }

    /// The code in lines; the first follows `before`, at this indentation.
    pub fn lay_out(&self, before: &str, indent: usize, after: &str) -> String {
        let flat = self.flat();
        if indent + before.chars().count() + flat.chars().count() + after.len() <= WIDTH {
            return format!("{}{before}{flat}{after}\n", " ".repeat(indent));
        }
        let pad = " ".repeat(indent);
        match self {
            Code::Word(_) | Code::None | Code::Text(_) => format!("{pad}{before}{flat}{after}\n"),
            Code::Using(_, code) => code.lay_out(before, indent, after),
            Code::Before(text, code) => code.lay_out(&format!("{before}{text}"), indent, after),
            Code::List { open, parts, close } => {
                let parts: String = parts
                    .iter()
                    .map(|part| match part {
                        // No comma may follow it.
                        Code::Before(text, _) if text == ".." => part.lay_out("", indent + 4, ""),
                        part => part.lay_out("", indent + 4, ","),
                    })
                    .collect();
                format!("{pad}{before}{open}\n{parts}{pad}{close}{after}\n")
            }
            Code::Chain { receiver, call, rest } => {
                let end = if rest.is_empty() { after } else { "" };
                let mut text = format!("{pad}{before}{receiver}\n{}", call.lay_out(".", indent + 4, end));
                for (at, link) in rest.iter().enumerate() {
                    let end = if at + 1 == rest.len() { after } else { "" };
                    text += &format!("{pad}    {link}{end}\n");
                }
                text
            }
        }
    }
}
