//! [`Path`]: a place in the JSON of a step.

/// A place in a step: the path of fields and indices to it.
pub(super) type Path = Vec<Key>;

/// One element of a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Key {
    Field(String),
    At(usize),
}
