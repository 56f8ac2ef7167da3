//! Shrinking: how small it gets, what it costs, and that it always still fails.

use std::time::Duration;

use duroxide_conformance::unstable::{Budget, Run, minimise, replay, script};
use duroxide_conformance::{Profile, Script};
use duroxide_sim::Seed;

use super::tricks::{ALL, block_on, busy, shrunk};

#[test]
fn long_scripts_shrink_to_a_few_steps() {
    let mut text = String::new();
    for saboteur in ALL {
        let minimal = shrunk(&saboteur, &busy(), Budget::default());
        assert!(minimal.script.len() <= 6, "{}:\n{}", saboteur.name, minimal.script);
        assert!(!minimal.is_cut_short);
        text += &format!("# {}\n{}\n", saboteur.name, minimal.script);
    }
    crate::snapshot("conformance_minimal_scripts", &text);
}

/// No smaller choice of its steps shows the same: all of them are tried.
#[test]
fn nothing_can_be_left_out_of_a_minimal_script() {
    for saboteur in ALL {
        let minimal = shrunk(&saboteur, &busy(), Budget::default());
        let deviation = |run: &Run| format!("{:?}", run.end).chars().take(40).collect::<String>();
        let shown = minimal.run.as_ref().map(deviation);
        let length = minimal.script.len();
        for kept in 0..(1_u32 << length) - 1 {
            let steps = minimal.script.steps.iter().enumerate().filter(|(at, _)| kept >> at & 1 == 1);
            let less = Script { steps: steps.map(|(_, step)| step.clone()).collect() };
            let run = block_on(replay(&saboteur, &less));
            assert_ne!(Some(deviation(&run)), shown, "{}:\n{less}", saboteur.name);
        }
    }
}

#[test]
fn generated_scripts_shrink_to_a_few_steps_too() {
    let mut sizes = Vec::new();
    for saboteur in ALL {
        let scripts = (0..400).map(|number| script(Seed(number), Profile::ALL[number as usize % Profile::ALL.len()]));
        let failing =
            scripts.filter(|script| format!("{:?}", block_on(replay(&saboteur, script)).end).contains("Deviates"));
        for script in failing.take(3) {
            let minimal = shrunk(&saboteur, &script, Budget::default());
            sizes.push((minimal.script.len(), minimal.runs, script.len()));
            assert!(minimal.script.len() <= 8, "{} from {} steps:\n{}", saboteur.name, script.len(), minimal.script);
        }
    }
    assert!(sizes.len() >= 5, "{sizes:?}");
}

#[test]
fn result_fails_whatever_the_budget() {
    for saboteur in ALL {
        for runs in [0, 1, 2, 3, 5, 9, 17] {
            let minimal = shrunk(&saboteur, &busy(), Budget { runs, ..Budget::default() });
            assert!(minimal.runs <= runs.max(1));
            assert!(minimal.is_cut_short);
            let again = block_on(replay(&saboteur, &minimal.script));
            assert_eq!(Some(again.end), minimal.run.map(|run| run.end));
        }
    }
}

/// On virtual time nothing moves the clock here: only real time can end it.
#[test]
fn shrinking_ends_in_real_time_though_the_clock_is_virtual() {
    let run = || std::thread::spawn(|| block_on(replay(&ALL[0], &busy()))).join().expect("a run");
    let is_cut_short = duroxide_sim::Sim::new(1).run(move |_| async move {
        let mut first = true;
        let fails = async |_: &Script| Some(run()).filter(|_| std::mem::take(&mut first));
        let budget = Budget { runs: u64::MAX, time: Duration::from_millis(1) };
        Ok::<_, String>(minimise(busy(), budget, fails).await.is_cut_short)
    });
    assert!(is_cut_short);
}

#[test]
fn script_that_does_not_fail_stays_as_it_is() {
    let minimal = block_on(minimise(busy(), Budget::default(), async |_: &Script| None));
    assert_eq!((minimal.script, minimal.run, minimal.runs), (busy(), None, 1));
}
