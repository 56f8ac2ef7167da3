//! What must become of a script, worked out from duroxide's documents.
//!
//! The rules, with where they stand:
//! - A positional event is taken by a wait for its name that is open and was
//!   recorded before the turn; any other is dropped (`external-events.md`, the
//!   changelog of 0.1.32 on signals of one batch).
//! - A queue message is kept from the start on, until a dequeue takes it, first
//!   in first out for each queue (`external-events.md`). One that is sent
//!   before the start is dropped.
//! - A dequeue that lost against a timer takes nothing (`dequeue_event`).
//! - Continue-as-new carries what is unread, at most 100 messages, the oldest
//!   (`dequeue_event`); open waits are gone (`continue-as-new.md`).
//! - Messages that are there at one moment come to one turn, in their order.
//! - A cancellation beats whatever else its turn comes to. One that is sent
//!   before the start waits for the start.
//!
//! A program waits for one thing at a time, so the model has no open waits but
//! the current step's. Timers that lost are left out: they change nothing.

use std::collections::BTreeSet;

use super::program::{Act, Op, Seen, Standing, Step};

/// As many unread messages survive continue-as-new.
pub const CARRIED: usize = 100;

/// An instance as the documents have it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Model {
    steps: Vec<Step>,
    at: usize,
    /// Whether the current step was recorded: it can then be answered.
    open: bool,
    /// When the current step's timer or activity is due.
    due: Option<u64>,
    ties: Ties,
    /// Unread messages of all queues in the order in which they came.
    pub inbox: Vec<(char, String)>,
    pub seen: Seen,
}

/// What comes to a turn.
#[derive(Clone, Debug)]
pub enum Input {
    Sent(Op),
    /// The timer or the activity of a step.
    Due(usize),
}

impl Model {
    /// An instance that starts at `now` with a first turn of `batch`.
    fn start(steps: &[Step], now: u64, batch: &[Input], ties: Ties) -> Model {
        let seen = Seen { standing: Standing::Running, received: Vec::new(), executions: 1 };
        let (steps, inbox) = (steps.to_vec(), Vec::new());
        let mut model = Model { steps, at: 0, open: false, due: None, ties, inbox, seen };
        model.turn(now, batch);
        model
    }

    fn step(&self) -> Option<&Step> {
        self.steps.get(self.at)
    }

    /// One turn. The messages find the program where the last turn left it;
    /// what it waits for next is recorded after the last of them.
    fn turn(&mut self, now: u64, batch: &[Input]) {
        if self.seen.standing != Standing::Running {
            return;
        }
        batch.iter().for_each(|input| self.receive(input));
        let cancelled = batch.iter().find_map(|input| match input {
            Input::Sent(Op::Cancel(reason)) => Some(reason.clone()),
            _ => None,
        });
        self.go_on(now, cancelled.is_some());
        if let Some(reason) = cancelled {
            self.seen.standing = Standing::Cancelled(reason);
            self.due = None;
        }
    }

    fn receive(&mut self, input: &Input) {
        match (input, self.step().filter(|_| self.open)) {
            (Input::Sent(Op::Raise(name, data)), Some(Step::Wait(wanted) | Step::WaitOrTimer(wanted, _)))
                if name == wanted =>
            {
                self.answer(data.clone());
            }
            (Input::Sent(Op::Enqueue(queue, data)), step) => {
                let wanted = step.and_then(queue_of) == Some(*queue);
                self.inbox.push((*queue, data.clone()));
                if wanted {
                    self.take(*queue);
                }
            }
            (Input::Due(step), Some(current)) if *step == self.at => {
                let answer = match current {
                    Step::Timer(_) => "fired",
                    Step::Activity(_) => "done",
                    _ => "timeout",
                };
                self.answer(answer.to_owned());
            }
            _ => {}
        }
    }

    /// Takes the oldest message of a queue, if there is one.
    fn take(&mut self, queue: char) -> bool {
        let Some(oldest) = self.inbox.iter().position(|(name, _)| *name == queue) else { return false };
        let (_, data) = self.inbox.remove(oldest);
        self.answer(data);
        true
    }

    fn answer(&mut self, data: String) {
        self.seen.received.push(data);
        self.at += 1;
        (self.open, self.due) = (false, None);
    }

    /// Records what the program waits for, and answers from the inbox.
    fn go_on(&mut self, now: u64, cancelled: bool) {
        while self.seen.standing == Standing::Running {
            match self.step().cloned() {
                None | Some(Step::ContinueAsNew) if cancelled => return,
                None => self.seen.standing = Standing::Completed,
                Some(Step::ContinueAsNew) => {
                    self.at += 1;
                    self.seen.executions += 1;
                    self.inbox.truncate(CARRIED);
                }
                Some(step) => {
                    if !self.open {
                        self.open = true;
                        self.due = time_of(&step).map(|ms| self.ties.seen_at(now + ms));
                    }
                    if !queue_of(&step).is_some_and(|queue| self.take(queue)) {
                        return;
                    }
                }
            }
        }
    }
}

fn queue_of(step: &Step) -> Option<char> {
    match step {
        Step::Dequeue(queue) | Step::DequeueOrTimer(queue, _) => Some(*queue),
        _ => None,
    }
}

fn time_of(step: &Step) -> Option<u64> {
    match step {
        Step::Timer(ms) | Step::Activity(ms) | Step::DequeueOrTimer(_, ms) | Step::WaitOrTimer(_, ms) => Some(*ms),
        _ => None,
    }
}

/// What is left open where several things happen at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ties {
    /// A timer and an operation never meet; operations of one moment come to
    /// one turn.
    None,
    /// A timer may come before, between or after the operations of its moment,
    /// and they may come to one turn or to several.
    Any,
    /// No node runs between two times: what comes then meets at the end, in one
    /// turn and the oldest first. A timer is older than what was sent after it
    /// was set.
    Outage(u64, u64),
}

impl Ties {
    /// When a node sees what comes at `ms`.
    fn seen_at(self, ms: u64) -> u64 {
        match self {
            Ties::Outage(from, to) if (from..to).contains(&ms) => to,
            _ => ms,
        }
    }
}

/// What one instance may have come to at `until`: with [`Ties::None`] exactly
/// one thing. Nothing if it was never started.
pub fn predict(script: &[Act], instance: &str, until: u64, ties: Ties) -> BTreeSet<Model> {
    let mut ops = script.iter().filter(|act| act.instance == instance && act.at <= until).peekable();
    let mut before = Vec::new();
    let (start, steps) = loop {
        match ops.next() {
            None => return BTreeSet::new(),
            Some(Act { at, op: Op::Start(steps), .. }) => break (*at, steps),
            Some(Act { op: op @ Op::Cancel(_), .. }) => before.push(Input::Sent(op.clone())),
            Some(_) => {}
        }
    };
    let mut moments: Vec<(u64, Vec<Input>)> = vec![(start, before)];
    for act in ops {
        let now = ties.seen_at(act.at);
        match moments.last_mut() {
            Some((at, inputs)) if *at == now => inputs.push(Input::Sent(act.op.clone())),
            _ => moments.push((now, vec![Input::Sent(act.op.clone())])),
        }
    }
    let (now, first) = moments.remove(0);
    let mut models: BTreeSet<Model> = match ties {
        Ties::Any => splits(&first).iter().map(|turns| started_in_turns(steps, now, turns)).collect(),
        _ => [Model::start(steps, now, &first, ties)].into(),
    };
    for (now, inputs) in &moments {
        models = models.into_iter().flat_map(|model| at_moment(model, *now, inputs)).collect();
    }
    models.into_iter().map(|model| wake_until(model, until)).collect()
}

fn started_in_turns(steps: &[Step], now: u64, turns: &[Vec<Input>]) -> Model {
    let (first, rest) = turns.split_first().map_or((&[][..], &[][..]), |(first, rest)| (&first[..], rest));
    let mut model = Model::start(steps, now, first, Ties::Any);
    rest.iter().for_each(|batch| model.turn(now, batch));
    model
}

/// Everything that is due up to and at `until`.
fn wake_until(mut model: Model, until: u64) -> Model {
    while let Some(due) = model.due.filter(|due| *due <= until) {
        let step = model.at;
        model.turn(due, &[Input::Due(step)]);
    }
    model
}

/// What a moment with operations may make of a model.
fn at_moment(model: Model, now: u64, inputs: &[Input]) -> BTreeSet<Model> {
    let mut model = wake_until(model, now - 1);
    let due = model.due.filter(|due| *due == now).map(|_| Input::Due(model.at));
    match (model.ties, due) {
        (Ties::Any, due) => {
            let orders = with_anywhere(due, inputs);
            orders.iter().flat_map(|order| splits(order)).map(|turns| in_turns(&model, now, &turns)).collect()
        }
        (Ties::None, Some(_)) => panic!("at {now} ms a timer and an operation meet"),
        (Ties::None | Ties::Outage(..), due) => {
            let batch: Vec<Input> = due.into_iter().chain(inputs.iter().cloned()).collect();
            model.turn(now, &batch);
            [model].into()
        }
    }
}

/// The lists that have `one` at some place among `inputs`.
fn with_anywhere(one: Option<Input>, inputs: &[Input]) -> Vec<Vec<Input>> {
    let Some(one) = one else { return vec![inputs.to_vec()] };
    let with = |at| {
        let mut order = inputs.to_vec();
        order.insert(at, one.clone());
        order
    };
    (0..=inputs.len()).map(with).collect()
}

fn in_turns(model: &Model, now: u64, turns: &[Vec<Input>]) -> Model {
    let mut model = model.clone();
    turns.iter().for_each(|batch| model.turn(now, batch));
    model
}

/// Every way to cut a list into lists.
fn splits(inputs: &[Input]) -> Vec<Vec<Vec<Input>>> {
    let gaps = inputs.len().saturating_sub(1);
    let one = |mask: usize| {
        let mut turns: Vec<Vec<Input>> = vec![Vec::new()];
        for (n, input) in inputs.iter().enumerate() {
            if n > 0 && mask >> (n - 1) & 1 == 1 {
                turns.push(Vec::new());
            }
            turns.last_mut().expect("there is a first turn").push(input.clone());
        }
        turns
    };
    (0..1 << gaps).map(one).collect()
}
