//! Rows: which items of a lane lie beside each other, and which below.

/// At most so many rows has a lane; what does not fit lies on the last one.
const MOST: usize = 12;

/// The rows of bars that are sorted by their beginning, from `first` on.
/// Returns a row for each, and how many rows there are.
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
