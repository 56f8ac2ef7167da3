//! Generates texts: unusual ones, and those of names and payloads.

use duroxide_sim::seed::Stream;

use super::swarm::Swarm;

/// Texts that storage may misinterpret, fold, trim, truncate or splice into a
/// statement.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "A",
    "a ",
    " a",
    "a\n",
    "\r\n",
    "\t",
    "'",
    "''",
    "\"",
    "\\",
    "\\n",
    "\\u0000",
    "a'b",
    "'; DELETE FROM instances; --",
    "%",
    "_",
    "a%",
    "a_",
    "*",
    "?",
    "?1",
    "$1",
    ":a",
    "{}",
    "[]",
    "null",
    "NULL",
    "true",
    "0",
    "-1",
    "007",
    "1e5",
    "NaN",
    "\"quoted\"",
    "{\"instance\":\"a\",\"type\":\"x\"}",
    "[1,2",
    "unknown",
    "Unknown",
    "undefined",
    "a::1",
    "a:1",
    "a|b",
    "a,b",
    "a;b",
    "a/b/../c",
    "(a)",
    "é",
    "e\u{301}",
    "ß",
    "SS",
    "İ",
    "ı",
    "\u{212a}",
    "k",
    "ﬁ",
    "שלום",
    "مرحبا",
    "\u{202e}abc",
    "\u{200b}",
    "a\u{200d}b",
    "日本語",
    "🦀",
    "👩\u{200d}👩\u{200d}👧",
    "🇨🇭",
    "\u{feff}a",
    "\u{fffd}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "%s%n",
    "${a}",
    "turn",
    "@a",
];

/// Names that are similar to the first.
const TWINS: &[&str] = &[
    "a",
    "A",
    "a ",
    "a::2",
    "a_",
    "a%",
    "ab",
    "á",
    "a\u{301}",
    " a",
    "a\n",
    "a:",
    "a\u{200b}",
    "a'",
    "aa",
    "a.",
    "a::",
];

/// The lengths of long texts: those around which storage changes its behaviour
/// (an index page, a row that moves out of line, a length in two bytes).
const LONG: &[usize] = &[255, 256, 1000, 2000, 2704, 4096, 8191, 8192, 20_000, 32_767];

/// One of the unusual texts.
pub(super) fn awkward(random: &mut Stream, swarm: &Swarm) -> String {
    if swarm.nul && random.one_in(4) {
        return ["\0", "a\0", "a\0b", "\0a"][random.below(4) as usize].to_owned();
    }
    AWKWARD[random.below(AWKWARD.len() as u64) as usize].to_owned()
}

/// Returns `count` different names; plain ones are `prefix` with a number.
pub(super) fn pool(random: &mut Stream, swarm: &Swarm, prefix: &str, count: u64) -> Vec<String> {
    let mut names = Vec::with_capacity(count as usize);
    for number in 0..count {
        let name = if swarm.twins && random.below(4) > 0 {
            TWINS[random.below(TWINS.len() as u64) as usize].to_owned()
        } else if random.below(16) < swarm.awkward {
            awkward(random, swarm)
        } else if swarm.long > 0 && random.one_in(swarm.long * 4) {
            long(random, swarm, &[255, 256, 300, 1000, 2000])
        } else {
            format!("{prefix}{number}")
        };
        names.push(if names.contains(&name) { format!("{prefix}{number}") } else { name });
    }
    names
}

/// A text of about one of these lengths in bytes.
fn long(random: &mut Stream, swarm: &Swarm, lengths: &[usize]) -> String {
    let length = lengths[random.below(lengths.len() as u64) as usize];
    let unit = match random.below(4) {
        0 => "é",
        1 => "🦀",
        2 if random.below(16) < swarm.awkward => "'\\\"",
        _ => "a",
    };
    unit.repeat(length.div_ceil(unit.len()))
}

/// An input, a result or a value: any text.
pub(super) fn payload(random: &mut Stream, swarm: &Swarm) -> String {
    if swarm.awkward > 0 && random.below(16) < swarm.awkward {
        return awkward(random, swarm);
    }
    if swarm.huge && random.one_in(100) {
        return "0123456789abcdef".repeat(7000);
    }
    if random.one_in(swarm.long) {
        return long(random, swarm, LONG);
    }
    const PLAIN: [&str; 8] = ["", "x", "y", "1", "{\"n\":1}", "null", "a longer text with some words in it", "\"x\""];
    PLAIN[random.below(8) as usize].to_owned()
}
