//! Names, payloads and numbers that nobody expects: what a person reads stays
//! lines of letters that can be seen, and what programs read stays exact.

mod misuse;
mod numbers;
mod texts;

use proptest::prelude::*;

/// Texts that would do harm where they are printed as they are.
fn text() -> impl Strategy<Value = String> {
    let harm = prop::sample::select(vec![
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\0",
        "\u{1b}[2J",
        "\u{7f}",
        "\u{9b}31m",
        "\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{2069}",
        "\u{200b}",
        "\u{200f}",
        "\u{ad}",
        "\u{2028}",
        "\u{2029}",
        "\u{3164}",
        "\u{feff}",
        "\u{fe0f}",
        "\u{e0041}",
        "\n  seed:         7",
        "\nRepeat it with:\n  true",
        "</script>",
        "<!--",
        "\\",
        "\"",
        "{{script}}",
        "ü",
        "漢字",
        "🚀",
        "+0.000  a        ** crashes **",
        " ",
    ]);
    let piece = prop_oneof![3 => harm.prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// The first character that nobody should be shown, if there is one.
fn unseen(text: &str) -> Option<char> {
    text.chars().find(|c| {
        let invisible = matches!(*c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
        *c != '\n' && (c.is_control() || invisible)
    })
}

/// A text of ours, in which everything can be seen.
#[track_caller]
fn seen(text: &str) -> Result<usize, TestCaseError> {
    prop_assert!(unseen(text).is_none(), "{:?} in {text:?}", unseen(text));
    Ok(text.lines().count())
}
