//! What a provider answers wrongly with one caller at a time too.
//!
//! Such answers are for scripts to find. Where callers meet they are taken as
//! they are, so that they do not hide what only meeting brings about.

use std::collections::BTreeSet;
use std::mem::discriminant;

use crate::oracle::Aspect;

/// Ways in which the answers of some methods deviate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Habits(BTreeSet<(&'static str, String)>);

impl Habits {
    /// Takes note of one. Says whether it is new.
    pub fn learn(&mut self, method: &'static str, aspect: &Aspect) -> bool {
        self.0.insert((method, kind(aspect)))
    }

    /// Whether this is one.
    pub fn have(&self, method: &'static str, aspect: &Aspect) -> bool {
        !self.0.is_empty() && self.0.contains(&(method, kind(aspect)))
    }

    /// Whether anything in the answers of this method deviates.
    pub fn have_any(&self, method: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == method)
    }
}

/// The aspect without the moment that it names.
fn kind(aspect: &Aspect) -> String {
    match aspect {
        Aspect::Barred(bar) => format!("{:?}", discriminant(bar)),
        other => format!("{other:?}"),
    }
}
