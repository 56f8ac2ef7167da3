//! Generates programs: rounds in which callers compete.

use duroxide_sim::call::{Call, InstanceQuery, KeepRule};
use duroxide_sim::seed::{Seed, Stream};

use super::acts::{
    abandon, abandon_job, ack_job, beget, cancel, complete, enqueue_job, fetch, fetch_job, go_on, next_execution,
    plain, progress, progress_of_child, raise, renew, renew_job, schedule, start, tell,
};
use crate::race::{Program, Round};
use crate::script::{Act, Step};
use std::time::Duration;

/// Whether a program may let time pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    Some,
    None,
}

/// What the callers of a round compete for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Turn,
    Acks,
    Expiry,
    Queue,
    Jobs,
    Cancel,
    Delete,
    Family,
    Executions,
    Sessions,
    Reads,
    Bulk,
}

impl Theme {
    /// Every theme.
    pub const ALL: &[Theme] = &[
        Theme::Turn,
        Theme::Acks,
        Theme::Expiry,
        Theme::Queue,
        Theme::Jobs,
        Theme::Cancel,
        Theme::Delete,
        Theme::Family,
        Theme::Executions,
        Theme::Sessions,
        Theme::Reads,
        Theme::Bulk,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Theme::Turn => "turn",
            Theme::Acks => "acks",
            Theme::Expiry => "expiry",
            Theme::Queue => "queue",
            Theme::Jobs => "jobs",
            Theme::Cancel => "cancel",
            Theme::Delete => "delete",
            Theme::Family => "family",
            Theme::Executions => "executions",
            Theme::Sessions => "sessions",
            Theme::Reads => "reads",
            Theme::Bulk => "bulk",
        }
    }
}

/// The program of a seed; without a theme, each round draws its own.
pub(super) fn program(seed: Seed, theme: Option<Theme>, waits: Waits) -> Program {
    let mut draft = Draft { random: seed.child("program").stream(), theme, waits, last: 0, own: String::new() };
    let rounds = 1 + draft.random.below(4);
    Program { rounds: (0..rounds).map(|number| draft.round(number)).collect() }
}

struct Draft {
    random: Stream,
    theme: Option<Theme>,
    waits: Waits,
    /// The last number that was used to make a payload unique.
    last: u64,
    /// The instance that the round is about.
    own: String,
}

const OWNERS: [&str; 2] = ["w1", "w2"];
const SESSIONS: [&str; 2] = ["s1", "s2"];

impl Draft {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.below(all.len() as u64) as usize]
    }

    fn lock_for_ms(&mut self) -> u64 {
        match self.waits {
            Waits::None => 3_600_000,
            Waits::Some => self.one_of(&[1_000, 5_000, 30_000]),
        }
    }

    fn round(&mut self, number: u64) -> Round {
        let fresh = self.waits == Waits::None || number == 0 || self.random.one_in(2);
        if fresh {
            self.own = format!("i{number}");
        }
        let any = self.one_of(Theme::ALL);
        let theme = self.theme.unwrap_or(any);
        let mut before = Vec::new();
        if self.waits == Waits::Some && number > 0 {
            before.push(Step::Wait(self.one_of(&[1, 999, 1_000, 5_000, 40_000])));
        }
        if fresh {
            before.push(Step::Call(start(&self.own.clone(), None)));
        }
        before.extend(self.before(theme));
        let callers = 2 + self.random.below(5);
        Round { before, callers: (0..callers).map(|_| self.caller(theme)).collect() }
    }

    fn caller(&mut self, theme: Theme) -> Vec<Act> {
        // Short lists hit the prepared items more often than long ones.
        let most = self.one_of(&[2, 3, 8]);
        let count = 1 + self.random.below(most);
        (0..count)
            .map(|_| {
                let off_theme = self.random.one_in(6);
                let theme = if off_theme { self.one_of(Theme::ALL) } else { theme };
                self.act(theme)
            })
            .collect()
    }

    /// The setup of a round: a single caller creates what the others compete
    /// for.
    fn before(&mut self, theme: Theme) -> Vec<Step> {
        let own = self.own.clone();
        let lock_for_ms = self.lock_for_ms();
        let data = self.next();
        let acts = match theme {
            Theme::Turn | Theme::Queue => vec![raise(&own, data)],
            Theme::Acks | Theme::Delete | Theme::Bulk => vec![raise(&own, data), fetch(lock_for_ms)],
            Theme::Expiry => {
                let mut steps: Vec<Step> = [raise(&own, data), fetch(1_000)].into_iter().map(Step::Call).collect();
                if self.waits == Waits::Some {
                    steps.push(Step::Wait(self.one_of(&[999, 1_000, 1_001])));
                }
                return steps;
            }
            Theme::Jobs => vec![fetch(lock_for_ms), schedule(1 + data % 4, None, None, data)],
            Theme::Cancel => {
                let jobs = vec![fetch(lock_for_ms), schedule(1 + data % 3, None, None, data), raise(&own, data)];
                jobs.into_iter().chain([fetch(lock_for_ms), fetch_job(lock_for_ms, None, None)]).collect()
            }
            Theme::Family => {
                let child = format!("{own}::{data}");
                let parent = vec![fetch(lock_for_ms), beget(&child, data), fetch(lock_for_ms)];
                let end = if data.is_multiple_of(2) { vec![raise(&own, data), fetch(lock_for_ms)] } else { Vec::new() };
                parent.into_iter().chain(end).collect()
            }
            Theme::Executions => vec![fetch(lock_for_ms), go_on(data), fetch(lock_for_ms)],
            Theme::Sessions => {
                let (session, other) = (self.one_of(&SESSIONS), self.one_of(&SESSIONS));
                vec![fetch(lock_for_ms), schedule(2, Some(session), None, data), enqueue_job(&own, Some(other), data)]
            }
            Theme::Reads => vec![fetch(lock_for_ms), progress(data), raise(&own, data), fetch(lock_for_ms)],
        };
        acts.into_iter().map(Step::Call).collect()
    }

    fn act(&mut self, theme: Theme) -> Act {
        let own = self.own.clone();
        let data = self.next();
        let lock_for_ms = self.lock_for_ms();
        let choice = self.random.below(8);
        match theme {
            Theme::Turn => match choice {
                0..4 => fetch(lock_for_ms),
                4 => abandon(),
                5 => renew(lock_for_ms),
                6 => progress(data),
                _ => raise(&own, data),
            },
            Theme::Acks | Theme::Expiry => match choice {
                0..3 => progress(data),
                3 => fetch(lock_for_ms),
                4 => abandon(),
                5 => renew(lock_for_ms),
                6 => complete(data),
                _ => tell(&[own.clone(), format!("{own}-other")], data),
            },
            Theme::Queue => match choice {
                0..3 => raise(&own, data),
                3..6 => fetch(lock_for_ms),
                6 => progress(data),
                _ => start(&own, None),
            },
            Theme::Jobs => self.job_act(choice, data, lock_for_ms),
            Theme::Cancel => match choice {
                0..2 => cancel(1 + data % 3, data),
                2..4 => ack_job(Some(data)),
                4 => renew_job(lock_for_ms),
                5 => abandon_job(),
                _ => fetch_job(lock_for_ms, None, None),
            },
            Theme::Delete => self.delete_act(choice, data, lock_for_ms),
            Theme::Family => self.family_act(choice, data, lock_for_ms),
            Theme::Executions => self.execution_act(choice, data, lock_for_ms),
            Theme::Sessions => self.session_act(choice, data, lock_for_ms),
            Theme::Reads => {
                if choice < 3 {
                    self.act(Theme::Acks)
                } else {
                    self.read_act()
                }
            }
            Theme::Bulk => match choice {
                0 => plain(Call::DeleteInstanceBulk { query: InstanceQuery::default() }),
                1 => plain(Call::PruneExecutionsBulk {
                    query: InstanceQuery::default(),
                    keep: KeepRule { keep_last: Some(1), completed_before: None },
                }),
                2..4 => complete(data),
                4 => fetch(lock_for_ms),
                5 => start(&own, None),
                6 => go_on(data),
                _ => self.read_act(),
            },
        }
    }

    fn job_act(&mut self, choice: u64, data: u64, lock_for_ms: u64) -> Act {
        match choice {
            0..3 => fetch_job(lock_for_ms, None, None),
            3..5 => ack_job(if data.is_multiple_of(3) { None } else { Some(data) }),
            5 => renew_job(lock_for_ms),
            6 => abandon_job(),
            _ => enqueue_job(&self.own, None, data),
        }
    }

    fn delete_act(&mut self, choice: u64, data: u64, lock_for_ms: u64) -> Act {
        let instance = self.own.clone();
        match choice {
            0..2 => plain(Call::DeleteInstance { instance, force: true }),
            2 => plain(Call::DeleteInstance { instance, force: false }),
            3 => plain(Call::DeleteInstancesAtomic { instances: vec![instance], force: true }),
            4 => progress(data),
            5 => complete(data),
            6 => fetch(lock_for_ms),
            _ => start(&instance, None),
        }
    }

    fn family_act(&mut self, choice: u64, data: u64, lock_for_ms: u64) -> Act {
        let instance = self.own.clone();
        match choice {
            0..2 => plain(Call::DeleteInstance { instance, force: true }),
            2..4 => progress_of_child(&instance, data),
            4 => fetch(lock_for_ms),
            5 => plain(Call::GetInstanceTree { instance }),
            6 => plain(Call::ListChildren { instance }),
            _ => complete(data),
        }
    }

    fn execution_act(&mut self, choice: u64, data: u64, lock_for_ms: u64) -> Act {
        let instance = self.own.clone();
        match choice {
            0..2 => next_execution(data),
            2 => go_on(data),
            3..5 => plain(Call::PruneExecutions {
                instance,
                keep: KeepRule { keep_last: Some((data % 2) as u32), completed_before: None },
            }),
            5 => fetch(lock_for_ms),
            6 => plain(Call::ListExecutions { instance }),
            _ => plain(Call::Read { instance }),
        }
    }

    fn session_act(&mut self, choice: u64, data: u64, lock_for_ms: u64) -> Act {
        let (owner, session) = (self.one_of(&OWNERS), self.one_of(&SESSIONS));
        match choice {
            0..4 => fetch_job(lock_for_ms, Some(owner), None),
            4 => ack_job(Some(data)),
            5 => plain(Call::RenewSessionLock {
                owners: vec![owner.to_owned()],
                extend_for: Duration::from_millis(lock_for_ms),
                idle_for: Duration::from_secs(60),
            }),
            6 => enqueue_job(&self.own, Some(session), data),
            _ => abandon_job(),
        }
    }

    fn read_act(&mut self) -> Act {
        let instance = self.own.clone();
        plain(match self.random.below(11) {
            0 => Call::Read { instance },
            1 => Call::GetCustomStatus { instance, last_seen_version: 0 },
            2 => Call::GetKvAllValues { instance },
            3 => Call::GetKvValue { instance, key: "key".to_owned() },
            4 => Call::GetInstanceInfo { instance },
            5 => Call::ListExecutions { instance },
            6 => Call::GetExecutionInfo { instance, execution: 1 },
            7 => Call::GetInstanceStats { instance },
            8 => Call::ListInstances,
            9 => Call::ListInstancesByStatus { status: "Running".to_owned() },
            _ => Call::ReadHistory { instance },
        })
    }
}
