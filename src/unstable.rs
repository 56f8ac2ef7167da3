//! Internals of this crate that `duroxide-conformance` uses. They are not part of the public API
//! and change without notice; that crate depends on exactly this version of this one.

pub mod call {
    use crate::call::Call;

    /// Whether the call fetches an orchestration item or a work item.
    pub fn is_fetch(call: &Call) -> bool {
        call.is_fetch()
    }
}

pub mod clock {
    pub use crate::clock::alone::run_alone;
    pub use crate::clock::stopwatch::Stopwatch;

    use crate::clock::Time;

    /// The default start of virtual time.
    pub const START: Time = Time::START;
}

pub mod command {
    pub use crate::command::{here, quoted};
}

pub mod ddmin {
    pub use crate::ddmin::DeltaDebug;
}

pub mod progress {
    pub use crate::progress::Progress;
}

pub mod text {
    pub use crate::text::{Json, Line, Lines, line};
}

pub mod trace {
    pub use crate::trace::text::{Span, Tokens, item_text, quote, words};

    use crate::call::Reply;
    use crate::trace::Answer;

    /// The part of a reply that a trace keeps.
    pub fn answer(reply: &Reply) -> Answer {
        crate::trace::answer(reply)
    }
}

/// What takes part in every run, and its version.
pub fn versions() -> std::collections::BTreeMap<&'static str, String> {
    let here = crate::versions::Versions::here();
    std::collections::BTreeMap::from([("duroxide", here.duroxide), ("duroxide-sim", here.duroxide_sim)])
}
