//! Seeds: their texts, and the numbers that come from them. The literal numbers
//! were worked out by another program from the published algorithms (SplitMix64
//! and FNV-1a); a change of them breaks every seed that somebody wrote down.

use std::collections::BTreeSet;

use duroxide_sim::Seed;
use proptest::prelude::*;

fn seed(text: &str) -> Seed {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_seed_parses_from_what_it_prints() {
    crate::check(256, any::<u64>(), |number| {
        prop_assert_eq!(seed(&Seed(number).to_string()), Seed(number));
        prop_assert_eq!(seed(&format!("{number:#x}")), Seed(number));
        prop_assert_eq!(seed(&format!("0x{number:X}")), Seed(number));
        prop_assert_eq!(seed(&format!("0x{number:016x}")), Seed(number));
        prop_assert_eq!(seed(&format!("  {number}\n")), Seed(number));
        Ok(())
    });
}

#[test]
fn decimal_and_hexadecimal_numbers_are_seeds() {
    let seeds = [
        ("0", 0),
        ("42", 42),
        ("007", 7),
        ("1234567", 1_234_567), // Long enough for a hash, but a number.
        ("00000000000000000042", 42),
        ("18446744073709551615", u64::MAX),
        ("0x0", 0),
        ("0x2a", 42),
        ("0xFFFFFFFFFFFFFFFF", u64::MAX),
        ("0x00000000000000000000002a", 42),
    ];
    for (text, number) in seeds {
        assert_eq!(seed(text), Seed(number), "{text}");
    }
    assert_eq!(Seed::from(42), Seed(42));
}

#[test]
fn commit_hashes_are_seeds() {
    let seeds = [
        ("deadbeef", 424_747_051_837_815_878),
        ("DeadBeef", 424_747_051_837_815_878),
        ("1234567a", 12_573_807_730_743_803_659),
        ("0000000000000000000000000000000000000000", 1_809_410_632_940_833_141),
        ("123456789012345678901", 12_105_414_089_134_236_295),
    ];
    for (text, number) in seeds {
        assert_eq!(seed(text), Seed(number), "{text}");
    }
    crate::check(256, "[0-9a-f]{6,63}[a-f]", |hash| {
        prop_assert_eq!(seed(&hash), seed(&hash.to_uppercase()));
        prop_assert_ne!(seed(&hash), seed(&format!("{}0", &hash[1..])), "another hash is another seed");
        Ok(())
    });
}

#[test]
fn what_is_no_seed_is_refused_with_the_forms_that_are() {
    let too_long = "a".repeat(65);
    let signs = ["-1", "+1", "- 1", "0x-1", "0x+1"];
    let forms = ["", "0x", "0X2a", "x2a", "0xg", "0b1", "4 2", "4_2", "4.2", "1e3", "nan", "٤٢", "\u{ff14}"];
    let hashes = ["abcdef", "12345g7", "deadbeef!", "dead beef", &too_long];
    let numbers = ["18446744073709551616", "99999999999999999999", "0x10000000000000000", "0xdeadbeefdeadbeefdeadbeef"];
    for text in signs.iter().chain(&forms).chain(&hashes).chain(&numbers) {
        let error = text.parse::<Seed>().expect_err(text).to_string();
        assert_eq!(
            error,
            format!(
                "{text:?} is not a seed. Give a decimal number up to 18446744073709551615, a hexadecimal number after \
                 0x, or a commit hash of 7 to 64 hexadecimal digits (for example in DUROXIDE_SIM_SEED)."
            )
        );
    }
}

#[test]
fn any_text_is_a_seed_or_refused() {
    crate::check(512, any::<String>(), |text| {
        if let Ok(seed) = text.parse::<Seed>() {
            let digits = text.trim().trim_start_matches("0x");
            prop_assert!(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()), "{seed}");
        }
        Ok(())
    });
}

#[test]
fn the_numbers_of_a_seed_are_pinned() {
    let first = |seed: u64| {
        let mut stream = Seed(seed).stream();
        [stream.next_u64(), stream.next_u64(), stream.next_u64()]
    };
    assert_eq!(first(0), [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    assert_eq!(first(1_234_567), [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
}

#[test]
fn the_children_of_a_seed_are_pinned() {
    assert_eq!(Seed(42).child("entropy"), Seed(861_854_832_735_986_478));
    assert_eq!(Seed(42).child("a"), Seed(11_337_199_242_321_671_249));
    assert_eq!(Seed(0).child(""), Seed(9_886_184_608_339_236_366));
}

#[test]
fn streams_of_children_share_no_numbers() {
    let purposes = ["", "a", "b", "ab", "ba", "entropy", "body"];
    let mut all = BTreeSet::new();
    let seeds = [0, 1, 2, 42, u64::MAX].map(Seed);
    let children = seeds.iter().flat_map(|seed| purposes.iter().map(|purpose| seed.child(purpose)));
    let grandchildren = [Seed(1).child("a").child("b"), Seed(1).child("b").child("a")];
    let streams: Vec<Seed> = seeds.iter().copied().chain(children).chain(grandchildren).collect();
    for seed in &streams {
        let mut stream = seed.stream();
        all.extend((0..200).map(|_| stream.next_u64()));
    }
    assert_eq!(all.len(), streams.len() * 200);
}

#[test]
fn below_stays_below_and_reaches_everything() {
    let mut stream = Seed(42).stream();
    let ten: Vec<u64> = (0..4).map(|_| stream.below(10)).collect();
    assert_eq!(ten, [7, 1, 2, 3]);

    crate::check(256, (any::<u64>(), any::<u64>()), |(seed, bound)| {
        let mut stream = Seed(seed).stream();
        let drawn = stream.below(bound);
        prop_assert!(drawn < bound || bound == 0);
        prop_assert_eq!(stream.below(1), 0);
        prop_assert_eq!(stream.below(0), 0);
        Ok(())
    });

    let mut stream = Seed(1).stream();
    let mut counts = [0_u32; 6];
    (0..60_000).for_each(|_| counts[stream.below(6) as usize] += 1);
    // Ten thousand each; the standard deviation is 91.
    assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
}

#[test]
fn one_in_n_is_never_for_0_and_always_for_1() {
    let mut stream = Seed(3).stream();
    assert!((0..1000).all(|_| !stream.one_in(0)));
    assert!((0..1000).all(|_| stream.one_in(1)));
    let times = (0..60_000).filter(|_| stream.one_in(6)).count();
    assert!((9_500..10_500).contains(&times), "{times}");
}

#[test]
fn fill_takes_a_word_for_every_eight_bytes_or_part_of_them() {
    let mut bytes = [0; 13];
    Seed(7).stream().fill(&mut bytes);
    assert_eq!(bytes, [215, 13, 50, 89, 228, 225, 203, 99, 28, 102, 60, 244, 215]);

    for length in 0..=33_usize {
        let mut words = Seed(7).stream();
        let expected: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| words.next_u64().to_le_bytes()).collect();
        let mut stream = Seed(7).stream();
        let mut bytes = vec![0; length];
        stream.fill(&mut bytes);
        assert_eq!(bytes, expected[..length]);
        assert_eq!(stream, words, "a length of {length} leaves the stream where whole words do");
    }
}
