//! Work that nobody takes because of its tag or session, and events that went to a
//! relative.

use super::*;

#[test]
fn a_tag_that_no_node_takes_is_told_with_every_filter() {
    let gpu = RuntimeOptions { worker_tag_filter: TagFilter::tags(["gpu"]), ..Sim::default_options() };
    let sim = sim().node_with_options("b", activities(), orchestrations(), gpu);
    let failure = fails(sim, "Tagged", "tpu");
    let [Wait::Open { about, .. }] = waits_of(&failure, "i-1") else { panic!("{failure}") };
    let [About::InQueue(0), About::Untaken { tag: Some(tag), filters }] = &about[..] else { panic!("{failure}") };
    assert_eq!((&**tag, &filters[0].filter, &*filters[1].node), ("tpu", &Tags::DefaultOnly, "b"));
    let told = "no node takes activities with the tag \"tpu\": a takes those without a tag, b takes those with a tag of \
                {\"gpu\"}";
    assert!(failure.to_string().contains(told), "{failure}");
    // One that some node takes is not told as that.
    let gpu = RuntimeOptions { worker_tag_filter: TagFilter::tags(["gpu"]), ..Sim::default_options() };
    self::sim().node_with_options("b", activities(), orchestrations(), gpu).run(|sim| one(sim, "Tagged", "gpu"));
}

#[test]
fn a_session_that_belongs_to_another_worker_is_told_with_its_owner() {
    let sim = sim().node("b", activities(), orchestrations());
    let failure = sim.try_run(|sim| async move {
        sim.client().start_orchestration("first", "Session", "Charge").await?;
        sim.client().wait_for_orchestration("first", DAY).await?;
        // Whoever it was has the session for six hours.
        sim.crash("a").expect("node a is up");
        sim.crash("b").expect("node b is up");
        sim.start("a").await.expect("node a is down");
        sim.start("b").await.expect("node b is down");
        sim.client().start_orchestration("i-1", "Session", "Charge").await?;
        sim.sleep(Duration::from_secs(60)).await;
        Err::<(), _>(ClientError::Timeout)
    });
    let failure = failure.map(drop).expect_err("the body fails");
    let [Wait::Open { about, .. }] = waits_of(&failure, "i-1") else { panic!("{failure}") };
    let [About::InQueue(0), About::Session { session, node: Some(node), until, owner }] = &about[..] else {
        panic!("{failure}")
    };
    assert_eq!((&**session, *until), ("s-1", 6 * HOUR));
    assert!(["a", "b"].contains(&&**node) && owner.starts_with("work-"), "{failure}");
    assert!(failure.to_string().contains("belongs to worker work-"), "{failure}");
}

#[track_caller]
fn astray(orchestration: &'static str, input: &'static str, raised_on: &'static str, name: &'static str, queue: bool) {
    let failure = sim().try_run(move |sim| async move {
        let client = sim.client();
        client.start_orchestration("i-1", orchestration, input).await?;
        sim.sleep(Duration::from_secs(1)).await;
        match queue {
            true => client.enqueue_event(raised_on, name, "").await?,
            false => client.raise_event(raised_on, name, "").await?,
        }
        client.wait_for_orchestration("i-1", 30 * DAY).await.map(drop)
    });
    let failure = failure.map(drop).expect_err("nobody gets the event");
    println!("{failure}");
    let waiting = if raised_on == "i-1" { "child" } else { "i-1" };
    let came = waits_of(&failure, waiting)
        .iter()
        .any(|wait| matches!(wait, Wait::Open { about, .. } if about.contains(&About::CameTo(raised_on.to_owned()))));
    assert!(came, "{failure}");
    let other = failure.waits.iter().find(|unfinished| unfinished.instance == raised_on).expect("it waits too");
    assert_eq!((&*other.strayed[0].name, &*other.strayed[0].wanted_by), (name, waiting), "{failure}");
}

#[test]
fn an_event_that_came_to_a_relative_is_told_at_both() {
    astray("Parent", "WaitsForGo", "i-1", "go", false);
    astray("Parent", "QueueForGo", "i-1", "go", true);
    // And the other way round.
    astray("ParentWaits", "", "child", "go", false);
}
