//! [`Wrapped`]: an error inside another one.
//!
//! The text of an error is full sentences. An error that wraps another one returns it from
//! `Error::source` and does not repeat its text, because reporters print the whole chain. Where
//! this crate prints an error itself, it prints [`whole`].

use std::error::Error;
use std::sync::Arc;

/// An error inside another one. Two of them are equal if their texts are.
#[derive(Clone, Debug)]
pub(crate) struct Wrapped(Arc<dyn Error + Send + Sync>);

impl Wrapped {
    pub fn new(error: impl Error + Send + Sync + 'static) -> Wrapped {
        Wrapped(Arc::new(error))
    }

    /// Returns the error, as `Error::source` does.
    pub fn source(&self) -> &(dyn Error + 'static) {
        &*self.0
    }
}

impl PartialEq for Wrapped {
    fn eq(&self, other: &Wrapped) -> bool {
        self.0.to_string() == other.0.to_string()
    }
}

impl Eq for Wrapped {}

/// Returns the text of an error and of all that it wraps.
pub(crate) fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut wrapped = error.source();
    while let Some(reason) = wrapped {
        text += &format!(" The reason: {}.", reason.to_string().trim_end_matches('.'));
        wrapped = reason.source();
    }
    text
}
