//! Rust code as a tree, and how it is laid out in lines.

/// A piece of Rust.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Code {
    /// Something that is never broken.
    Word(String),
    /// Parts between brackets, with commas: on one line if that fits.
    List { open: String, parts: Vec<Code>, close: &'static str },
    /// What stands before a piece.
    Before(String, Box<Code>),
    /// A method call on a receiver, and what follows it.
    Chain { receiver: String, call: Box<Code>, rest: Vec<String> },
}

/// How wide a line may get.
pub(super) const WIDTH: usize = 100;

/// A text in lines of at most so many letters, broken between words.
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
            // The rest of a struct, from another.
            ".." => Code::Before("..".to_owned(), Box::new(code)),
            name => Code::Before(format!("{name}: "), Box::new(code)),
        };
        Code::List { open: format!("{name} {{"), parts: fields.into_iter().map(field).collect(), close: "}" }
    }

    /// On one line.
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

    /// In lines, the first of which begins after `before` at this indentation.
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
                        // Nothing may follow it.
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
