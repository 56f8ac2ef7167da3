//! The first difference between two traces.

use super::walk::{Piece, pieces};
use crate::trace::Trace;

/// Where two traces differ first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Its place, counted over calls and marks.
    pub place: usize,
    /// What each trace has there.
    pub sides: [Side; 2],
}

/// What a trace has at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The call of this number.
    Call(usize),
    /// The mark of this number.
    Mark(usize),
    /// Nothing: it has ended.
    Nothing,
}

impl Side {
    /// The number of the call at which it is.
    pub fn entry(self, trace: &Trace) -> usize {
        match self {
            Side::Call(number) => number,
            Side::Mark(number) => trace.marks[number].before,
            Side::Nothing => trace.entries.len(),
        }
    }
}

/// The first difference, if there is one.
pub(super) fn first(one: &Trace, other: &Trace) -> Option<Difference> {
    let (left, right) = (pieces(one), pieces(other));
    let same = |(a, b): (&Piece<'_>, &Piece<'_>)| match (a, b) {
        (Piece::Mark(a), Piece::Mark(b)) => a == b,
        (Piece::Entry(_, a), Piece::Entry(_, b)) => a == b,
        _ => false,
    };
    let place = left.iter().zip(&right).take_while(|pair| same(*pair)).count();
    if place == left.len() && place == right.len() {
        return None;
    }
    Some(Difference { place, sides: [side(&left, place), side(&right, place)] })
}

fn side(pieces: &[Piece<'_>], place: usize) -> Side {
    match pieces.get(place) {
        Some(Piece::Entry(number, _)) => Side::Call(*number),
        Some(Piece::Mark(_)) => Side::Mark(pieces[..place].iter().filter(|p| matches!(p, Piece::Mark(_))).count()),
        None => Side::Nothing,
    }
}
