//! Scripts from seeds: the same each time, whole wherever they are cut, and
//! deep enough to reach what a provider can get wrong.

use duroxide_sim::Seed;
use duroxide_sim::conformance::{Area, Config, End, Profile, Script, Step, check_storage, replay, script};

mod survey;

use survey::{Factory, survey};

fn scripts(seeds: u64) -> impl Iterator<Item = (Seed, Profile)> {
    (0..seeds).map(|seed| (Seed(seed), Profile::ALL[seed as usize % Profile::ALL.len()]))
}

#[test]
fn a_seed_always_gives_the_same_script() {
    for (seed, profile) in scripts(400) {
        assert_eq!(script(seed, profile), script(seed, profile));
    }
}

#[test]
fn other_seeds_and_other_profiles_give_other_scripts() {
    let mut seen = std::collections::BTreeSet::new();
    for (seed, profile) in scripts(400) {
        assert!(seen.insert(script(seed, profile).to_string()), "the script of seed {seed} was there before");
    }
    let all = Profile::ALL.map(|profile| script(Seed(1), profile).to_string());
    assert_eq!(std::collections::BTreeSet::from(all).len(), Profile::ALL.len());
}

#[test]
fn a_script_survives_being_written_down() {
    for (seed, profile) in scripts(300) {
        let written = script(seed, profile);
        assert_eq!(written.to_string().parse::<Script>(), Ok(written));
    }
}

#[test]
fn any_part_of_a_script_is_a_script() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for (seed, profile) in scripts(360) {
        let mut random = seed.child("cuts").stream();
        let keep = 1 + random.below(8);
        let steps = script(seed, profile).steps.into_iter().filter(|_| random.below(8) < keep);
        let part = Script { steps: steps.collect() };
        let run = runtime.block_on(replay(&Factory::default(), &part));
        assert!(!matches!(run.end, End::Deviates(_)), "seed {seed}, {}: {:#?}\n{part}", profile.name(), run.end);
    }
}

#[test]
fn memory_never_deviates() {
    let survey = survey();
    assert!(survey.deviations.is_empty(), "{:#?}", survey.deviations);
    let config = Config { seed: Seed(7), calls: 100_000, ..Config::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let verdict = runtime.block_on(check_storage(&Factory::default(), &config));
    assert!(verdict.findings.is_empty(), "{:#?}", verdict.findings);
}

#[test]
fn few_scripts_are_inconclusive() {
    let survey = survey();
    assert!(survey.inconclusive * 100 < survey.scripts, "{} of {}", survey.inconclusive, survey.scripts);
}

#[test]
fn every_method_is_accepted_and_refused_often_enough() {
    println!("{:#?}", survey().methods);
}

#[test]
fn every_state_is_reached() {
    println!("{:#?}", survey().states);
}

#[test]
fn off_the_exact_clock_everything_ends_at_half_ticks() {
    for (seed, profile) in scripts(400) {
        let steps = script(seed, profile.on_grid(100)).steps;
        let waits = steps.iter().filter_map(|step| match step {
            Step::Wait(ms) => Some(*ms),
            _ => None,
        });
        waits.for_each(|ms| assert_eq!(ms % 100, 0, "seed {seed} waits {ms} ms"));
    }
}

#[test]
fn every_profile_has_a_name_and_rules_find_theirs() {
    for profile in Profile::ALL {
        assert_eq!(Profile::named(profile.name()), Some(profile));
    }
    assert_eq!(Profile::named("no such area"), None);
    assert_eq!(Profile::for_rule("session.taken-over")[0].area, Area::Sessions);
}
