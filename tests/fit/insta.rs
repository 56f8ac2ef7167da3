//! Snapshots of runs, with insta.

use crate::week::{DAY, sim, week};

#[test]
fn a_run_makes_snapshots() {
    let run = sim(1).try_run(|sim| async move {
        week(sim.clone(), 2, 2 * DAY).await?;
        Ok::<_, Box<dyn std::error::Error>>((sim.history("week-1"), sim.activities("week-1")))
    });
    let run = run.unwrap_or_else(|failure| panic!("{failure}"));
    let (history, activities) = &run.value;
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("fit_history", history);
        insta::assert_snapshot!("fit_activities", activities);
        insta::assert_snapshot!("fit_log", run.log());
    });
}
