//! Seeds tokio's own random generator.
//!
//! If several branches of a `tokio::select!` without `biased` are ready, tokio chooses one with a
//! generator that it keeps per thread and seeds from a process-wide counter, so a run would depend
//! on what ran before it. tokio offers a way to set the seed only in builds with `--cfg
//! tokio_unstable`. The generator's state is two words in the thread's own memory; this module
//! finds them by their behaviour and sets them.
//!
//! The search does not guess. A pair of words is the generator if, over several executions of a
//! `select!`, it changed each time as the generator does (`FastRand` in tokio 1) and the chosen
//! branch was the one that it predicts. Nothing else in the memory changes like that by accident.
//! The new values are verified in the same way. If no pair fits, nothing is written and the caller
//! is told.

use std::future::ready;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use super::libc;
use crate::seed::Stream;

/// The number of predictions that must come true before a pair of words is taken for the generator.
const ROUNDS: u32 = 4;

/// The generator's state: xorshift64+ over two 32-bit words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair {
    one: u32,
    two: u32,
}

impl Pair {
    /// The state after the next number.
    fn next(self) -> Pair {
        let first = self.one ^ (self.one << 17);
        Pair { one: self.two, two: first ^ self.two ^ (first >> 7) ^ (self.two >> 16) }
    }

    /// The branch that was chosen in the step to this state.
    fn taken(self) -> u32 {
        self.one.wrapping_add(self.two) >> 30
    }

    fn is_zero(self) -> bool {
        self.one == 0 && self.two == 0
    }
}

/// Seeds the generator of this thread, which has entered a tokio runtime, from `numbers`. Returns
/// whether that was possible.
pub(super) fn seed(numbers: &Stream) -> bool {
    let number = numbers.clone().next_u64();
    let wanted = Pair { one: (number >> 32) as u32, two: number as u32 | 1 };
    libc::with_locals(|blocks| find(blocks).is_some_and(|at| put(at, wanted)))
}

/// Executes a `select!` with four ready branches, and returns the chosen one.
fn toss() -> Option<u32> {
    let choice = async {
        tokio::select! {
            () = ready(()) => 0,
            () = ready(()) => 1,
            () = ready(()) => 2,
            () = ready(()) => 3,
        }
    };
    match pin!(choice).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(branch) => Some(branch),
        // The task's tokio budget is used up.
        Poll::Pending => None,
    }
}

/// The words of the generator, if exactly one pair behaves like it.
fn find<'a>(blocks: &[&'a [AtomicU32]]) -> Option<&'a [AtomicU32]> {
    let all = blocks.iter().flat_map(|block| block.windows(2));
    let mut pairs: Vec<(&'a [AtomicU32], Pair)> = all.map(|words| (words, read(words))).collect();
    for _ in 0..ROUNDS {
        let branch = toss()?;
        // Two words that are always zero also satisfy the recurrence, so they are excluded.
        pairs.retain_mut(|(words, pair)| {
            let (expected, found) = (pair.next(), read(words));
            *pair = found;
            found == expected && !found.is_zero() && found.taken() == branch
        });
    }
    match pairs[..] {
        [(words, _)] => Some(words),
        _ => None,
    }
}

fn read(words: &[AtomicU32]) -> Pair {
    Pair { one: words[0].load(Ordering::Relaxed), two: words[1].load(Ordering::Relaxed) }
}

fn write(words: &[AtomicU32], pair: Pair) {
    words[0].store(pair.one, Ordering::Relaxed);
    words[1].store(pair.two, Ordering::Relaxed);
}

/// Sets the generator and verifies that it continues from there; restores it otherwise.
fn put(words: &[AtomicU32], wanted: Pair) -> bool {
    let before = read(words);
    write(words, wanted);
    let branch = toss();
    let after = read(words);
    let holds = after == wanted.next() && branch == Some(after.taken());
    if !holds {
        write(words, before);
    }
    holds
}

#[cfg(test)]
mod tests {
    //! A unit test, because the public interface searches no memory but the thread's own.

    use super::*;

    fn words(of: &[u32]) -> Vec<AtomicU32> {
        of.iter().copied().map(AtomicU32::new).collect()
    }

    #[test]
    fn what_does_not_go_on_like_the_generator_is_left_alone() {
        let still = words(&[0, 0, 0, 1, 2, 3, u32::MAX, 7]);
        assert!(find(&[&still]).is_none());
        assert!(!put(&still[3..5], Pair { one: 5, two: 6 }));
        assert_eq!(read(&still[3..5]), Pair { one: 1, two: 2 }, "restored");
    }
}
