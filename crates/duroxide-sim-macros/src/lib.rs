//! The attribute `#[duroxide_sim::test]`; `duroxide-sim` exports and documents it.
//!
//! It reads its item without a parsing library, which would cost users more build time than the
//! rest of the harness's own dependencies.

use proc_macro::{Delimiter, Group, Span, TokenStream, TokenTree};

/// See `duroxide_sim::test`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    match expand(arguments, item) {
        Ok(test) => test,
        Err(Misuse { what, at }) => {
            let error: TokenStream =
                format!("::core::compile_error!({what:?});").parse().expect("a quoted text is a literal");
            error.into_iter().map(|token| located(token, at)).collect()
        }
    }
}

/// Why the attribute cannot be expanded, and where.
struct Misuse {
    what: &'static str,
    at: Span,
}

impl Misuse {
    fn new(what: &'static str, at: Span) -> Misuse {
        Misuse { what, at }
    }
}

fn located(mut token: TokenTree, at: Span) -> TokenTree {
    token.set_span(at);
    token
}

/// The seeds that the attribute names.
enum Seeds {
    One(String),
    Many(String),
}

/// Reads `seed = N`, `seeds = N`, or nothing.
fn seeds(arguments: TokenStream) -> Result<Seeds, Misuse> {
    const USE: &str = "#[duroxide_sim::test] takes nothing, `seed = 7`, or `seeds = 1000`.";
    const OF_TOKIO: &str = "This is an option of #[tokio::test]. Remove it: a simulation has one thread and a virtual \
                            clock. #[duroxide_sim::test] takes nothing, `seed = 7`, or `seeds = 1000`.";
    let mut tokens: Vec<TokenTree> = arguments.into_iter().collect();
    tokens.pop_if(|last| is_comma(last));
    let at = tokens.first().map_or_else(Span::call_site, TokenTree::span);
    let of_tokio = ["flavor", "worker_threads", "start_paused", "crate", "unhandled_panic"];
    if tokens.first().is_some_and(|token| of_tokio.contains(&token.to_string().as_str())) {
        return Err(Misuse::new(OF_TOKIO, at));
    }
    match &tokens[..] {
        [] => Ok(Seeds::One("1".to_owned())),
        [TokenTree::Ident(name), TokenTree::Punct(equals), TokenTree::Literal(number)] if equals.as_char() == '=' => {
            match name.to_string().as_str() {
                "seed" => Ok(Seeds::One(number.to_string())),
                "seeds" => Ok(Seeds::Many(number.to_string())),
                _ => Err(Misuse::new(USE, at)),
            }
        }
        _ => Err(Misuse::new(USE, at)),
    }
}

/// The parts of the item.
struct Function {
    /// Attributes and visibility.
    before: TokenStream,
    name: TokenTree,
    arguments: Group,
    /// What follows the arguments: the type that is returned, and the body.
    after: TokenStream,
}

fn function(item: TokenStream) -> Result<Function, Misuse> {
    const WANTED: &str = "#[duroxide_sim::test] belongs on an `async fn`.";
    let tokens: Vec<TokenTree> = item.into_iter().collect();
    let is = |token: &TokenTree, word: &str| matches!(token, TokenTree::Ident(ident) if ident.to_string() == word);
    let at = tokens.iter().position(|token| is(token, "fn")).ok_or(Misuse::new(WANTED, Span::call_site()))?;
    if at == 0 || !is(&tokens[at - 1], "async") {
        return Err(Misuse::new(WANTED, tokens[at].span()));
    }
    let [_, name, TokenTree::Group(arguments), after @ ..] = &tokens[at..] else {
        return Err(Misuse::new("#[duroxide_sim::test] does not take generic functions.", tokens[at].span()));
    };
    if arguments.delimiter() != Delimiter::Parenthesis {
        return Err(Misuse::new(WANTED, arguments.span()));
    }
    Ok(Function {
        before: tokens[..at - 1].iter().cloned().collect(),
        name: name.clone(),
        arguments: arguments.clone(),
        after: after.iter().cloned().collect(),
    })
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

/// Whether the function has an argument: the handle.
fn has_argument(arguments: &Group) -> Result<bool, Misuse> {
    let mut tokens: Vec<TokenTree> = arguments.stream().into_iter().collect();
    tokens.pop_if(|last| is_comma(last));
    // A comma inside angle brackets would be one of the type's.
    let commas = tokens.iter().filter(|token| is_comma(token)).count();
    match (tokens.is_empty(), commas) {
        (true, _) => Ok(false),
        (false, 0) => Ok(true),
        (false, _) => Err(Misuse::new(
            "#[duroxide_sim::test] takes a function without arguments, or with one: `sim: duroxide_sim::Handle`.",
            arguments.span(),
        )),
    }
}

fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, Misuse> {
    let seeds = seeds(arguments)?;
    let Function { before, name, arguments, after } = function(item)?;
    let call = if has_argument(&arguments)? { "body(sim)" } else { "{ let _ = sim; body() }" };
    let run = match seeds {
        Seeds::One(seed) => format!("::duroxide_sim::Sim::new({seed}).run(|sim| {call});"),
        Seeds::Many(seeds) => {
            format!("::duroxide_sim::explore().seeds({seeds}).run(|sim| sim, |sim: ::duroxide_sim::Handle| {call});")
        }
    };
    let parse = |code: &str| code.parse::<TokenStream>().expect("the code of the test is Rust");
    let mut body = parse("async fn body");
    body.extend([TokenTree::Group(arguments)]);
    body.extend(after);
    body.extend(parse(&run));
    let mut test = parse("#[::core::prelude::v1::test]");
    test.extend(before);
    test.extend(parse("fn"));
    test.extend([name]);
    test.extend(parse("()"));
    test.extend([TokenTree::Group(Group::new(Delimiter::Brace, body))]);
    Ok(test)
}
