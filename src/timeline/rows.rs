//! Assigns items of a lane to rows, so that overlapping items lie below each other.

/// The maximum number of rows in a lane; further overlapping items share the last row.
const MOST: usize = 12;

/// Assigns rows, from `first` on, to bars that are sorted by their start. Returns the row of each
/// bar, and the number of rows.
pub(super) fn pack(bars: &[(usize, usize)], first: usize) -> (Vec<usize>, usize) {
    let mut ends: Vec<usize> = Vec::new();
    let rows = bars.iter().map(|(from, to)| {
        let free = ends.iter().position(|end| *end <= *from);
        let row = match free {
            Some(row) => row,
            None if ends.len() < MOST => {
                ends.push(0);
                ends.len() - 1
            }
            None => MOST - 1,
        };
        ends[row] = ends[row].max((*to).max(from + 1));
        first + row
    });
    let rows: Vec<usize> = rows.collect();
    (rows, first + ends.len())
}
