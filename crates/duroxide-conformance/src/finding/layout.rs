//! A tree of Rust code, and its formatting in lines.

/// A piece of Rust code.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Code {
    /// Code that is never wrapped.
    Word(String),
    /// Comma-separated parts in brackets, on one line if that fits.
    List { open: String, parts: Vec<Code>, close: &'static str },
    /// A prefix of another piece.
    Before(String, Box<Code>),
    /// A method call on a receiver, and further calls on the result.
    Chain { receiver: String, call: Box<Code>, rest: Vec<String> },
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
            Code::Word(text) => format!("{pad}{before}{text}{after}\n"),
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
