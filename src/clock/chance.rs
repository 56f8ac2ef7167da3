//! tokio's own randomness, put on the seed.
//!
//! Where several branches of a `tokio::select!` without `biased` are ready, one
//! is taken by a generator that tokio keeps for each thread, and seeds from a
//! counter of the process: so a run would depend on what ran before it. tokio
//! lets it be set only in builds with `--cfg tokio_unstable`. It is two words in
//! the thread's own memory: they are found by what they do, and set.
//!
//! Nothing is guessed. A pair of words is the generator if, over several tosses
//! of a `select!`, it went on each time as the generator does (`FastRand` in
//! tokio 1) and the branch was the one that it says; nothing else in the memory
//! changes like that by accident. What was set is looked at in the same way.
//! Where nothing fits, nothing is written, and that is told.

use std::future::ready;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use super::libc;
use crate::seed::Stream;

/// How often the generator has to do what is expected before it is taken for
/// the generator.
const ROUNDS: u32 = 4;

/// The generator's state: xorshift64+ of two 32-bit words.
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

    /// The branch that was taken on the way to this state.
    fn taken(self) -> u32 {
        self.one.wrapping_add(self.two) >> 30
    }

    fn is_zero(self) -> bool {
        self.one == 0 && self.two == 0
    }
}

/// Puts the generator of this thread, which has entered a tokio runtime, on
/// numbers of `numbers`. Says whether it could.
pub(super) fn seed(numbers: &Stream) -> bool {
    let number = numbers.clone().next_u64();
    let wanted = Pair { one: (number >> 32) as u32, two: number as u32 | 1 };
    libc::with_locals(|blocks| find(blocks).is_some_and(|at| put(at, wanted)))
}

/// Takes one of four branches that are all ready, and says which.
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
        // The task has used up its turn.
        Poll::Pending => None,
    }
}

/// The words of the generator, if exactly one pair behaves like it.
fn find<'a>(blocks: &[&'a [AtomicU32]]) -> Option<&'a [AtomicU32]> {
    let all = blocks.iter().flat_map(|block| block.windows(2));
    let mut pairs: Vec<(&'a [AtomicU32], Pair)> = all.map(|words| (words, read(words))).collect();
    for _ in 0..ROUNDS {
        let branch = toss()?;
        // Words that are always zero go on like it too.
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

/// Sets the generator, and looks whether it goes on from there; puts it back
/// where it does not.
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
    //! Here, because no memory but the thread's own is searched through the
    //! public interface.

    use super::*;

    fn words(of: &[u32]) -> Vec<AtomicU32> {
        of.iter().copied().map(AtomicU32::new).collect()
    }

    #[test]
    fn what_does_not_go_on_like_the_generator_is_left_alone() {
        let still = words(&[0, 0, 0, 1, 2, 3, u32::MAX, 7]);
        assert!(find(&[&still]).is_none());
        assert!(!put(&still[3..5], Pair { one: 5, two: 6 }));
        assert_eq!(read(&still[3..5]), Pair { one: 1, two: 2 }, "put back");
    }
}
