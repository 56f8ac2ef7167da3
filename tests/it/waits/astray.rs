//! Work that nobody takes because of its tag or session, and events that went to a
//! relative.

use super::*;

#[test]
fn a_tag_that_no_node_takes_is_told_with_every_filter() {
    let gpu = RuntimeOptions { worker_tag_filter: TagFilter::tags(["gpu"]), ..Sim::default_options() };
    let sim = sim().node(Node::new("b", activities(), orchestrations()).options(gpu));
    let failure = fails(sim, "Tagged", "tpu");
    let [Wait::Open { about, .. }] = waits_of(&failure, "i-1") else { panic!("{failure}") };
    let [About::InQueue(0), About::NoNodeTakes { tag: Some(tag), filters }] = &about[..] else { panic!("{failure}") };
    assert_eq!((&**tag, &filters[0].filter, &*filters[1].node), ("tpu", &Tags::DefaultOnly, "b"));
    let told = "no node takes activities with the tag \"tpu\": a takes those without a tag, b takes those with a tag of \
                {\"gpu\"}";
    assert!(failure.to_string().contains(told), "{failure}");
    // One that some node takes is not told as that.
    let gpu = RuntimeOptions { worker_tag_filter: TagFilter::tags(["gpu"]), ..Sim::default_options() };
    self::sim().node(Node::new("b", activities(), orchestrations()).options(gpu)).run(|sim| one(sim, "Tagged", "gpu"));
}

#[test]
fn a_session_that_belongs_to_another_worker_is_told_with_its_owner() {
    let sim = sim().node(Node::new("b", activities(), orchestrations()));
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
        client.wait_for_orchestration("i-1", 3 * 366 * DAY).await.map(drop)
    });
    let failure = failure.map(drop).expect_err("nobody gets the event");
    println!("{failure}");
    let waiting = if raised_on == "i-1" { "child" } else { "i-1" };
    let came = waits_of(&failure, waiting)
        .iter()
        .any(|wait| matches!(wait, Wait::Open { about, .. } if about.contains(&About::CameTo(raised_on.to_owned()))));
    assert!(came, "{failure}");
    let other = failure.waits.iter().find(|unfinished| unfinished.instance == raised_on).expect("it waits too");
    assert_eq!((&*other.misdirected[0].name, &*other.misdirected[0].wanted_by), (name, waiting), "{failure}");
}

#[test]
fn an_event_that_came_to_a_relative_is_told_at_both() {
    astray("Parent", "WaitsForGo", "i-1", "go", false);
    astray("Parent", "QueueForGo", "i-1", "go", true);
    // And the other way round.
    astray("ParentWaits", "", "child", "go", false);
}

#[test]
fn an_event_with_a_misspelt_name_is_told_beside_the_name_that_is_waited_for() {
    let failure = sim().try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("i-1", "Waits", "approval").await?;
        sim.sleep(Duration::from_secs(3)).await;
        client.raise_event("i-1", "aproval", "yes").await?;
        client.raise_event("i-1", "aproval", "yes").await?;
        client.enqueue_event("i-1", "approvals", "yes").await?;
        client.wait_for_orchestration("i-1", DAY).await.map(drop)
    });
    let failure = failure.map(drop).expect_err("nobody gets the event");
    let [unfinished] = &failure.waits[..] else { panic!("{failure}") };
    let told: Vec<_> = unfinished.unconsumed.iter().map(|event| (&*event.name, event.count, event.queued)).collect();
    assert_eq!(told, [("aproval", 2, false), ("approvals", 1, true)], "{failure}");
    for told in [
        "It received an event \"aproval\" at +3.000 (2 of them) while it did not wait for one, and lost it; it waits for \
         \"approval\".",
        "Its queue \"approvals\" received a message at +3.000 that was never read; it waits for \"approval\".",
    ] {
        assert!(failure.to_string().contains(told), "{failure}");
    }
}

#[test]
fn an_event_that_an_ended_instance_has_not_taken_is_told_with_its_last_events() {
    let failure = sim().try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("i-1", "Waits", "go").await.map_err(|error| error.to_string())?;
        sim.sleep(Duration::from_secs(1)).await;
        client.raise_event("i-1", "stop", "").await.map_err(|error| error.to_string())?;
        sim.sleep(Duration::from_secs(1)).await;
        client.raise_event("i-1", "go", "").await.map_err(|error| error.to_string())?;
        client.wait_for_orchestration("i-1", DAY).await.map_err(|error| error.to_string())?;
        if sim.history("i-1").executions.len() < 2 {
            return Err("i-1 was to go on".to_owned());
        }
        Ok(())
    });
    let failure = failure.map(drop).expect_err("the body fails");
    let told = "It received an event \"stop\" at +1.000 while it did not wait for one, and lost it.";
    assert!(failure.to_string().contains(told), "{failure}");
}

#[test]
fn messages_to_an_instance_that_nobody_started_are_told_with_the_nearest_name() {
    let failure = sim().try_run(|sim| async move {
        let client = sim.client();
        client.start_orchestration("order-1", "Waits", "go").await?;
        sim.sleep(Duration::from_secs(1)).await;
        client.raise_event("ordr-1", "go", "").await?;
        client.wait_for_orchestration("order-1", DAY).await.map(drop)
    });
    let failure = failure.map(drop).expect_err("nobody gets the event");
    let wait = &waits_of(&failure, "ordr-1")[0];
    assert_eq!(*wait, Wait::Unstarted { nearest: Some("order-1".to_owned()) }, "{failure}");
    let told = "ordr-1 waits for a start: no instance of this name was ever started; a similar name is order-1";
    assert!(failure.to_string().contains(told), "{failure}");
}
